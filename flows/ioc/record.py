"""The checkpoints of an IOC scan: an index over its batch results, as the review's are."""

import contextlib
import logging
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from flows.ioc.prepare import PreparedIoc
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import BatchState, CheckpointData, ScanRecord, ScanState
from tasks.checkpoints.noted import NotedRecords
from tasks.errors import ResultsUnreachable, VetbookError
from tasks.review.reviewer import utc_now

_EVERY = 5
"""Batches between two checkpoints; the results themselves are kept batch by batch."""

_KEPT_DAYS = 7
_KEPT_FILES = 3
_log = logging.getLogger(__name__)


class IocRecord:
    """Writes checkpoints of one scan; one that cannot be written is a warning, for the results are the truth."""

    def __init__(self, prepared: PreparedIoc) -> None:
        self._prepared = prepared
        self._keeping = Keeping(prepared.request.data_dir, prepared.execution.results)
        self._began = utc_now()
        self._written: datetime | None = None
        self._batches = self._files = self._total = self._since = 0
        self._noted = NotedRecords(prepared.records, _log.warning, "read")

    def begin(self) -> None:
        """Make the scan known: its record beside the results, and a first checkpoint."""
        try:
            self._keeping.records.write(self._scan())
        except VetbookError as error:
            _log.warning("The scan's record could not be written (%s); its results are kept all the same", error)
        self.write(ScanState.RUNNING)

    def _scan(self) -> ScanRecord:
        return ScanRecord(
            scan_id=self._prepared.scan_id,
            workbook=self._prepared.request.target,
            excel_file_hash="",
            answers_digest=self._prepared.indicators.digest,
            total_packages=self._total,
            batch_strategy=self._prepared.terms.strategy,
            created_at=self._began,
            expires_at=self._began + timedelta(days=_KEPT_DAYS),
            results=self._keeping.results,
        )

    def expect(self, files: int) -> None:
        """Say how many contents are to be read."""
        self._total += files

    def batch_done(self, key: str, files: int) -> None:
        """Count a finished batch by its record's name."""
        self._batches += 1
        self._since += 1
        self._files += files
        self._noted.note(key)
        if self._since >= _EVERY:
            self.write(ScanState.RUNNING)

    def write(self, state: ScanState) -> None:
        """Write a checkpoint as things stand."""
        self._since = 0
        try:
            self._keeping.store.write(self._checkpoint(state))
            for path in self._keeping.store.files_of(self._prepared.scan_id)[:-_KEPT_FILES]:
                path.unlink(missing_ok=True)
        except (VetbookError, OSError) as error:
            _log.warning("A checkpoint could not be written (%s); finished batches are kept all the same", error)

    def finish(self) -> None:
        """The scan has ended: its checkpoints and batch results go, what its files hold stays in the inventory."""
        self.write(ScanState.DONE)
        try:
            self._keeping.remove_scan(self._prepared.scan_id)
        except ResultsUnreachable as error:
            _log.warning("What the scan stored is not removed; `flows.checkpoints clean` does that (%s)", error)

    def _checkpoint(self, state: ScanState) -> CheckpointData:
        now = utc_now()
        # Checkpoints are told apart by their time, whatever the clock does.
        created = now if self._written is None else max(now, self._written + timedelta(microseconds=1))
        self._written = created
        prepared = self._prepared
        size = max(1, round(self._files / self._batches)) if self._batches else 1
        return CheckpointData(
            checkpoint_id=secrets.token_hex(6),
            scan_id=prepared.scan_id,
            batch_number=self._batches,
            batch_state=BatchState(
                scan_id=prepared.scan_id,
                current_batch=self._batches,
                total_batches=self._batches + -(-max(0, self._total - self._files) // size),
                completed_packages=self._files,
                total_packages=max(self._total, self._files),
                batch_strategy=prepared.terms.strategy,
                batch_size=size,
                last_checkpoint_batch=self._batches,
                created_at=self._began,
                updated_at=now,
            ),
            excel_backup_path=None,
            excel_file_hash="",
            package_progress=(),
            processing_metadata={"kind": "ioc", "target": prepared.request.target},
            created_at=created,
            expires_at=created + timedelta(days=_KEPT_DAYS),
            workbook=prepared.request.target,
            state=state,
            answers_digest=prepared.indicators.digest,
            result_keys=dict(self._noted.digests),
            results=self._keeping.results,
        )


@contextlib.contextmanager
def recorded(record: IocRecord) -> Iterator[None]:
    """Whatever ends the work inside early, a signal or an error, a last checkpoint says where it stands."""
    record.begin()
    try:
        yield
    except BaseException:
        record.write(ScanState.INTERRUPTED)
        raise
