"""Workbooks as read, and changes to them, for the tests of the three-way merge and of the reports."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks.merge.changes import CellChange, CellContent, shown
from tasks.review.meaning import Meaning
from tasks.workbook.model import (
    STANDARD_COLUMNS,
    CellUpdate,
    CellValue,
    Field,
    Fingerprint,
    Layout,
    PackageRow,
    ReviewWorkbook,
)
from tasks.workbook.rows import RowCells, SheetRow, collect_rows

Cells = Mapping[Field, CellContent]
LAYOUT = Layout("Review", 3, 4)


def cells_of(name: str, version: CellContent = "1.0", **others: CellContent) -> dict[Field, CellContent]:
    """One row's cells; others by field key."""
    given: dict[Field, CellContent] = {Field.PACKAGE_NAME: name, Field.CURRENT_VERSION: version}
    return given | {Field(key): value for key, value in others.items()}


def book(rows: Sequence[Cells | None], layout: Layout = LAYOUT) -> ReviewWorkbook:
    """A workbook whose rows follow each other from the first data row on; None is a blank row."""
    fields = tuple(field for field in Field if field in layout.columns)
    sheet_rows = (
        SheetRow(number, RowCells(fields, tuple(cells.get(field) for field in fields)))
        for number, cells in enumerate(rows, layout.data_start_row)
        if cells is not None
    )
    packages, odd = collect_rows(sheet_rows)
    return ReviewWorkbook(Path("review.xlsx"), Fingerprint(1, 1, ""), layout, packages, odd)


def change(row: PackageRow, field: Field, value: CellValue, meaning: Meaning = Meaning.UPDATED) -> CellChange:
    """The scan's change of one cell of a row as read, in the standard layout."""
    column = STANDARD_COLUMNS[field]
    update = CellUpdate(row.row, column, value, meaning.style)
    return CellChange(row.row, column, field, row.name, shown(row.cells.get(field)), shown(value), meaning, update)
