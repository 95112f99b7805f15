"""Where a workbook keeps its packages: which sheet, which header row, which columns."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tasks.errors import InputError, SettingsError
from tasks.workbook.headers import column_index, match_headers
from tasks.workbook.model import Field, Layout
from tasks.workbook.rows import parse_name

__all__ = ["HEADER_ROWS", "LayoutWanted", "SheetHead", "find_layout", "head_depth", "pick_sheet_name"]

STANDARD_HEADER_ROW = 3
HEADER_ROWS = range(1, 11)
"""The Excel rows that are tried for headers where no setting names one."""

_LAST_ROW = 1_048_576
_PEEK = 50
"""Rows below the headers that are looked at where `excel.columns` leaves no headers to go by."""

_LEGACY_SHEET = "Sheet1"
"""The older tool's default setting, which it never read: users' settings files name it, their workbooks do not."""


@dataclass(frozen=True, slots=True)
class LayoutWanted:
    """The `excel` settings; everything left out is found by the header texts.

    Rows count from 1; header_row 0 means that there is none, which needs columns. With columns given only those
    fields exist, and package_name must be among them.
    """

    sheet_name: str | None = None
    header_row: int | None = None
    data_start_row: int | None = None
    columns: Mapping[Field, str] | None = None


@dataclass(frozen=True, slots=True)
class SheetHead:
    """The first rows of a sheet, from row 1 and column A on; trouble says why they could not be read."""

    name: str
    rows: Sequence[Sequence[object]]
    trouble: str | None = None


def head_depth(wanted: LayoutWanted) -> int:
    """How many rows of a sheet `find_layout` wants to see."""
    return max(HEADER_ROWS.stop, wanted.header_row or 0, wanted.data_start_row or 0) + _PEEK


def pick_sheet_name(names: Sequence[str], wanted: LayoutWanted, file: str) -> str | None:
    """The sheet that the settings name, any case as in Excel; None where they leave the choice to the headers.

    InputError when there is no such sheet. `Sheet1` is forgiven: the older tool's settings files carry it unused.
    """
    if not wanted.sheet_name:
        return None
    asked = wanted.sheet_name.strip().casefold()
    found = next((name for name in names if name.casefold().strip() == asked), None)
    if found is None and asked != _LEGACY_SHEET.casefold():
        near = difflib.get_close_matches(wanted.sheet_name, names, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise InputError(
            f'{file}: no sheet "{wanted.sheet_name}" (excel.sheet_name); the sheets are {_listed(names)}{hint}'
        )
    return found


def find_layout(heads: Iterable[SheetHead], wanted: LayoutWanted, file: str) -> Layout:
    """The layout of the sheet that fits best.

    `heads` come in order of preference (the active sheet first) and are consumed only as far as needed: the
    sheet with the most known headers wins, on a tie the earlier one. SettingsError for impossible settings;
    InputError, naming the sheets looked at and the settings that help, when none fits.
    """
    _check(wanted)
    best: tuple[int, Layout] | None = None
    looked_at: list[SheetHead] = []
    for head in heads:
        looked_at.append(head)
        fit = _fit(head, wanted)
        if fit and (best is None or fit[0] > best[0]):
            best = fit
        if best and best[0] >= len(Field):
            break
    if best is None:
        raise InputError(_no_fit(looked_at, wanted, file))
    return best[1]


def _check(wanted: LayoutWanted) -> None:
    for key, row, lowest in (
        ("header_row", wanted.header_row, 0 if wanted.columns else 1),
        ("data_start_row", wanted.data_start_row, 1),
    ):
        if row is not None and not lowest <= row <= _LAST_ROW:
            raise SettingsError(f"excel.{key} is {row}: it must be {lowest} to {_LAST_ROW}")
    header, start = wanted.header_row, wanted.data_start_row
    if header is not None and start is not None and start <= header:
        raise SettingsError(f"excel.data_start_row is {start}: it must be below excel.header_row {header}")
    if wanted.columns:
        _check_columns(wanted.columns)


def _check_columns(columns: Mapping[Field, str]) -> None:
    if Field.PACKAGE_NAME not in columns:
        raise SettingsError("excel.columns has no package_name: name the column that holds the package names")
    owner: dict[int, Field] = {}
    for key, letters in columns.items():
        try:
            index = column_index(letters.strip())
        except ValueError:
            raise SettingsError(f'excel.columns.{key} is "{letters}": it must be a column, A to XFD') from None
        if index in owner:
            raise SettingsError(f"excel.columns gives column {letters} to both {owner[index]} and {key}")
        owner[index] = key


def _fit(head: SheetHead, wanted: LayoutWanted) -> tuple[int, Layout] | None:
    """How well a sheet fits (number of known headers), and its layout."""
    if head.trouble:
        return None
    return _fit_columns(head, wanted, wanted.columns) if wanted.columns else _fit_headers(head, wanted)


def _fit_headers(head: SheetHead, wanted: LayoutWanted) -> tuple[int, Layout] | None:
    best: tuple[int, Layout] | None = None
    for row in _header_candidates(wanted):
        columns = match_headers(head.rows[row - 1]) if row <= len(head.rows) else {}
        if Field.PACKAGE_NAME in columns and Field.CURRENT_VERSION in columns and (not best or len(columns) > best[0]):
            best = len(columns), Layout(head.name, row, wanted.data_start_row or row + 1, columns)
    return best


def _header_candidates(wanted: LayoutWanted) -> list[int]:
    """Rows to try, the standard one first; only rows above the first data row can be headers."""
    if wanted.header_row:
        return [wanted.header_row]
    rows = sorted(HEADER_ROWS, key=lambda row: (row != STANDARD_HEADER_ROW, row))
    return [row for row in rows if wanted.data_start_row is None or row < wanted.data_start_row]


def _fit_columns(head: SheetHead, wanted: LayoutWanted, columns: Mapping[Field, str]) -> tuple[int, Layout] | None:
    """With the columns given, a sheet fits when it was named or when names stand in the name column."""
    letters = {key: columns[key].strip().upper() for key in Field if key in columns}
    index = column_index(letters[Field.PACKAGE_NAME])
    names = [row[index] if index < len(row) else None for row in head.rows]
    header, labelled = _header_above(names, wanted)
    start = wanted.data_start_row or header + 1
    plausible = any(parse_name(name).project for name in names[start - 1 :])
    if not plausible and not wanted.sheet_name:
        return None
    return int(plausible) + int(labelled), Layout(head.name, header, start, letters)


def _header_above(names: Sequence[object], wanted: LayoutWanted) -> tuple[int, bool]:
    """The header row of a given name column, and whether it reads like one."""
    if wanted.header_row is not None:
        return wanted.header_row, False
    for row in _header_candidates(wanted):
        if row <= len(names) and Field.PACKAGE_NAME in match_headers([names[row - 1]]):
            return row, True
    start = wanted.data_start_row
    return (STANDARD_HEADER_ROW if start is None else min(STANDARD_HEADER_ROW, start - 1)), False


def _no_fit(heads: Sequence[SheetHead], wanted: LayoutWanted, file: str) -> str:
    where = f"row {wanted.header_row}" if wanted.header_row else f"rows {HEADER_ROWS.start} to {HEADER_ROWS.stop - 1}"
    troubles = "".join(f"; {head.trouble}" for head in heads if head.trouble)
    looked = f"(looked at {_listed([head.name for head in heads])}{troubles})" if heads else "(no visible sheet)"
    if wanted.columns:
        column = wanted.columns[Field.PACKAGE_NAME]
        return f"{file}: no sheet has package names in column {column} {looked}: set excel.sheet_name or excel.columns"
    missing = f'no sheet has the headers "Package Name" and "Version" in {where}'
    return f"{file}: {missing} {looked}: set excel.sheet_name, excel.header_row or excel.columns"


def _listed(names: Sequence[str], most: int = 10) -> str:
    quoted = [f'"{name}"' for name in names[:most]]
    more = len(names) - most
    return ", ".join(quoted) + (f" and {more} more" if more > 0 else "")
