"""Decisions out of the sheet `Decisions` of the workbook: one header row among the first ten, a decision per row."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

from tasks.decisions.checking import FIELDS, field_of
from tasks.decisions.interface import MAX_ROWS, RawRow
from tasks.errors import InputError
from tasks.workbook.package import open_package
from tasks.workbook.reader import Value, read_sheets

__all__ = ["SHEET", "SheetDecisions"]

SHEET = "Decisions"
_HEADER_ROWS = 10
_HEADERS = frozenset({"package", "advisory", "decision"})
"""What a header row must name."""


class SheetDecisions:
    """The decisions of one workbook; a row's place is Decisions!ROW. A workbook without the sheet has none."""

    def __init__(self, workbook: Path) -> None:
        self._workbook = workbook

    def rows(self) -> Iterator[RawRow]:
        """One row per filled row below the headers; a sheet that cannot be used is one row with the problem."""
        name = self._sheet()
        if name is None:
            return
        try:
            _, sheets = read_sheets(self._workbook, (name,))
        except InputError as error:
            yield RawRow(name, problem=f"the sheet cannot be read ({error})")
            return
        yield from _rows(name, sheets.get(name, []))

    def _sheet(self) -> str | None:
        with open_package(self._workbook) as package:
            names = package.sheet_names
        return next((name for name in names if name.strip().casefold() == SHEET.casefold()), None)


def _rows(name: str, values: Sequence[Sequence[Value]]) -> Iterator[RawRow]:
    head = next((at for at, row in enumerate(values[:_HEADER_ROWS]) if set(_fields(row)) >= _HEADERS), None)
    if head is None:
        wanted = ", ".join(FIELDS[:6])
        if any(_content(value) for row in values for value in row):
            yield RawRow(name, problem=f"no row of the first {_HEADER_ROWS} has the headers {wanted}; add them")
        return
    fields = _fields(values[head])
    twice = sorted({field for field in fields if field in FIELDS and fields.count(field) > 1})
    if twice:
        yield RawRow(f"{name}!{head + 1}", problem=f"two columns are headed {twice[0]}; keep one")
        return
    for number, row in enumerate(values[head + 1 :], head + 2):
        if number - head > MAX_ROWS:
            yield RawRow(f"{name}!{number}", problem=f"more than {MAX_ROWS:,} rows; the rest is not read")
            return
        # Columns of the team's own are theirs.
        cells = {field: _content(value) for field, value in zip(fields, row, strict=False) if field in FIELDS}
        if any(cells.values()):
            yield RawRow(f"{name}!{number}", cells)


def _fields(row: Sequence[Value]) -> list[str]:
    return [field_of(value) if isinstance(value, str) else "" for value in row]


def _content(value: Value) -> str | date:
    if isinstance(value, datetime | date):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
