"""One streaming pass over a worksheet's XML that replaces and inserts cells and copies every other byte.

expat tells where rows and cells begin and end; the splicer changes those bytes and no others. A row is held back
until it ends, so memory is one row plus one chunk.
Sources: ECMA-376-1, 18.3.1.99 worksheet, 18.3.1.80 sheetData, 18.3.1.73 row, 18.3.1.4 c; rows and cells may
omit their reference and then follow the one before.
"""

from collections.abc import Iterable, Iterator
from typing import Never
from xml.parsers import expat

from tasks.errors import MergeRefused
from tasks.workbook.celleditor import CellEditor, WritingContext
from tasks.workbook.frame import SheetFrame
from tasks.workbook.plan import Findings, Plan
from tasks.workbook.rowwriter import ROW_NAMES, Row, RowWriter, Surroundings
from tasks.workbook.sharedformulas import SharedGroups
from tasks.workbook.splicer import Spans, Splicer
from tasks.workbook.xmltree import MAIN, main_name, prefix_of, safe_parser

__all__ = ["SheetWriter"]

_DATA_DEPTH, _ROW_DEPTH = 2, 3
_TRUE = ("1", "true", "on")


class SheetWriter:
    """Rewrites one sheet: iterate run() for its new bytes, then read findings and spans."""

    def __init__(self, plan: Plan, context: WritingContext) -> None:
        self.findings = Findings()
        self._plan = plan
        self._where = context.where
        self._groups = SharedGroups()
        self._splicer = Splicer()
        self._editor = CellEditor(plan, context, self._splicer, self._groups, self.findings)
        self._frame = SheetFrame(plan, self._splicer, self.findings)
        self._parser = safe_parser(context.where)
        around = Surroundings(self._parser, self._splicer, self.findings, self._frame.column_style, context.where)
        self._rows = RowWriter(plan, self._editor, self._groups, around, self._end_row)
        self._depth = 0
        self._place = 0
        self._prefix = ""
        self._data_start = -1
        self._next = 0
        self._last_row = 0
        self._listen_outside()

    @property
    def spans(self) -> Spans:
        """Where the old and the new bytes of the sheet differ."""
        return self._splicer.spans

    def run(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The sheet's new bytes; MergeRefused names the cell or row that cannot be written safely."""
        try:
            for chunk in chunks:
                self._splicer.feed(chunk)
                self._parser.Parse(chunk, False)
                yield self._splicer.drain(self._place)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise MergeRefused(f"{self._where} is not well-formed XML ({error}); save the file in Excel") from error
        yield self._splicer.finish()
        if self._next < len(self._plan):
            self._refuse("has no place for rows (no sheetData)")
        self._groups.check(self._where)

    def _listen_outside(self) -> None:
        self._parser.StartElementHandler = self._start_outside
        self._parser.EndElementHandler = self._end_outside
        self._parser.CharacterDataHandler = self._frame.characters

    def _listen_in_data(self) -> None:
        self._parser.StartElementHandler = self._start_row
        self._parser.EndElementHandler = self._end_in_data
        self._parser.CharacterDataHandler = None

    def _start_outside(self, name: str, attributes: dict[str, str]) -> None:
        self._place = self._parser.CurrentByteIndex
        self._depth += 1
        if self._depth == 1:
            self._start_sheet(name)
        if self._depth == _DATA_DEPTH and self._rows.local.get(name) == "sheetData":
            self._data_start = self._place
            self._prefix = prefix_of(self._splicer.slice(self._place, self._splicer.tag_end(self._place)), 0)
            self._listen_in_data()
            return
        self._frame.start(name, attributes, self._place)

    def _end_outside(self, _name: str) -> None:
        self._place = self._parser.CurrentByteIndex
        self._depth -= 1
        self._frame.end(self._place)

    def _start_sheet(self, name: str) -> None:
        namespace, local = main_name(name)
        if local != "worksheet" or namespace != MAIN:
            self._refuse(f"holds <{local}> where a worksheet belongs")
        # The strict and the transitional namespace are never mixed within one part.
        original = name.rpartition(" ")[0]
        self._rows.local = {f"{original} {local}": local for local in ROW_NAMES}

    def _start_row(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        start = self._place = self._parser.CurrentByteIndex
        local = self._rows.local.get(name)
        if local != "row" or self._depth != _ROW_DEPTH:
            if local in ("row", "c"):
                self._refuse("has rows inside other elements, which only some programs understand")
            return
        number = self._row_number(attributes.get("r"))
        if rows := self._missing_rows(number):
            self._splicer.replace(start, start, rows)
        first = self._next
        if first < len(self._plan) and self._plan.row(first) == number:
            self._next = self._plan.row_end(first)
        style = attributes.get("s", "") if attributes.get("customFormat") in _TRUE else ""
        blank = self._plan.is_new_row(number)
        self._rows.begin(
            Row(
                number,
                start,
                int(style) if style.isdecimal() else None,
                attributes.get("spans", ""),
                first,
                self._next,
                blank,
            )
        )

    def _row_number(self, text: str | None) -> int:
        number = int(text) if text and text.isdecimal() else self._last_row + 1
        if number <= self._last_row:
            self._refuse(f"has row {number} after row {self._last_row}")
        self._last_row = number
        return number

    def _end_row(self, place: int) -> None:
        self._place = place
        self._depth -= 1
        self._listen_in_data()

    def _end_in_data(self, _name: str) -> None:
        self._depth -= 1
        if self._depth >= _DATA_DEPTH:
            return
        self._end_data(self._parser.CurrentByteIndex)
        self._listen_outside()

    def _end_data(self, place: int) -> None:
        rows = self._missing_rows(None)
        # Without any row the opening tag is still at hand, and may be the closing one too.
        if rows and self._place == self._data_start:
            tag_end = self._splicer.tag_end(self._data_start)
            tag = self._splicer.slice(self._data_start, tag_end)
            if tag.endswith(b"/>"):
                rows = tag[:-2].rstrip() + b">" + rows + f"</{self._prefix}sheetData>".encode()
                self._splicer.replace(self._data_start, tag_end, rows)
                rows = b""
        if rows:
            self._splicer.replace(place, place, rows)
        self._place = place

    def _missing_rows(self, before: int | None) -> bytes:
        """The plan's rows before that number (all that are left for None), none of which the sheet has."""
        rows: list[bytes] = []
        prefix = self._prefix
        while self._next < len(self._plan) and (before is None or self._plan.row(self._next) < before):
            first, self._next = self._next, self._plan.row_end(self._next)
            cells = self._editor.inserted(prefix, first, self._next, self._frame.column_style)
            if cells:
                number = self._plan.row(first)
                rows += (f'<{prefix}row r="{number}">'.encode(), cells, f"</{prefix}row>".encode())
        return b"".join(rows)

    def _refuse(self, what: str) -> Never:
        raise MergeRefused(f"{self._where} {what}; nothing was written")
