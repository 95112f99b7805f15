"""A new review workbook: headers, and a row for each package of a list, in the columns that are the reviewer's."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from tasks.errors import InputError
from tasks.files.atomic import write_atomically
from tasks.review.model import PackageKey
from tasks.settings.addresses import PYPI
from tasks.workbook.headers import STANDARD_HEADERS
from tasks.workbook.layout import STANDARD_HEADER_ROW, LayoutWanted
from tasks.workbook.model import STANDARD_COLUMNS, Field

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

__all__ = ["write_new_workbook"]

_SHEET = "Packages"
_TITLE = "Package review"
_WIDTHS: Mapping[Field, int] = {
    Field.INDEX: 6,
    Field.PACKAGE_NAME: 28,
    Field.CURRENT_VERSION: 14,
    Field.DATE_PUBLISHED: 16,
    Field.LATEST_VERSION: 14,
    Field.LATEST_RELEASE_DATE: 18,
    Field.NOTES: 40,
    Field.RECOMMENDATION: 70,
}
_USUAL = 30
"""Widths in characters."""

_TEXT = "@"
"""Excel's format for text: a version typed over one stays what was typed (1.10 does not become 1.1)."""


def write_new_workbook(path: Path, packages: Sequence[PackageKey], wanted: LayoutWanted) -> None:
    """Write a workbook that `read_review` reads with the same settings, whole or not at all.

    InputError where it cannot be written. Every text is stored as text, whatever it begins with.
    """
    from openpyxl import Workbook  # noqa: PLC0415  slow to import, and only needed for a new workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = wanted.sheet_name or _SHEET
    columns = wanted.columns or STANDARD_COLUMNS
    header_row = STANDARD_HEADER_ROW if wanted.header_row is None else wanted.header_row
    start = wanted.data_start_row or header_row + 1
    _write_head(sheet, columns, header_row)
    sheet.freeze_panes = f"A{start}"
    for place, package in enumerate(packages):
        _write_row(sheet, start + place, columns, _values(package, start + place - header_row))
    made = io.BytesIO()
    book.save(made)
    write_atomically(path, made.getvalue(), failure=InputError)


def _write_head(sheet: "Worksheet", columns: Mapping[Field, str], header_row: int) -> None:
    from openpyxl.styles import Alignment, Font  # noqa: PLC0415  as above

    if header_row > 1:
        sheet["A1"] = _TITLE
        sheet["A1"].font = Font(bold=True, size=14)
    for field, letter in columns.items():
        sheet.column_dimensions[letter].width = _WIDTHS.get(field, _USUAL)
        if header_row:
            cell = sheet[f"{letter}{header_row}"]
            cell.value = STANDARD_HEADERS[field]
            cell.font = Font(bold=True)
            cell.alignment = Alignment(wrap_text=True, vertical="center")


def _values(package: PackageKey, number: int) -> Mapping[Field, str | int]:
    return {
        Field.INDEX: number,
        Field.PACKAGE_NAME: package.name,
        Field.CURRENT_VERSION: package.version_text,
        Field.PYPI_CURRENT_LINK: f"{PYPI}/project/{quote(package.project)}/",
    }


def _write_row(sheet: "Worksheet", row: int, columns: Mapping[Field, str], values: Mapping[Field, str | int]) -> None:
    for field, value in values.items():
        if field not in columns:
            continue
        cell = sheet[f"{columns[field]}{row}"]
        cell.value = value if value != "" else None
        if isinstance(value, str):
            cell.number_format = _TEXT
            # The library takes a text that begins with "=" for a formula.
            cell.data_type = "s" if value else cell.data_type
