"""Reading a review workbook: its packages row by row, and exactly which bytes they were read from.

Values come from python-calamine, which gives true cell types and cached formula results; errors and formulas
without a stored result, which it reads as blank, are looked up in the sheet itself where they matter.
"""

import hashlib
import io
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from tasks.errors import InputError
from tasks.workbook.headers import column_index
from tasks.workbook.layout import LayoutWanted, SheetHead, find_layout, head_depth, pick_sheet_name
from tasks.workbook.model import Field, Fingerprint, Layout, ReviewWorkbook
from tasks.workbook.package import Package, Sheet, check_workbook_file, open_package
from tasks.workbook.reader_extent import check_extent
from tasks.workbook.reader_plain import plain_copy
from tasks.workbook.reader_unread import find_unread
from tasks.workbook.rows import CellContent, RowCells, SheetRow, collect_rows
from tasks.workbook.versions import Unread

__all__ = ["LayoutWanted", "Value", "fingerprint_of", "read_review", "read_sheets"]

_INTERNED = 50_000
"""Distinct texts that are kept once: results repeat, links do not."""

Value = int | float | str | bool | time | date | datetime | timedelta


def read_review(path: Path, wanted: LayoutWanted | None = None) -> ReviewWorkbook:
    """The workbook's packages in sheet order; Excel row numbers, from 1.

    The sheet is the one that `wanted` names, else the visible one with the most known headers (the active sheet
    on a tie). InputError, in one line, when the file cannot be used, no sheet fits, or no row has a package.
    Holds the file and, for a moment, the whole sheet in memory: about 300 MB for 50,000 rows of 23 columns.
    """
    wanted = wanted or LayoutWanted()
    check_workbook_file(path)
    data, fingerprint = _read(path)
    with _calamine_errors(path), open_package(path) as package, _load(plain_copy(package) or data) as book:
        layout, sheet = _find(package, book, wanted)
        rows, odd_rows = collect_rows(_data_rows(sheet, layout, _unread(package, layout)))
    _refuse_changed(path, fingerprint)
    if not any(row.is_named for row in rows):
        unnamed = ((row.row, f"row {row.row}: {row.problem}") for row in rows)
        raise InputError(_nothing_found(path, layout, sorted((*unnamed, *odd_rows))))
    return ReviewWorkbook(path, fingerprint, layout, rows, odd_rows)


def read_sheets(path: Path, names: Collection[str]) -> tuple[Fingerprint, dict[str, list[list[Value]]]]:
    """The values of those of the named sheets that are there, from A1 on, blank cells as "".

    InputError, in one line, when the file cannot be used.
    """
    check_workbook_file(path)
    data, fingerprint = _read(path)
    found: dict[str, list[list[Value]]] = {}
    with _calamine_errors(path), open_package(path) as package, _load(plain_copy(package) or data) as book:
        for name in (name for name in package.sheet_names if name in names):
            check_extent(package, package.sheet(name))
            found[name] = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    _refuse_changed(path, fingerprint)
    return fingerprint, found


def fingerprint_of(path: Path) -> Fingerprint:
    """Size (bytes), modification time (ns) and SHA-256 of the file as it is now; InputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(path, error) from error
    return Fingerprint(status.st_size, status.st_mtime_ns, digest)


def _read(path: Path) -> tuple[bytes, Fingerprint]:
    """The file's bytes, and the fingerprint of exactly these bytes."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    return data, Fingerprint(len(data), status.st_mtime_ns, hashlib.sha256(data).hexdigest())


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror}); check the path, or close it elsewhere")


