"""The one sheet that is ours: `Vetbook summary`, known by its second line, refused where it is not ours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from tasks.errors import InputError, MergeRefused
from tasks.merge.commit import SheetEdits
from tasks.workbook.model import CellUpdate
from tasks.workbook.newsheet import refuse_locked, sheet_named
from tasks.workbook.package import open_package

__all__ = ["MARKER", "NAME", "OwnSheet", "own_sheet", "sheet_edits"]

NAME = "Vetbook summary"
MARKER = "Written by Vetbook; each scan with --summary-sheet writes columns A to E of this sheet anew."
COLUMNS = "ABCDE"

Line = Sequence[str | int | float | None]


@dataclass(frozen=True, slots=True)
class OwnSheet:
    """What the workbook has of it: its name there, and its last row in use; 0 where it is still to come."""

    name: str = NAME
    last_row: int = 0
    present: bool = False


def own_sheet(path: Path) -> OwnSheet:
    """The summary sheet of a workbook. MergeRefused where a sheet of that name is not ours, or none may be added."""
    try:
        with open_package(path) as package:
            found = sheet_named(package, NAME)
            if found is None:
                refuse_locked(package, NAME)
    except InputError as error:
        raise MergeRefused(str(error)) from error
    if found is None:
        return OwnSheet()
    rows = _rows(path, found.name) if found.kind == "worksheet" else []
    if len(rows) <= 1 or not rows[1] or rows[1][0] != MARKER:
        raise MergeRefused(
            f'{path}: sheet "{found.name}" was not written by this program; rename it, or leave out --summary-sheet'
        )
    return OwnSheet(found.name, len(rows), present=True)


def _rows(path: Path, name: str) -> list[list[object]]:
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            sheet = workbook.get_sheet_by_name(name)
            start = sheet.start
            if start is None or start[1] != 0:
                return []
            return [list(row) for row in sheet.to_python(skip_empty_area=False)]
    except CalamineError as error:
        raise MergeRefused(
            f'{path}: sheet "{name}" cannot be read ({error}); open and save the file in Excel'
        ) from error


def sheet_edits(own: OwnSheet, lines: Sequence[Line]) -> SheetEdits:
    """The lines as cells from A3 on, under the title and the marker; former lines below them are emptied."""
    return SheetEdits(own.name, tuple(_updates([(NAME,), (MARKER,), *lines], own.last_row)))


def _updates(lines: Sequence[Line], former: int) -> Iterator[CellUpdate]:
    for row in range(1, max(len(lines), former) + 1):
        line = lines[row - 1] if row <= len(lines) else ()
        for place, column in enumerate(COLUMNS):
            value = line[place] if place < len(line) else None
            if value is not None or row <= former:
                yield CellUpdate(row, column, value)
