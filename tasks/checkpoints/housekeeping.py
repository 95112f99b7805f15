"""What is removed: a scan that has ended, scans that have expired, and what can be spared when the disk is full."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tasks.checkpoints.model import UNFINISHED, ScanState
from tasks.checkpoints.records.places import records_at
from tasks.checkpoints.running import runner_of
from tasks.checkpoints.scans import ScanRecords
from tasks.checkpoints.store import CheckpointStore
from tasks.errors import CheckpointError, ResultsUnreachable
from tasks.files.backups import prune
from tasks.files.temporaries import sweep_folder

_ORPHANED_AFTER = timedelta(days=1)
"""A folder or a copy that nothing refers to may belong to a scan that begins right now."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """The checkpoints and copies below one data folder, and the results there or at the address `results`.

    Scans whose results lie in another place are left alone.
    """

    root: Path
    results: str | None = None
    store: CheckpointStore = field(init=False)
    records: ScanRecords = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "store", CheckpointStore(self.root / "checkpoints"))
        object.__setattr__(self, "records", ScanRecords(records_at(self.results or str(self.root / "results"))))

    @property
    def copies(self) -> Path:
        """The folder of workbook copies that checkpoints refer to."""
        return self.store.folder / "backups"

    def remove_scan(self, scan_id: str) -> None:
        """Remove a scan's checkpoints, copy and results, as far as possible; stopped anywhere, it stays ended.

        ResultsUnreachable where its results cannot be asked for: as long as these are there, all of it stays.
        """
        self._end(scan_id)
        for path in (*self.store.files_of(scan_id), *self._copies_of(scan_id)):
            _unlink(path)
        try:
            self.records.results.remove(scan_id)
        except ResultsUnreachable:
            raise
        except CheckpointError:
            return  # what a damaged checkpoint names may be no scan at all

    def _end(self, scan_id: str) -> None:
        record = self.records.read(scan_id)
        if record is None or record.state not in UNFINISHED:
            return
        try:
            self.records.write(record.model_copy(update={"state": ScanState.DONE}))
        except ResultsUnreachable:
            raise
        except CheckpointError:
            return  # where nothing can be written any more, what is removed next makes room

    def _copies_of(self, scan_id: str) -> list[Path]:
        # The name ends in the scan's id: a copy is found without reading a checkpoint that may be damaged.
        return list(self.copies.glob(f"excel_backup_*_{scan_id}.*"))

    def scan_ids(self) -> list[str]:
        """Every scan of which anything is known in this place."""
        return sorted({*self._scans(), *self.records.scan_ids()})

    def ended(self, now: datetime) -> list[str]:
        """The scans nobody can or should go on with: done or expired ones; `now` is naive UTC."""
        return [scan for scan, (state, expires) in self._scans().items() if state not in UNFINISHED or expires <= now]

    def _scans(self) -> dict[str, tuple[ScanState, datetime]]:
        scans: dict[str, tuple[ScanState, datetime]] = {}
        for head in self.store.heads():
            if head.results == self.results:
                scans.setdefault(head.scan_id, (head.state, head.expires_at))
        for record in self.records:
            state, expires = scans.get(record.scan_id, (record.state, record.expires_at))
            # The record says "done" last of all; while the scan runs, its checkpoints know better when it expires,
            # unless another machine goes on with it.
            state = state if record.state in UNFINISHED else record.state
            scans[record.scan_id] = state, max(expires, record.expires_at)
        return scans

    def tidy(self, now: datetime) -> list[str]:
        """Remove scans that have ended and what refers to no scan; the ids and file names that went.

        ResultsUnreachable where the results cannot be asked for.
        """
        gone = list(dict.fromkeys([*self.ended(now), *self._ended_elsewhere()]))
        for scan_id in gone:
            self.remove_scan(scan_id)
        self._sweep()
        scans, results = list(self._orphans(now)), self.records.results
        for scan_id in scans:
            results.remove(scan_id)
        copies = list(self._orphaned_copies(now))
        for path in copies:
            _unlink(path)
        return [*gone, *scans, *(path.name for path in copies)]

    def _ended_elsewhere(self) -> list[str]:
        heads = {head.scan_id: head for head in self.store.heads() if head.state in UNFINISHED}
        found = [scan_id for scan_id, head in heads.items() if self.records.ended_elsewhere(head)]
        # One that begins right now may have stored nothing yet.
        return [scan_id for scan_id in found if not runner_of(self.root, scan_id)]

    def _sweep(self) -> None:
        """Remove the half-written files of killed runs; those of living processes stay."""
        for folder in (self.store.folder, self.copies, self.root / "output"):
            # Tidying up is never worth an error; the next time tries again.
            with contextlib.suppress(OSError):
                sweep_folder(folder)
        self.records.results.sweep()

    def _orphans(self, now: datetime) -> Iterator[str]:
        scans, results = self._scans(), self.records.results
        unknown = (scan_id for scan_id in self.records.scan_ids() if scan_id not in scans)
        yield from (scan_id for scan_id in unknown if results.changed(scan_id) < now - _ORPHANED_AFTER)

    def _orphaned_copies(self, now: datetime) -> Iterator[Path]:
        # Wherever their results lie.
        scans = {*self._scans(), *(head.scan_id for head in self.store.heads())}
        found = (path for path in self.copies.glob("excel_backup_*") if path.stem.rpartition("_")[2] not in scans)
        yield from (path for path in found if _changed(path) < now - _ORPHANED_AFTER)

    def make_room(self, keep: str, now: datetime) -> list[str]:
        """Remove what can be spared of a full disk, least needed first, but nothing of the scan `keep`'s results.

        Ended scans, all but the newest checkpoint of each scan, then all but the newest backup of each workbook.
        The names of what went.
        """
        gone = [scan_id for scan_id in self.ended(now) if scan_id != keep]
        for scan_id in gone:
            self.remove_scan(scan_id)
        spare = [*self._older_checkpoints()]
        for path in spare:
            _unlink(path)
        return [*gone, *(path.name for path in (*spare, *self._older_backups()))]

    def _older_checkpoints(self) -> Iterator[Path]:
        seen: set[str] = set()
        for path, head in self.store.found():
            if head.scan_id in seen:
                yield path
            seen.add(head.scan_id)

    def _older_backups(self) -> tuple[Path, ...]:
        folder = self.root / "backups"
        if not folder.is_dir():
            return ()
        long = 36_500
        return prune(folder, keep_count=1, keep_days=long, free_bytes_wanted=0, now=datetime.now()).removed  # noqa: DTZ005  backups are named by local time


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # tidying up is never worth an error; the next time tries again


def _changed(path: Path) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=os.stat(path).st_mtime)  # noqa: DTZ001, PTH116  naive UTC
