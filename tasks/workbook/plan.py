"""The changes of one sheet in sheet order, and what was found while they were made."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tasks.errors import MergeRefused
from tasks.workbook.areas import LAST_COLUMN, LAST_ROW, Area, cell_key, column_number, key_name
from tasks.workbook.model import KEEP, CellStyle, CellUpdate, CellValue

__all__ = ["Extension", "Findings", "NewRow", "Plan", "plan_of"]


@dataclass(frozen=True, slots=True)
class NewRow:
    """One package to be added below the last: its values by column letter; styles by column where not `style`."""

    values: Mapping[str, CellValue]
    style: CellStyle | None = None
    styles: Mapping[str, CellStyle] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extension:
    """Rows are added: ranges that cover the row `last` are to end at the row `new_last`."""

    last: int
    new_last: int

    def of(self, area: Area) -> Area:
        """The area, longer if it covers the last package row and ends before the last new one."""
        covers = area.top <= self.last <= area.bottom < self.new_last
        return area.down_to(self.new_last) if covers else area


@dataclass(frozen=True, slots=True)
class Plan:
    """The updates by ascending cell: order[i] is the place in updates of the cell keys[i]."""

    updates: Sequence[CellUpdate]
    order: Sequence[int]
    keys: "array[int]"
    extension: Extension | None = None

    def __len__(self) -> int:
        return len(self.keys)

    def update(self, index: int) -> CellUpdate:
        """The update of the cell keys[index]."""
        return self.updates[self.order[index]]

    def row(self, index: int) -> int:
        """The row of the cell keys[index]."""
        return self.keys[index] // (LAST_COLUMN + 1)

    def column(self, index: int) -> int:
        """The column of the cell keys[index]."""
        return self.keys[index] % (LAST_COLUMN + 1)

    def columns(self, first: int) -> tuple[int, ...]:
        """The columns of the cells from that place to the end of their row."""
        before = self.row(first) * (LAST_COLUMN + 1)
        return tuple(key - before for key in self.keys[first : self.row_end(first)])

    def is_written(self, index: int) -> bool:
        """False where an empty value, or to keep the one there, without a format is asked for, which needs no cell."""
        update = self.update(index)
        return update.value not in (None, KEEP) or update.style is not None

    def row_end(self, index: int) -> int:
        """The first place after index whose cell is in another row."""
        return bisect_left(self.keys, cell_key(self.row(index) + 1, 0), index)

    def is_new_row(self, row: int) -> bool:
        """True for a row that is to be added, which has to be blank so far."""
        return self.extension is not None and self.extension.last < row <= self.extension.new_last


@dataclass(slots=True)
class Findings:
    """What the pass over the sheet met, for the checks and the edits of other parts afterwards.

    changed holds the keys of the cells whose bytes differ now; formulas_gone those that lost a formula;
    arrays and merges the areas that must not be written into. contents_changed is False while only formats are.
    """

    changed: "array[int]" = field(default_factory=lambda: array("q"))
    contents_changed: bool = False
    formulas_gone: list[int] = field(default_factory=list)
    formulas_written: int = 0
    formulas_met: int = 0
    arrays: list[Area] = field(default_factory=list)
    merges: list[Area] = field(default_factory=list)
    filter_area: Area | None = None


def plan_of(updates: Sequence[CellUpdate], new_rows: Sequence[NewRow], after_row: int | None) -> Plan:
    """The updates and the new rows, sorted by cell; MergeRefused for a cell named twice or outside the sheet.

    New rows take the rows after after_row, in their order.
    """
    extension = None
    if new_rows:
        if after_row is None:
            raise MergeRefused("new rows need the last package row to be named; nothing was written")
        extension = Extension(after_row, after_row + len(new_rows))
        updates = [*updates, *_new_updates(new_rows, after_row + 1)]
    keys = array("q", map(_key, updates))
    order: Sequence[int] = range(len(keys))
    if any(first >= second for first, second in pairwise(keys)):
        order = sorted(order, key=keys.__getitem__)
        keys = array("q", map(keys.__getitem__, order))
    twice = next((first for first, second in pairwise(keys) if first == second), None)
    if twice is not None:
        raise MergeRefused(f"cell {key_name(twice)} is to be written twice; nothing was written")
    return Plan(updates, order, keys, extension)


def _new_updates(new_rows: Sequence[NewRow], first_row: int) -> list[CellUpdate]:
    return [
        CellUpdate(row, column, value, new.styles.get(column, new.style))
        for row, new in enumerate(new_rows, first_row)
        for column, value in new.values.items()
    ]


def _key(update: CellUpdate) -> int:
    try:
        column = column_number(update.column)
    except ValueError as error:
        raise MergeRefused(f"row {update.row}: {update.column!r} is no column; nothing was written") from error
    if not 1 <= update.row <= LAST_ROW:
        raise MergeRefused(f"row {update.row} lies outside the sheet (1 to {LAST_ROW}); nothing was written")
    return cell_key(update.row, column)
