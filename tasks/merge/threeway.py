"""The merge when the workbook was changed since it was read: base = as read, theirs = now, ours = the scan's changes.

Rows are found again by package (`tasks.merge.rowmatch`), cells by their field. What only one side changed is taken
from it; what both changed differently is a conflict. A row that was deleted is not brought back, and a row that
names another version now gets nothing: what was found out is true of the former version only.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from tasks.merge.changes import FORMER_MARK, CellChange, CellContent, is_blank, is_own_excuse, same_content, shown
from tasks.merge.reconciled import Conflict, Decide, Decision, GoneRow, Reconciled, ReplacedRow
from tasks.merge.rowmatch import match_rows
from tasks.settings.processing import MergeStrategy
from tasks.workbook.model import Field, Keep, PackageRow, ReviewWorkbook
from tasks.workbook.values import encode_text

__all__ = ["Conflict", "Decide", "Decision", "GoneRow", "Reconciled", "ReplacedRow", "reconcile", "unchanged"]


def reconcile(
    base: ReviewWorkbook,
    theirs: ReviewWorkbook,
    changes: Sequence[CellChange],
    strategy: MergeStrategy,
    decide: Decide | None = None,
) -> Reconciled:
    """Fit changes that were decided against base onto theirs.

    A conflict goes to the scan (use-checkpoint), to the workbook (use-current) or, with merge, to whom decide says,
    without it to the workbook. What could not be checked never replaces an answer, whatever the strategy.
    ValueError for a change of a row that base does not have.
    """
    matched, by_row = match_rows(base, theirs), _by_row(base, changes)
    sides = _Sides(theirs.layout.columns, strategy, decide)
    former = {row.row: row for row in base.rows}
    for number, present in sorted(matched.same.items(), key=lambda item: item[1].row):
        for change in by_row.get(number, ()):
            sides.settle(change, former[number].cells.get(change.field), present)
    return Reconciled(
        changes=tuple(sides.changes),
        conflicts=tuple(sides.conflicts),
        gone=tuple(GoneRow(r.name, r.version_text, r.row, tuple(by_row.get(r.row, ()))) for r in matched.gone),
        replaced=tuple(_replaced(former, matched.replaced, by_row)),
        dropped=tuple(sides.dropped),
    )


def _by_row(base: ReviewWorkbook, changes: Sequence[CellChange]) -> dict[int, list[CellChange]]:
    by_row: dict[int, list[CellChange]] = {}
    for change in changes:
        by_row.setdefault(change.row, []).append(change)
    strange = by_row.keys() - {row.row for row in base.rows}
    if strange:
        raise ValueError(f"row {min(strange)} has changes and is no package row of the workbook as read")
    return by_row


def _replaced(
    former: Mapping[int, PackageRow], replaced: Mapping[int, PackageRow], by_row: Mapping[int, list[CellChange]]
) -> Iterator[ReplacedRow]:
    for number, row in sorted(replaced.items(), key=lambda item: item[1].row):
        before, lost = former[number].version_text, tuple(by_row.get(number, ()))
        yield ReplacedRow(row.name, row.row, number, before, row.version_text, lost)


class _Sides:
    """Settles changes cell by cell and collects what comes of each."""

    def __init__(self, columns: Mapping[Field, str], strategy: MergeStrategy, decide: Decide | None) -> None:
        self.changes: list[CellChange] = []
        self.conflicts: list[Conflict] = []
        self.dropped: list[CellChange] = []
        self._columns = columns
        self._strategy = strategy
        self._decide = decide

    def settle(self, change: CellChange, base: CellContent, present: PackageRow) -> None:
        """Put one change where it belongs; base is the cell as read, present its row now."""
        column, theirs = self._columns.get(change.field), present.cells.get(change.field)
        if column is None:
            self.dropped.append(change)
        elif not _done(theirs, change) and self._ours_stands(change, base, present, column):
            self.changes.append(_relocated(change, present, column))

    def _ours_stands(self, change: CellChange, base: CellContent, present: PackageRow, column: str) -> bool:
        theirs = present.cells.get(change.field)
        if unchanged(base, theirs) or is_own_excuse(theirs):
            return True
        texts = shown(base), shown(theirs), change.new
        conflict = Conflict(change.field, present.name, present.row, column, *texts)
        decided = dataclasses.replace(conflict, decided=self._decided(conflict, change, theirs))
        self.conflicts.append(decided)
        return decided.decided is Decision.OURS

    def _decided(self, conflict: Conflict, change: CellChange, theirs: CellContent) -> Decision:
        if _says_nothing(change) and not is_blank(theirs):
            return Decision.THEIRS
        if self._strategy is MergeStrategy.USE_CHECKPOINT:
            return Decision.OURS
        if self._strategy is MergeStrategy.MERGE and self._decide is not None:
            return self._decide(conflict)
        return Decision.THEIRS


def _done(theirs: CellContent, change: CellChange) -> bool:
    """Whether nothing is left to do; a mere change of looks was meant for the text of then."""
    value = change.update.value
    if isinstance(value, Keep):
        return shown(theirs) != change.old
    return is_blank(theirs) if value is None else same_content(theirs, value)


def unchanged(base: CellContent, theirs: CellContent) -> bool:
    """Whether a cell still shows what it showed; a date is compared to the second, as programs round them."""
    if isinstance(base, datetime) and isinstance(theirs, datetime):
        return abs((base - theirs).total_seconds()) < 1
    return (is_blank(base) and is_blank(theirs)) or encode_text(shown(base)) == encode_text(shown(theirs))


def _says_nothing(change: CellChange) -> bool:
    """Whether a change only says that something could not be checked, alone or behind the former answer."""
    noted = bool(change.old.strip()) and change.new.startswith(change.old.partition(FORMER_MARK)[0] + FORMER_MARK)
    return noted or is_own_excuse(change.new)


def _relocated(change: CellChange, present: PackageRow, column: str) -> CellChange:
    update = dataclasses.replace(change.update, row=present.row, column=column)
    old = shown(present.cells.get(change.field))
    return dataclasses.replace(change, row=present.row, column=column, package=present.name, old=old, update=update)