def _refuse_changed(path: Path, fingerprint: Fingerprint) -> None:
    """The checks look at the path, the values come from the bytes: both must be of one file."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if (status.st_size, status.st_mtime_ns) != (fingerprint.size, fingerprint.modified_ns):
        raise InputError(f"{path}: was saved while it was read; run again")


@contextmanager
def _calamine_errors(path: Path) -> Iterator[None]:
    advice = "open the file in Excel and save it again"
    try:
        yield
    except CalamineError as error:
        raise InputError(f"{path}: cannot be read as a workbook ({error}); {advice}") from error
    except BaseException as error:
        # A Rust panic in calamine arrives as a BaseException of its own that no public name reaches.
        if type(error).__name__ != "PanicException":
            raise
        raise InputError(f"{path}: cannot be read as a workbook ({error}); {advice}") from error


def _load(data: bytes) -> CalamineWorkbook:
    return CalamineWorkbook.from_filelike(io.BytesIO(data))


def _find(package: Package, book: CalamineWorkbook, wanted: LayoutWanted) -> tuple[Layout, CalamineSheet]:
    """The layout, and the sheet it is about."""
    named = pick_sheet_name(package.sheet_names, wanted, str(package.path))
    sheets = [package.sheet(named)] if named else _candidates(package)
    loaded: dict[str, CalamineSheet] = {}

    def load(sheet: Sheet) -> CalamineSheet:
        check_extent(package, sheet)
        # Only the last one is kept: other sheets of the workbook may be large.
        loaded.clear()
        return loaded.setdefault(sheet.name, book.get_sheet_by_name(sheet.name))

    heads = (_head(sheet, load, head_depth(wanted)) for sheet in sheets)
    layout = find_layout(heads, wanted, str(package.path))
    return layout, loaded.get(layout.sheet) or load(package.sheet(layout.sheet))


def _candidates(package: Package) -> list[Sheet]:
    """The visible worksheets, the active one first, then in the workbook's order."""
    views = package.workbook.first("bookViews")
    view = views.first("workbookView") if views else None
    active = view.get("activeTab", "0") if view else "0"
    order = sorted(enumerate(package.sheets), key=lambda item: (str(item[0]) != active, item[0]))
    return [sheet for _, sheet in order if sheet.state == "visible" and sheet.kind == "worksheet"]


def _head(sheet: Sheet, load: Callable[[Sheet], CalamineSheet], depth: int) -> SheetHead:
    try:
        rows = load(sheet).to_python(skip_empty_area=False, nrows=depth)
    except InputError as error:
        # The message begins with the file, as will the one that this becomes a part of.
        return SheetHead(sheet.name, (), str(error).partition(": ")[2])
    return SheetHead(sheet.name, rows)


def _unread(package: Package, layout: Layout) -> Mapping[int, Mapping[Field, Unread]]:
    """The name and version cells that calamine reads as blank although they are not, by row."""
    keys = {layout.columns[key]: key for key in (Field.PACKAGE_NAME, Field.CURRENT_VERSION) if key in layout.columns}
    part = package.sheet_part(layout.sheet)
    found = find_unread(package.stream(part), keys, package.where(part))
    return {row: {keys[letter]: cell for letter, cell in cells.items()} for row, cells in found.items()}


def _data_rows(
    sheet: CalamineSheet, layout: Layout, unread: Mapping[int, Mapping[Field, Unread]]
) -> Iterator[SheetRow]:
    """The rows from the first data row on; entirely blank ones may be left out."""
    # iter_rows() begins at row 1, yet at the first column that holds anything.
    left = sheet.start[1] if sheet.start else 0
    offsets = tuple(column_index(letter) - left for letter in layout.columns.values())
    maker = _RowMaker(tuple(layout.columns), offsets, {})
    number = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if number >= layout.data_start_row:
            yield maker.make(number, row, unread.get(number, {}))
    # Calamine ends at the last row with a value.
    below = (row for row in sorted(unread) if row > max(number, layout.data_start_row - 1))
    yield from (maker.make(row, [], unread[row]) for row in below)


@dataclass(frozen=True, slots=True)
class _RowMaker:
    """Turns calamine's rows of one sheet into `SheetRow`s; texts holds what was kept once so far."""

    fields: tuple[Field, ...]
    offsets: tuple[int, ...]
    texts: dict[str, str]

    def make(self, number: int, row: list[Value], unread: Mapping[Field, Unread]) -> SheetRow:
        """The row's mapped values; what stands elsewhere only where all of these are blank."""
        width = len(row)
        values = tuple(_content(row[at], self.texts) if 0 <= at < width else None for at in self.offsets)
        blank = all(value is None for value in values)
        elsewhere = next((str(cell) for cell in row if cell != ""), "") if blank else ""
        return SheetRow(number, RowCells(self.fields, values), elsewhere, unread)


def _content(value: Value, texts: dict[str, str]) -> CellContent:
    """A cell's value as the model has it; equal texts become one object."""
    if isinstance(value, str):
        if not value:
            return None
        return texts.setdefault(value, value) if len(texts) < _INTERNED else texts.get(value, value)
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, (int, datetime)):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 - Excel's dates have no zone
    return str(value)


def _nothing_found(path: Path, layout: Layout, odd_rows: Sequence[tuple[int, str]]) -> str:
    where = f'{path}: sheet "{layout.sheet}" has no package in column {layout.columns[Field.PACKAGE_NAME]}'
    more = f" ({odd_rows[0][1]})" if odd_rows else ""
    advice = "enter packages, or set excel.sheet_name, excel.data_start_row or excel.columns"
    return f"{where} from row {layout.data_start_row} on{more}: {advice}"
