"""The scan's durable record: `scan.json` at the start, a copy of the workbook, a checkpoint every few batches."""

import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.scan.prepared import PreparedScan
from tasks.checkpoints.batches import BatchResult, Identity, identity
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import BatchState, CheckpointData, ScanRecord, ScanState
from tasks.checkpoints.noted import NotedRecords
from tasks.checkpoints.room import is_full, write_making_room
from tasks.checkpoints.statistics import RunStatistics
from tasks.errors import VetbookError
from tasks.files.atomic import copy_atomically
from tasks.settings.processing import Strategy

_log = logging.getLogger(__name__)


def precise_now() -> datetime:
    """The time now, naive UTC with microseconds: scans and checkpoints of one second have an order."""
    return datetime.now(UTC).replace(tzinfo=None)


_KEPT_DAYS = 30
_KEPT_FILES = 2
"""Checkpoint files of a scan that are kept: should the newest be damaged, there is the one before."""

_INTERVAL_SHARE = 0.5
_RARER = 2
_RAREST = 64


@dataclass(slots=True)
class ProgressRecord:
    """Keeps the record of a running scan. What cannot be written is a warning, not an end.

    now is naive UTC with microseconds; clock is in seconds.
    """

    prepared: PreparedScan
    statistics: RunStatistics
    warn: Callable[[str], object] = _log.warning
    now: Callable[[], datetime] = precise_now
    clock: Callable[[], float] = time.monotonic
    _done: dict[Identity, str] = field(init=False, default_factory=dict)
    _batches: int = field(init=False, default=0)
    _last: int = field(init=False, default=0)
    _last_at: float = field(init=False)
    _written: datetime | None = field(init=False, default=None)
    _files: deque[Path] = field(init=False)
    _rarer: int = field(init=False, default=1)
    _scan: ScanRecord = field(init=False)
    _known: bool = field(init=False, default=False)
    _keeping: Keeping = field(init=False)
    _noted: NotedRecords = field(init=False)
    _warned: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        prepared, resumed = self.prepared, self.prepared.resumed
        self._keeping = Keeping(prepared.folders.root, prepared.settings.execution.results)
        self._noted = NotedRecords(prepared.records, self.warn, "looked up")
        self._files = deque(self._keeping.store.files_of(prepared.scan_id) if resumed else ())
        self._last_at = self.clock()
        self._written = resumed.created_at if resumed else None
        self._scan = self._resumed_scan(resumed) if resumed else self._new_scan()

    def _new_scan(self) -> ScanRecord:
        prepared, now = self.prepared, self.now()
        return ScanRecord(
            scan_id=prepared.scan_id,
            workbook=str(prepared.request.workbook.resolve()),
            excel_file_hash=prepared.workbook.fingerprint.sha256,
            answers_digest=prepared.lookup.answers_digest,
            total_packages=len(prepared.keys),
            batch_strategy=prepared.settings.batch_processing.strategy,
            created_at=now,
            expires_at=now + timedelta(days=_KEPT_DAYS),
            replaces=prepared.replaces.scan_id if prepared.replaces else None,
            left_out=tuple(sorted(prepared.left_out)),
            results=self._keeping.results,
        )

    def _resumed_scan(self, resumed: CheckpointData) -> ScanRecord:
        """The record as it was; a workbook that cannot be compared any more begins a new state to compare with."""
        known = self._keeping.records.read(resumed.scan_id)
        compared = self.prepared.base is not None
        same = resumed.excel_file_hash == self.prepared.workbook.fingerprint.sha256
        keeps = compared or same
        return self._new_scan().model_copy(
            update={
                "created_at": resumed.batch_state.created_at,
                "replaces": known.replaces if known else None,
                "left_out": known.left_out if known else (),
                "excel_file_hash": resumed.excel_file_hash if keeps else self.prepared.workbook.fingerprint.sha256,
                "excel_backup_path": resumed.excel_backup_path if keeps else None,
                "excel_backup_hash": resumed.excel_backup_hash if keeps else None,
            }
        )

    def begin(self) -> None:
        """Make the scan known: its record, the copy of the workbook, and a first checkpoint."""
        self._write_scan()
        if self.prepared.settings.batch_processing.backup_on_checkpoint and self._scan.excel_backup_path is None:
            self._try("The workbook could not be copied", self._copy_workbook)
            self._write_scan()
        self.write(ScanState.RUNNING)

    def _write_scan(self) -> None:
        what = "The scan's record could not be written"
        self._known = self._try(what, lambda: self._keeping.records.write(self._scan))

    def _copy_workbook(self) -> None:
        source = self.prepared.request.workbook
        name = f"excel_backup_{self._scan.created_at:%Y%m%d_%H%M%S}_{self._scan.scan_id}{source.suffix}"
        copy = self._keeping.copies / name
        copy.unlink(missing_ok=True)
        found = copy_atomically(source, copy)
        if found != self._scan.excel_file_hash:
            # Somebody saved it since it was read: a copy of another state is worse than none.
            copy.unlink(missing_ok=True)
            self.warn(f"{source} was saved by another program just now; no copy of it is kept with the checkpoints")
            return
        path = copy.relative_to(self._keeping.root).as_posix()
        self._scan = self._scan.model_copy(update={"excel_backup_path": path, "excel_backup_hash": found})

    def batch_done(self, key: str, result: BatchResult, *, cached: bool, failed: int) -> None:
        """Count a finished batch by its record's name; a checkpoint is due every `checkpoint_frequency` batches,
        and with `time-based` at least every `time_based_interval`."""
        self._batches += 1
        self._done |= {identity(package): package.name for package in result.keys}
        self._noted.note(key)
        self.statistics.batch_done(len(result.keys), result.seconds, cached=cached, failed=failed)
        if self._is_due():
            self.save()

    def _is_due(self) -> bool:
        config = self.prepared.settings.batch_processing
        if self._batches - self._last >= config.checkpoint_frequency * self._rarer:
            return True
        timed = config.strategy is Strategy.TIME_BASED
        return timed and self.clock() - self._last_at >= config.time_based_interval * _INTERVAL_SHARE

    def save(self) -> None:
        """Write a checkpoint of the running scan now."""
        self.write(ScanState.RUNNING)

    def write(self, state: ScanState) -> None:
        """Write a checkpoint as things stand, and the scan's record when the state is a final one."""
        self._last, self._last_at = self._batches, self.clock()
        if self._try("A checkpoint could not be written", lambda: self._write_checkpoint(state)):
            self.statistics.checkpoint_done(self.clock() - self._last_at)
        if state is ScanState.DONE:
            self._scan = self._scan.model_copy(update={"state": state})
        if state is ScanState.DONE or not self._known:
            self._write_scan()

    def _write_checkpoint(self, state: ScanState) -> None:
        checkpoint = self._checkpoint(state)
        self._files.append(self._keeping.store.write(checkpoint))
        self._written = checkpoint.created_at
        while len(self._files) > _KEPT_FILES:
            self._files.popleft().unlink(missing_ok=True)

    def _try(self, what: str, write: Callable[[], object]) -> bool:
        """Write something that the scan can do without; on a full disk after making room."""
        try:
            if write_making_room(write, self._keeping.root, self._scan.scan_id, self.warn):
                self._write_more_rarely()
        except (VetbookError, OSError) as error:
            if is_full(error):
                self._write_more_rarely()
            self._say(what, error)
            return False
        return True

    def _write_more_rarely(self) -> None:
        self._files = deque(path for path in self._files if path.exists())
        if self._rarer < _RAREST:
            self._rarer *= _RARER
            self.warn(f"Checkpoints are written {self._rarer} times more rarely, since the disk is full")

    def _say(self, what: str, error: Exception) -> None:
        # Once each: a scan of a thousand batches would say it a thousand times.
        if what not in self._warned:
            self._warned.add(what)
            self.warn(f"{what} ({error}); if the scan stops now, it may be harder to go on with; its results are kept")

    def _checkpoint(self, state: ScanState) -> CheckpointData:
        scan, now = self._scan, self.now()
        # Checkpoints are told apart by their time, whatever the clock does.
        created = now if self._written is None else max(now, self._written + timedelta(microseconds=1))
        return CheckpointData(
            checkpoint_id=secrets.token_hex(6),
            scan_id=scan.scan_id,
            batch_number=self._batches,
            batch_state=self._state(now),
            excel_backup_path=scan.excel_backup_path,
            excel_backup_hash=scan.excel_backup_hash,
            excel_file_hash=scan.excel_file_hash,
            package_progress=tuple(self._done.values()),
            processing_metadata={"replaces": scan.replaces, "started": scan.created_at.isoformat()},
            created_at=created,
            expires_at=created + timedelta(days=_KEPT_DAYS),
            workbook=scan.workbook,
            state=state,
            answers_digest=scan.answers_digest,
            result_keys=dict(self._noted.digests),
            results=scan.results,
        )

    def _state(self, now: datetime) -> BatchState:
        total = len(self.prepared.keys)
        size = max(1, round(len(self._done) / self._batches)) if self._batches else 1
        left = max(0, total - len(self._done))
        return BatchState(
            scan_id=self._scan.scan_id,
            current_batch=self._batches,
            total_batches=self._batches + -(-left // size),
            completed_packages=len(self._done),
            total_packages=total,
            batch_strategy=self.prepared.settings.batch_processing.strategy,
            batch_size=size,
            last_checkpoint_batch=self._batches,
            processing_statistics=self.statistics.plain,
            created_at=self._scan.created_at,
            updated_at=now,
        )


@contextlib.contextmanager
def recorded(record: ProgressRecord) -> Iterator[None]:
    """Whatever ends the work inside early, a signal or an error, a last checkpoint says where it stands."""
    try:
        yield
    except BaseException:
        record.write(ScanState.INTERRUPTED)
        raise
