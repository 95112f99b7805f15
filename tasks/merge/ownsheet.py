"""The sheets that are ours, each known by its second line and refused where somebody else wrote it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from tasks.errors import InputError, MergeRefused
from tasks.merge.commit import SheetEdits
from tasks.workbook.model import CellUpdate
from tasks.workbook.newsheet import refuse_locked, sheet_named
from tasks.workbook.package import open_package

__all__ = ["MARKER", "NAME", "Line", "OwnSheet", "SheetKind", "own_sheet", "sheet_edits"]

COLUMNS = "ABCDE"


class SheetKind(Enum):
    """The sheets of ours: the value is the name and the flag that asks for it."""

    SUMMARY = ("Vetbook summary", "--summary-sheet")
    UPGRADES = ("Vetbook upgrades", "--upgrade-sheet")

    @property
    def title(self) -> str:
        """The sheet's name."""
        return self.value[0]

    @property
    def flag(self) -> str:
        """The flag that asks for it."""
        return self.value[1]

    @property
    def marker(self) -> str:
        """Its second line."""
        return f"Written by Vetbook; each scan with {self.flag} writes columns A to E of this sheet anew."


NAME = SheetKind.SUMMARY.title
MARKER = SheetKind.SUMMARY.marker

Line = Sequence[str | int | float | None]


@dataclass(frozen=True, slots=True)
class OwnSheet:
    """What the workbook has of it: its name there, and its last row in use; 0 where it is still to come."""

    name: str = NAME
    last_row: int = 0
    present: bool = False
    kind: SheetKind = SheetKind.SUMMARY


def own_sheet(path: Path, kind: SheetKind = SheetKind.SUMMARY) -> OwnSheet:
    """A sheet of ours in a workbook. MergeRefused where a sheet of that name is not ours, or none may be added."""
    try:
        with open_package(path) as package:
            found = sheet_named(package, kind.title)
            if found is None:
                refuse_locked(package, kind.title)
    except InputError as error:
        raise MergeRefused(str(error)) from error
    if found is None:
        return OwnSheet(kind.title, kind=kind)
    rows = _rows(path, found.name) if found.kind == "worksheet" else []
    if len(rows) <= 1 or not rows[1] or rows[1][0] != kind.marker:
        raise MergeRefused(
            f'{path}: sheet "{found.name}" was not written by this program; rename it, or leave out {kind.flag}'
        )
    return OwnSheet(found.name, len(rows), present=True, kind=kind)


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
    return SheetEdits(own.name, tuple(_updates([(own.kind.title,), (own.kind.marker,), *lines], own.last_row)))


def _updates(lines: Sequence[Line], former: int) -> Iterator[CellUpdate]:
    for row in range(1, max(len(lines), former) + 1):
        line = lines[row - 1] if row <= len(lines) else ()
        for place, column in enumerate(COLUMNS):
            value = line[place] if place < len(line) else None
            if value is not None or row <= former:
                yield CellUpdate(row, column, value)
