"""Writing the changes into the workbook: locked, built beside it, verified, backed up, replaced."""

import contextlib
import dataclasses
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tasks.errors import MergeError, WorkbookChanged
from tasks.files.backups import backup_path
from tasks.files.journal import JournalPlan, journal_path
from tasks.files.locks import WorkbookLock
from tasks.files.office import wait_until_free
from tasks.files.recovery import Recovery, RecoveryOutcome, recover
from tasks.files.replacement import Replacement, create_workbook, replace_workbook
from tasks.files.steps import REAL_STEPS, Steps
from tasks.files.temporaries import remove_stale_temporaries
from tasks.merge.changes import CellChange
from tasks.merge.formatting import FormatIssue
from tasks.workbook.model import CellUpdate, Fingerprint, Layout
from tasks.workbook.newsheet import add_sheet, verify_sheet_added
from tasks.workbook.reader import fingerprint_of
from tasks.workbook.verify import verify_written
from tasks.workbook.writer import NewRow, write_workbook


@dataclass(frozen=True, slots=True)
class SheetEdits:
    """What is to be written into one sheet; after_row is the last row that is taken."""

    sheet: str
    updates: Sequence[CellUpdate] = ()
    new_rows: Sequence[NewRow] = ()
    after_row: int = 0


@dataclass(frozen=True, slots=True)
class MergePlan:
    """What is to be written where. target equals source in place; after_row is the last package row.

    expected is the source as it was read; backups and journal are folders of the data folder; now is naive local time.
    restyles mend the looks that issues name, and keep what the cells hold. further are edits of other sheets;
    new_sheets are added, empty, before they are made.
    """

    source: Path
    target: Path
    layout: Layout
    expected: Fingerprint
    changes: tuple[CellChange, ...]
    new_rows: tuple[NewRow, ...]
    after_row: int
    backups: Path
    scan_id: str
    now: datetime
    issues: tuple[FormatIssue, ...] = ()
    restyles: tuple[CellUpdate, ...] = ()
    keep_backup: bool = True
    further: tuple[SheetEdits, ...] = ()
    new_sheets: tuple[str, ...] = ()

    @property
    def journal(self) -> Path:
        """Where the record of an unfinished merge of this target stands."""
        return journal_path(self.backups, self.target)

    @property
    def updates(self) -> list[CellUpdate]:
        """Every cell of existing rows that is written."""
        return [*(change.update for change in self.changes), *self.restyles]

    @property
    def sheets(self) -> tuple[SheetEdits, ...]:
        """Every sheet with its edits; the first may be without any."""
        first = SheetEdits(self.layout.sheet, self.updates, self.new_rows, self.after_row)
        return (first, *(edits for edits in self.further if edits.updates or edits.new_rows))

    def moved_to(self, target: Path) -> "MergePlan":
        """The same plan for a new file elsewhere."""
        return dataclasses.replace(self, target=target, keep_backup=False)


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What the merge did. changed_cells counts cells of existing rows; backup is None for a new file."""

    target: Path
    backup: Path | None
    changed_cells: int
    new_rows: int
    written: bool
    warnings: tuple[str, ...] = ()


@contextlib.contextmanager
def workbook_held(target: Path, scan_id: str, timeout_s: float) -> Iterator[None]:
    """Hold the workbook against other scans and wait until no office program has it; WorkbookLocked otherwise."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with WorkbookLock(target, scan_id=scan_id).acquire(timeout_s):
        wait_until_free(target, timeout_s)
        yield


def settle_interrupted(target: Path, backups: Path) -> Recovery:
    """Finish or undo what a killed merge of this workbook left; the caller holds the workbook."""
    remove_stale_temporaries(target, lock_held=True)
    return recover(journal_path(backups, target))


def write_changes(plan: MergePlan, steps: Steps = REAL_STEPS) -> MergeReport:
    """Write the plan's changes; the record stays open until `commit_merge`. MergeError leaves everything as it was."""
    if not any(edits.updates or edits.new_rows for edits in plan.sheets) and plan.target == plan.source:
        return MergeReport(plan.target, None, 0, 0, written=False)
    plan.backups.mkdir(parents=True, exist_ok=True)
    done = _replace(plan, steps)
    warnings = (done.warning,) if done.warning else ()
    return MergeReport(plan.target, done.backup, len(plan.changes), len(plan.new_rows), written=True, warnings=warnings)


def _replace(plan: MergePlan, steps: Steps) -> Replacement:
    with tempfile.TemporaryDirectory(prefix="vetbook-") as scratch:
        rewrite = _Rewrite(plan, Path(scratch))
        if not plan.target.exists():
            return create_workbook(plan.target, rewrite.build, verify=rewrite.verify, like=plan.source, steps=steps)
        return replace_workbook(
            plan.target,
            rewrite.build,
            verify=rewrite.verify,
            unchanged=lambda: _still_as_read(plan),
            backup=backup_path(plan.backups, plan.target, plan.now) if plan.keep_backup else None,
            journal=JournalPlan(plan.journal, plan.scan_id, plan.now),
            steps=steps,
        )


class _Rewrite:
    """Building the new workbook, sheet after sheet, and verifying each against what building it reported."""

    def __init__(self, plan: MergePlan, scratch: Path) -> None:
        self._plan = plan
        self._scratch = scratch
        self._last: Callable[[], None] | None = None

    def build(self, temporary: Path) -> None:
        *others, last = self._plan.sheets
        before = self._plan.source
        for number, name in enumerate(self._plan.new_sheets):
            before = self._with_new_sheet(before, name, self._scratch / f"new{number}.xlsx")
        for number, edits in enumerate(others):
            after = self._scratch / f"{number}.xlsx"
            _written(before, after, edits)()
            before = after
        self._last = _written(before, temporary, last)

    def _with_new_sheet(self, before: Path, name: str, after: Path) -> Path:
        add_sheet(before, after, name)
        verify_sheet_added(before, after, name)
        return after

    def verify(self, temporary: Path) -> None:
        if self._last is None:
            raise MergeError(f"{self._plan.target}: nothing was built in {temporary.name} to be verified; run again.")
        self._last()


def _written(before: Path, after: Path, edits: SheetEdits) -> Callable[[], None]:
    """Write one sheet's edits; what verifies them."""
    rows, last = edits.new_rows, edits.after_row
    report = write_workbook(before, after, edits.sheet, edits.updates, rows, after_row=last)
    return lambda: verify_written(before, after, edits.sheet, edits.updates, rows, after_row=last, report=report)


def _still_as_read(plan: MergePlan) -> None:
    if fingerprint_of(plan.source).sha256 != plan.expected.sha256:
        raise WorkbookChanged(f"{plan.source} was saved by another program while it was being merged; run again.")


def noteworthy(recovery: Recovery) -> Sequence[str]:
    """The sentences of a recovery that a person should read."""
    return () if recovery.outcome is RecoveryOutcome.NOTHING else (recovery.sentence,)
