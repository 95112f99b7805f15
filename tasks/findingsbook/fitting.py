"""Fitting a table into the sheet that people work in: rows found again by their keys, other cells left alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.errors import MergeRefused
from tasks.findingsbook.interface import FIRST_SEEN, STATUS, Key, Row, Table
from tasks.merge.commit import SheetEdits
from tasks.workbook.areas import column_letters, column_number
from tasks.workbook.model import CellStyle, CellUpdate, CellValue
from tasks.workbook.reader import Value
from tasks.workbook.writer import NewRow

__all__ = ["Fitted", "fit"]

_DEEPEST_HEADER = 20
"""Rows that are searched for the headers: people put titles above them."""

Rows = Sequence[Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The edits of one sheet, where its headers are, and columns that are missing there and not written."""

    edits: SheetEdits
    header_row: int
    missing: tuple[str, ...] = ()


def fit(table: Table, rows: Rows) -> Fitted:
    """What to write into a sheet with these values (from A1 on); MergeRefused where it has not the table's headers."""
    header_row, columns = _columns(table, rows)
    present = _present(table, rows[header_row:], header_row, columns)
    taken = [number for number, row in enumerate(rows, 1) if any(value != "" for value in row)]
    wanted = {table.key_of(row): row for row in table.rows}
    updates = [update for key, row in wanted.items() for update in _renewed(table, row, present.get(key, ()), columns)]
    for key, places in present.items():
        left = table.gone(key) if key not in wanted else None
        updates += _renewed(table, left, places, columns) if left is not None else ()
    new = [_new(table, row, columns) for key, row in wanted.items() if key not in present]
    missing = tuple(name for name in table.columns if name not in columns)
    return Fitted(SheetEdits(table.title, updates, new, max(taken)), header_row, missing)


def _columns(table: Table, rows: Rows) -> tuple[int, dict[str, str]]:
    """The header row, from 1, and the column letter of each of the table's headers that is there."""
    for number, row in enumerate(rows[:_DEEPEST_HEADER], 1):
        texts = [str(value).strip().casefold() for value in row]
        if all(name.casefold() in texts for name in table.keys):
            found = [name for name in table.headers if name.casefold() in texts]
            return number, {name: column_letters(texts.index(name.casefold()) + 1) for name in found}
    raise MergeRefused(
        f'sheet "{table.title}": the headers {", ".join(table.keys)} are not in its first {_DEEPEST_HEADER} rows;'
        " put them back, or name another file for --output"
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A row of the sheet, from 1, with its values by header."""

    row: int
    values: Mapping[str, Value]


def _present(table: Table, rows: Rows, above: int, columns: Mapping[str, str]) -> dict[Key, list[_Place]]:
    offsets = {name: column_number(letter) - 1 for name, letter in columns.items()}
    found: defaultdict[Key, list[_Place]] = defaultdict(list)
    for number, row in enumerate(rows, above + 1):
        values = {name: row[offset] for name, offset in offsets.items() if offset < len(row)}
        key = tuple(_shown(values.get(name, "")) for name in table.keys)
        if any(key):
            found[key].append(_Place(number, values))
    return dict(found)


def _shown(value: Value) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _renewed(table: Table, row: Row, places: Sequence[_Place], columns: Mapping[str, str]) -> Iterator[CellUpdate]:
    written = [name for name in table.columns if name in row and name in columns and name != FIRST_SEEN]
    for place in places:
        for name in written:
            value, former = row[name], place.values.get(name, "")
            if not _same(value, former):
                wanted = None if value == "" else value
                yield CellUpdate(place.row, columns[name], wanted, _style(table, name, value))


def _same(value: CellValue, former: Value) -> bool:
    if isinstance(value, datetime):
        return value == former
    return _shown(former) == ("" if value is None else str(value))


def _new(table: Table, row: Row, columns: Mapping[str, str]) -> NewRow:
    values = {columns[name]: value for name, value in row.items() if name in columns and value not in (None, "")}
    styles = {columns[name]: _style(table, name, row[name]) for name in row if name in columns}
    return NewRow(values, styles={column: style for column, style in styles.items() if style is not None})


def _style(table: Table, name: str, value: CellValue) -> CellStyle | None:
    meaning = table.meanings.get(str(value)) if name == STATUS else None
    return None if meaning is None else meaning.style
