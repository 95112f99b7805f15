"""The scan's checkpoint file: written at the start, every few batches and at the end."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flows.scan.prepare import PreparedScan
from tasks.checkpoints.model import BatchState, CheckpointData, ScanState
from tasks.checkpoints.store import CheckpointStore
from tasks.lookup import BatchResult
from tasks.review.reviewer import utc_now

_KEPT_DAYS = 30


@dataclass(slots=True)
class ProgressRecord:
    """Keeps the checkpoint of a running scan. A checkpoint that cannot be written is a warning, not an end."""

    prepared: PreparedScan
    warn: Callable[[str], object]
    clock: Callable[[], datetime] = utc_now
    _started: datetime = field(init=False)
    _done: list[str] = field(init=False, default_factory=list)
    _batches: int = field(init=False, default=0)
    _last: int = field(init=False, default=0)
    _id: str = field(init=False, default_factory=lambda: secrets.token_hex(6))

    def __post_init__(self) -> None:
        resumed = self.prepared.resumed
        self._started = resumed.created_at if resumed else self.clock()
        self._id = resumed.checkpoint_id if resumed else self._id

    def batch_done(self, result: BatchResult) -> None:
        """Count a finished batch; a checkpoint is due every `checkpoint_frequency` batches."""
        self._batches += 1
        self._done.extend(key.name for key in result.keys)
        if self._batches - self._last >= self.prepared.settings.batch_processing.checkpoint_frequency:
            self.write(ScanState.RUNNING)

    def write(self, state: ScanState) -> None:
        """Write the checkpoint as things stand."""
        self._last = self._batches
        try:
            CheckpointStore(self.prepared.folders.checkpoints).write(self._checkpoint(state))
        except Exception as error:  # noqa: BLE001  a scan goes on without checkpoints: its results are stored by themselves
            self.warn(f"Checkpoint could not be written ({error}); if the scan stops now, less can be resumed")

    def _checkpoint(self, state: ScanState) -> CheckpointData:
        prepared, now = self.prepared, self.clock()
        return CheckpointData(
            checkpoint_id=self._id,
            scan_id=prepared.scan_id,
            batch_number=self._batches,
            batch_state=self._state(now),
            excel_backup_path=None,
            excel_file_hash=prepared.workbook.fingerprint.sha256,
            package_progress=tuple(self._done),
            created_at=self._started,
            expires_at=self._started + timedelta(days=_KEPT_DAYS),
            workbook=str(prepared.request.workbook.resolve()),
            state=state,
            answers_digest=prepared.lookup.answers_digest,
        )

    def _state(self, now: datetime) -> BatchState:
        total = len(self.prepared.keys)
        size = max(1, round(len(self._done) / self._batches)) if self._batches else 1
        left = max(0, total - len(self._done))
        return BatchState(
            scan_id=self.prepared.scan_id,
            current_batch=self._batches,
            total_batches=self._batches + -(-left // size),
            completed_packages=len(self._done),
            total_packages=total,
            batch_strategy=self.prepared.settings.batch_processing.strategy,
            batch_size=size,
            last_checkpoint_batch=self._batches,
            created_at=self._started,
            updated_at=now,
        )
