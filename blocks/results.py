"""Result storage that can be believed: every record is written atomically and carries a checksum.

Prefect's own local storage opens the final file and writes into it, so a kill leaves a torn record, and a
record that was altered but still parses is believed. Here a record is there whole or not at all, and what does not
match its checksum is set aside and computed again.
"""

import logging

from prefect.filesystems import WritableFileSystem
from pydantic import Field, HttpUrl, PrivateAttr

from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.records.places import folder_of, records_at
from tasks.checkpoints.room import write_making_room
from tasks.checkpoints.seal import seal, unseal
from tasks.errors import CheckpointError, ResultsUnreachable

_logger = logging.getLogger(__name__)


class ResultStorage(WritableFileSystem):
    """Batch results in a folder or in S3, one sealed record each, named by cache key.

    Attributes:
        address: Where the records lie: a folder, created when the first is written, or `s3://BUCKET/PREFIX`.

    Raises:
        CheckpointError: from `read_path`, for a record that is damaged (it is renamed to `*.damaged` first).
        ResultsUnreachable: where S3 cannot be asked.
    """

    _block_type_name = "Vetbook Result Storage"
    _block_type_slug = "vetbook-result-storage"
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/advanced/results")
    _description = "Batch results in a folder or in S3, written atomically and checked by SHA-256."

    address: str = Field(
        default="data/results",
        min_length=1,
        description="Folder for the batch results, on shared storage when workers run on several machines; or"
        " s3://BUCKET/PREFIX, with endpoint, region and credentials from each machine's own AWS configuration.",
    )
    _told: set[str] = PrivateAttr(default_factory=set)

    @property
    def records(self) -> Records:
        """The place of the records; SettingsError where it cannot be used here."""
        return records_at(self.address)

    def holds(self, key: str) -> bool:
        """Whether a record is there and sound; a damaged one is set aside. ResultsUnreachable where S3 cannot say."""
        try:
            return self._read(key) is not None
        except ResultsUnreachable:
            raise
        except (OSError, CheckpointError):
            return False

    def _read(self, key: str) -> bytes:
        record = self._found(key)
        if record is None:
            raise FileNotFoundError(f"{self.address}: no record {key}")
        try:
            return unseal(record)
        except CheckpointError as error:
            aside = self.records.set_aside(key, record)
            _logger.warning("Result %s is damaged (%s); kept as %s, the batch is done again", key, error, aside)
            raise

    def _found(self, key: str) -> bytes | None:
        try:
            return self.records.read(key)
        except ResultsUnreachable as error:
            # Prefect takes any error for "no such result", without a word.
            if str(error) not in self._told:
                self._told.add(str(error))
                _logger.warning("Whether a batch is stored already cannot be said, so it is looked up: %s", error)
            raise

    def _write(self, key: str, content: bytes) -> str:
        records, folder = self.records, folder_of(self.address)
        if folder is None:
            records.write(key, seal(content))
        else:
            # The results of a scan lie in a folder of its own, below that of the data.
            write_making_room(lambda: records.write(key, seal(content)), folder.parent, key.partition("/")[0])
        return key

    async def aread_path(self, path: str) -> bytes:
        """The content of the record with this key."""
        return self._read(path)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Write a record; it is there whole or not at all."""
        return self._write(path, content)

    # Prefect's synchronous engine passes _sync=True, and fails quietly where the keyword is unknown.

    def read_path(self, path: str, _sync: bool = True) -> bytes:  # type: ignore[override]  # sync half of the pair
        """The content of the record with this key."""
        return self._read(path)

    def write_path(self, path: str, content: bytes, _sync: bool = True) -> str:  # type: ignore[override]  # sync half
        """Write a record; it is there whole or not at all."""
        return self._write(path, content)
