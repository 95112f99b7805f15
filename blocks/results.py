"""Result storage that can be believed: every record is written atomically and carries a checksum.

Prefect's own local storage opens the final file and writes into it, so a kill leaves a torn record, and a
record that was altered but still parses is believed. Here a record is written beside its place, synced and
renamed, and what does not match its checksum is set aside and computed again.
"""

import logging
from pathlib import Path

from prefect.filesystems import WritableFileSystem
from pydantic import Field, HttpUrl

from tasks.checkpoints.room import write_making_room
from tasks.checkpoints.seal import seal, unseal
from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically

_logger = logging.getLogger(__name__)


class ResultStorage(WritableFileSystem):
    """A folder of batch results, one sealed file each, named by cache key.

    Attributes:
        folder: Where the records lie; created when the first is written.

    Raises:
        CheckpointError: from `read_path`, for a record that is damaged (it is renamed to `*.damaged` first).
    """

    _block_type_name = "Vetbook Result Storage"
    _block_type_slug = "vetbook-result-storage"
    _documentation_url = HttpUrl("https://docs.prefect.io/v3/advanced/results")
    _description = "Batch results on a local or shared folder, written atomically and checked by SHA-256."

    folder: str = Field(
        default="data/results",
        description="Folder for the batch results; on shared storage when workers run on several machines.",
    )

    def path_of(self, key: str) -> Path:
        """The file of a record; ValueError for a key that would leave the folder."""
        folder = Path(self.folder).expanduser().resolve()
        path = (folder / key).resolve()
        if folder not in path.parents:
            raise ValueError(f"result key {key!r} lies outside {folder}")
        return path

    def holds(self, key: str) -> bool:
        """Whether a record is there and sound; a damaged one is set aside."""
        try:
            return self._read(key) is not None
        except (OSError, CheckpointError):
            return False

    def _read(self, key: str) -> bytes:
        path = self.path_of(key)
        record = path.read_bytes()
        try:
            return unseal(record)
        except CheckpointError as error:
            aside = path.with_name(f"{path.name}.damaged")
            path.replace(aside)
            _logger.warning("Result %s is damaged (%s); kept as %s, the batch is done again", path.name, error, aside)
            raise

    def _write(self, key: str, content: bytes) -> str:
        path = self.path_of(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # The results of a scan lie in a folder of its own, below that of the data.
        root, scan_id = Path(self.folder).expanduser().resolve().parent, path.parent.name
        write_making_room(lambda: write_atomically(path, seal(content)), root, scan_id)
        return str(path)

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
