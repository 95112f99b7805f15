"""`results/SCAN_ID/scan.json`: what a scan is, beside its results, so that they can be gone on with alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints.model import ScanRecord
from tasks.checkpoints.seal import seal, unseal
from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically

_NAME = "scan.json"


@dataclass(frozen=True, slots=True)
class ScanRecords:
    """The scan records below one results folder."""

    results: Path

    def folder_of(self, scan_id: str) -> Path:
        """The folder of a scan's results."""
        return self.results / scan_id

    def write(self, record: ScanRecord) -> None:
        """Write a scan's record durably, in place of its former one; CheckpointError when it cannot be written."""
        write_atomically(self.folder_of(record.scan_id) / _NAME, seal(record.model_dump_json().encode()))

    def read(self, scan_id: str) -> ScanRecord | None:
        """A scan's record; None when there is none, or it is damaged or another scan's."""
        try:
            record = ScanRecord.model_validate_json(unseal((self.folder_of(scan_id) / _NAME).read_bytes()))
        except (OSError, ValueError, CheckpointError):
            return None
        return record if record.scan_id == scan_id else None

    def scan_ids(self) -> list[str]:
        """Every scan with a folder, whether its record is sound or not."""
        return sorted(path.name for path in self.results.glob("*") if path.is_dir())

    def __iter__(self) -> Iterator[ScanRecord]:
        yield from (record for scan_id in self.scan_ids() if (record := self.read(scan_id)))
