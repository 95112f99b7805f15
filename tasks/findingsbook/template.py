"""An empty findings workbook: the headers, as the merge finds them."""

from collections.abc import Sequence
from pathlib import Path

from tasks.findingsbook.interface import Table

__all__ = ["write_template"]

_WIDTHS = {"Repository": 28, "File": 36, "Package": 24, "Indicator": 22, "Source": 40, "Note": 40, "Notes": 40}
_WIDTHS |= {"Where": 48, "Reason": 60, "Commit": 44, "Blob": 44, "First seen": 18, "Last seen": 18, "Status": 16}
_USUAL = 14
"""Widths in characters."""


def write_template(path: Path, tables: Sequence[Table]) -> None:
    """Write a new workbook with one sheet a table; OSError where it cannot be written."""
    from openpyxl import Workbook  # noqa: PLC0415  slow to import, and only needed for a new workbook
    from openpyxl.styles import Font  # noqa: PLC0415  as above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  as above

    book = Workbook()
    book.remove(book.worksheets[0])
    for table in tables:
        sheet = book.create_sheet(table.title)
        sheet.append(list(table.headers))
        for number, header in enumerate(table.headers, 1):
            sheet.cell(1, number).font = Font(bold=True)
            sheet.column_dimensions[get_column_letter(number)].width = _WIDTHS.get(header, _USUAL)
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.headers))}1"
    book.save(path)
