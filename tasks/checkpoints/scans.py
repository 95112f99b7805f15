"""`SCAN_ID/scan.json` among the results: what a scan is, so that its results can be gone on with alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.checkpoints.model import CheckpointData, CheckpointHead, ScanRecord
from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.seal import seal, unseal
from tasks.errors import CheckpointError, ResultsUnreachable

_NAME = "scan.json"


@dataclass(frozen=True, slots=True)
class ScanRecords:
    """The scan records in one place for results. Everything raises ResultsUnreachable where that cannot be asked."""

    results: Records

    def write(self, record: ScanRecord) -> None:
        """Write a scan's record durably, in place of its former one; CheckpointError when it cannot be written."""
        self.results.write(f"{record.scan_id}/{_NAME}", seal(record.model_dump_json().encode()))

    def read(self, scan_id: str) -> ScanRecord | None:
        """A scan's record; None when there is none, or it is damaged or another scan's."""
        try:
            record = ScanRecord.model_validate_json(unseal(self.results.read(f"{scan_id}/{_NAME}") or b""))
        except ResultsUnreachable:
            raise
        except (ValueError, CheckpointError):
            return None
        return record if record.scan_id == scan_id else None

    def scan_ids(self) -> list[str]:
        """Every scan of which something is stored, whether its record is sound or not."""
        return self.results.scan_ids()

    def ended_elsewhere(self, scan: CheckpointHead | CheckpointData) -> bool:
        """Whether nothing is left of a scan with a checkpoint here in the place of its results, which machines share.

        Another one ended it then; as results in a folder belong to one data folder, they are never so.
        """
        return scan.results == self.results.address and scan.scan_id not in self.scan_ids()

    def __iter__(self) -> Iterator[ScanRecord]:
        yield from (record for record in self.results.each(self.scan_ids(), self.read) if record)
