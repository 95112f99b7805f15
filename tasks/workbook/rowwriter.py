"""The rows of a worksheet while the parser goes through them: meets cells, collects edits, does them at the row's end.

Sources: ECMA-376-1, 18.3.1.73 row (spans is a hint that has to hold), 18.3.1.4 c.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Never
from xml.parsers import expat

from tasks.errors import MergeRefused
from tasks.workbook.areas import Area, area_of, cell_key, cell_name, cell_of, column_number
from tasks.workbook.celleditor import CellEditor
from tasks.workbook.cells import ExistingCell
from tasks.workbook.plan import Findings, Plan
from tasks.workbook.sharedformulas import SharedGroups
from tasks.workbook.splicer import Splicer
from tasks.workbook.xmltree import Edit, prefix_of, set_attribute

__all__ = ["ROW_NAMES", "Row", "RowWriter", "Surroundings"]

ROW_NAMES = ("sheetData", "row", "c", "f", "v", "t", "rPh", "extLst")
_ARRAYS = ("array", "dataTable")
_CELL_DEPTH, _CONTENT_DEPTH = 1, 2


@dataclass(slots=True)
class Row:
    """The row being read; next and last are the places in the plan of its cells that are still to come."""

    number: int
    start: int
    style: int | None
    spans: str
    next: int
    last: int
    must_be_blank: bool
    prefix: str = ""
    digits: str = ""
    column: int = 0
    edits: list[Edit] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rows need from the sheet: the pass's parser, splicer and findings; column_style maps a column."""

    parser: expat.XMLParserType
    splicer: Splicer
    findings: Findings
    column_style: Callable[[int], int]
    where: str


