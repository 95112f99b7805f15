"""The part of the look at a written workbook that is about cells whose format alone was to change."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineWorkbook

from tasks.workbook.model import KEEP, CellUpdate
from tasks.workbook.package import Package
from tasks.workbook.plan import Plan
from tasks.workbook.reader_plain import plain_copy

__all__ = ["first_lost"]

_Read = str | int | float | bool | datetime | date | time | timedelta
_Rows = Iterator[Sequence[_Read]]


def first_lost(old: Package, new: Package, sheet: str, plan: Plan) -> int | None:
    """The place in the plan of the first cell that was to be kept and reads otherwise now; None where none does.

    sheet is the sheet's exact name. Cells that get another number format are left out: their values read as of
    another type. CalamineError where either file cannot be opened.
    """
    kept = [index for index in range(len(plan)) if _is_comparable(plan.update(index))]
    if not kept:
        return None
    with _rows(old, sheet) as (before, left), _rows(new, sheet) as (after, right):
        old_rows, new_rows = _Reader(before, left), _Reader(after, right)
        for index in kept:
            row, column = plan.row(index), plan.column(index)
            if old_rows.value(row, column) != new_rows.value(row, column):
                return index
    return None


def _is_comparable(update: CellUpdate) -> bool:
    return update.value is KEEP and (update.style is None or update.style.number_format is None)


@contextmanager
def _rows(package: Package, sheet: str) -> Iterator[tuple[_Rows, int]]:
    """The sheet's rows from row 1 on, and how many columns they leave out on the left."""
    plain = plain_copy(package)
    source = CalamineWorkbook.from_path(str(package.path)) if plain is None else _from_bytes(plain)
    with source as workbook:
        found = workbook.get_sheet_by_name(sheet)
        yield found.iter_rows(), found.start[1] if found.start else 0


def _from_bytes(data: bytes) -> CalamineWorkbook:
    return CalamineWorkbook.from_filelike(io.BytesIO(data))


class _Reader:
    """Reads cells in ascending rows without holding more than one of them."""

    def __init__(self, rows: _Rows, offset: int) -> None:
        self._rows = rows
        self._offset = offset
        self._number = 0
        self._row: Sequence[_Read] = ()

    def value(self, row: int, column: int) -> _Read:
        """The cell's value, "" where it is blank or beyond the last row."""
        while self._number < row:
            self._row = next(self._rows, ())
            self._number += 1
        place = column - 1 - self._offset
        return self._row[place] if 0 <= place < len(self._row) else ""