class RowWriter:
    """Takes the parser's events from a row's begin() to its end and then calls done with the closing place.

    Rows without anything to change are only searched for formulas.
    """

    def __init__(
        self, plan: Plan, editor: CellEditor, groups: SharedGroups, around: Surroundings, done: Callable[[int], None]
    ) -> None:
        self.local: dict[str, str] = {}
        self._plan = plan
        self._editor = editor
        self._groups = groups
        self._around = around
        self._parser = around.parser
        self._splicer = around.splicer
        self._done = done
        self._depth = 0
        self._row = Row(0, 0, None, "", 0, 0, must_be_blank=False)
        self._cell: ExistingCell | None = None
        self._text: list[str] = []
        self._phonetic = False
        self._promoting: tuple[int, str] | None = None

    def begin(self, row: Row) -> None:
        """Take over the parser at a row's start tag."""
        self._row = row
        self._depth = 0
        watched = row.must_be_blank or row.next < row.last or self._groups.waiting
        if watched:
            self._parser.CharacterDataHandler = self._text.append
            row.digits = str(row.number)
            row.prefix = prefix_of(self._splicer.slice(row.start, self._splicer.tag_end(row.start)), 0)
        self._parser.StartElementHandler = self._start if watched else self._skim
        self._parser.EndElementHandler = self._end if watched else self._end_skimmed

    def _skim(self, name: str, attributes: dict[str, str]) -> None:
        if self.local.get(name) == "f":
            self._meet_formula(attributes)

    def _end_skimmed(self, name: str) -> None:
        if self.local.get(name) == "row":
            self._done(self._parser.CurrentByteIndex)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        local = self.local.get(name)
        if self._depth == _CELL_DEPTH and local == "c":
            self._start_cell(attributes)
        elif local in ("c", "row"):
            self._refuse(f"row {self._row.number} has cells inside other elements, which only some programs understand")
        elif self._cell is not None:
            self._cell.has_children = True
            if local is not None:
                self._start_content(local, attributes, self._cell)
        elif local == "f":
            self._start_formula(attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._cell is not None:
            if self._depth == 0:
                self._end_cell(self._cell)
            elif (local := self.local.get(name)) is not None:
                self._end_content(local, self._cell)
        elif self._depth < 0:
            self._end_row()
        elif self._promoting is not None and self.local.get(name) == "f":
            self._end_promotion(*self._promoting)

    def _start_cell(self, attributes: dict[str, str]) -> None:
        row, place = self._row, self._parser.CurrentByteIndex
        column = self._column(attributes.get("r"))
        key, keys, first = cell_key(row.number, column), self._plan.keys, row.next
        while row.next < row.last and keys[row.next] < key:
            row.next += 1
        if first < row.next:
            self._insert(first, row.next, place)
        if row.must_be_blank or (row.next < row.last and keys[row.next] == key):
            self._cell = ExistingCell(row.number, column, place, attributes)

    def _column(self, reference: str | None) -> int:
        row = self._row
        try:
            number, column = _place_of(reference, row) if reference else (row.number, row.column + 1)
        except ValueError:
            self._refuse(f"row {row.number} holds a cell named {reference!r}")
        if number != row.number or column <= row.column:
            self._refuse(f"row {row.number} holds the cell {reference} out of order")
        row.column = column
        return column

    def _insert(self, first: int, last: int, place: int) -> None:
        row = self._row
        cells = self._editor.inserted(row.prefix, first, last, self._style_of)
        if cells:
            row.edits.append((place, place, cells))
            row.columns += (self._plan.column(first), self._plan.column(last - 1))

    def _style_of(self, column: int) -> int:
        return self._row.style if self._row.style is not None else self._around.column_style(column)

    def _start_content(self, local: str, attributes: dict[str, str], cell: ExistingCell) -> None:
        self._text.clear()
        if local == "f":
            cell.formula_attributes = attributes
            cell.formula_start = self._parser.CurrentByteIndex
            cell.promote = self._meet_formula(attributes)
        elif local == "rPh":
            self._phonetic = True
        elif local == "extLst" and self._depth == _CONTENT_DEPTH:
            cell.extension_start = self._parser.CurrentByteIndex

    def _end_content(self, local: str, cell: ExistingCell) -> None:
        if local == "v" or (local == "t" and not self._phonetic):
            cell.text += "".join(self._text)
        elif local == "f":
            cell.formula = "".join(self._text)
            cell.formula_end = self._element_end(cell.formula_start)
        elif local == "rPh":
            self._phonetic = False
        elif local == "extLst" and self._depth == _CELL_DEPTH:
            cell.extension_end = self._element_end(cell.extension_start)

    def _end_cell(self, cell: ExistingCell) -> None:
        self._cell = None
        row = self._row
        if row.must_be_blank and not cell.is_blank:
            name = cell_name(cell.row, cell.column)
            self._refuse(f"row {cell.row} is not free for a new package: {name} holds something; move it further down")
        if row.next == row.last or self._plan.keys[row.next] != cell_key(cell.row, cell.column):
            return
        place = self._parser.CurrentByteIndex
        end = self._splicer.after(b">", place) if cell.has_children else self._element_end(cell.start)
        new = self._editor.edited(row.prefix, cell, end, row.next)
        row.next += 1
        if new is not None:
            row.edits.append((cell.start, end, new))
            row.columns.append(cell.column)

    def _element_end(self, start: int) -> int:
        """Where the element that ends with the present event is over; expat's place differs for empty tags."""
        tag_end = self._splicer.tag_end(start)
        if self._splicer.slice(tag_end - 2, tag_end) == b"/>":
            return tag_end
        return self._splicer.after(b">", self._parser.CurrentByteIndex)

    def _meet_formula(self, attributes: dict[str, str]) -> bool:
        """Note a formula; True where its cell has to become the first of its group if it keeps the formula."""
        findings = self._around.findings
        findings.formulas_met += 1
        kind = attributes.get("t")
        if kind in _ARRAYS:
            findings.arrays += _area(attributes.get("ref", ""))
        return kind == "shared" and self._groups.needs_promotion(attributes)

    def _start_formula(self, attributes: dict[str, str]) -> None:
        if self._meet_formula(attributes):
            self._promoting = self._parser.CurrentByteIndex, attributes.get("si", "")

    def _end_promotion(self, start: int, group: str) -> None:
        self._promoting = None
        tag = self._splicer.slice(start, self._splicer.tag_end(start))
        new = self._groups.promote(tag, group, self._row.number, self._row.column)
        self._row.edits.append((start, self._element_end(start), new))

    def _end_row(self) -> None:
        row, place = self._row, self._parser.CurrentByteIndex
        if row.next < row.last:
            self._insert(row.next, row.last, place)
        if row.edits:
            tag_end = self._splicer.tag_end(row.start)
            tag = old = self._splicer.slice(row.start, tag_end)
            if row.spans and (spans := _widened(row.spans, row.columns)) != row.spans:
                tag = set_attribute(tag, "spans", spans)
            if old.endswith(b"/>"):
                tag = tag[:-2].rstrip() + b">" + row.edits.pop()[2] + f"</{row.prefix}row>".encode()
            if tag != old:
                self._splicer.replace(row.start, tag_end, tag)
            for edit in row.edits:
                self._splicer.replace(*edit)
        self._text.clear()
        self._done(place)

    def _refuse(self, what: str) -> Never:
        raise MergeRefused(f"{self._around.where}: {what}; nothing was written")


def _place_of(reference: str, row: Row) -> tuple[int, int]:
    # Nearly every name is letters and the row's own number; that need not be taken apart by a pattern.
    letters = reference.removesuffix(row.digits)
    return (row.number, column_number(letters)) if letters.isalpha() and letters != reference else cell_of(reference)


def _area(reference: str) -> Iterator[Area]:
    try:
        yield area_of(reference)
    except ValueError:
        return


def _widened(spans: str, columns: list[int]) -> str:
    """Spans like "1:8" so that they hold the columns, unchanged where they do or cannot be read."""
    numbers = [int(text) for part in spans.split() for text in part.split(":") if text.isdecimal()]
    if not numbers or not columns or (min(numbers) <= min(columns) and max(columns) <= max(numbers)):
        return spans
    return f"{min(numbers + columns)}:{max(numbers + columns)}"
