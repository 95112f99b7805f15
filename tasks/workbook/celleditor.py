"""The decision about each target cell: leave it, change its format only, or give it new content."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.errors import MergeRefused
from tasks.workbook.areas import cell_key, cell_name
from tasks.workbook.cells import ExistingCell, TextLookup, holds, new_cell, plain_cell, rewritten_cell, with_style
from tasks.workbook.model import KEEP, CellUpdate
from tasks.workbook.plan import Findings, Plan
from tasks.workbook.sharedformulas import SharedGroups
from tasks.workbook.splicer import Splicer
from tasks.workbook.styles import StyleBook
from tasks.workbook.values import Content, Kind, content_of
from tasks.workbook.xmltree import Edit, apply_edits, tag_end

__all__ = ["CellEditor", "WritingContext"]

MOST_FORMULA_CHARACTERS = 8_192


@dataclass(frozen=True, slots=True)
class WritingContext:
    """What the pass over a sheet needs from the workbook; where names file and sheet in messages."""

    styles: StyleBook
    strings: TextLookup
    date1904: bool
    where: str


class CellEditor:
    """Makes the new bytes of the plan's cells and notes in the findings which really change."""

    def __init__(
        self, plan: Plan, context: WritingContext, splicer: Splicer, groups: SharedGroups, findings: Findings
    ) -> None:
        self._plan = plan
        self._context = context
        self._splicer = splicer
        self._groups = groups
        self._findings = findings

    def inserted(self, prefix: str, first: int, last: int, style_of: Callable[[int], int]) -> bytes:
        """The cells of the plan's places first to last, none of which is in the sheet; style_of maps a column."""
        return b"".join(self._insert(prefix, index, style_of) for index in range(first, last))

    def edited(self, prefix: str, cell: ExistingCell, end: int, index: int) -> bytes | None:
        """The new bytes of an existing cell, None where nothing has to change; the cell's old bytes end at end."""
        update = self._plan.update(index)
        if update.value is KEEP:
            return self._restyled(cell, end, self._context.styles.resolve(cell.style, update.style, dated=False))
        content = self._content(update)
        style = self._context.styles.resolve(cell.style, update.style, dated=content.dated)
        if holds(cell, content, self._context.strings, date1904=self._context.date1904):
            return self._restyled(cell, end, style)
        self._note(cell, content)
        plain = plain_cell(prefix, cell, style, content)
        return rewritten_cell(self._splicer.slice(cell.start, end), cell, style, content) if plain is None else plain

    def _restyled(self, cell: ExistingCell, end: int, style: int) -> bytes | None:
        edits: list[Edit] = []
        if style == cell.style and not cell.promote:
            return None
        raw = self._splicer.slice(cell.start, end)
        if style != cell.style:
            self._findings.changed.append(cell_key(cell.row, cell.column))
            length = tag_end(raw, 0)
            edits.append((0, length, with_style(raw[:length], style)))
        if cell.promote and cell.shared_index is not None:
            start, stop = cell.formula_start - cell.start, cell.formula_end - cell.start
            tag = raw[start : tag_end(raw, start)]
            edits.append((start, stop, self._groups.promote(tag, cell.shared_index, cell.row, cell.column)))
        return apply_edits(raw, edits)

    def _insert(self, prefix: str, index: int, style_of: Callable[[int], int]) -> bytes:
        update = self._plan.update(index)
        content = self._content(update)
        row, column = self._plan.row(index), self._plan.column(index)
        base = style_of(column)
        style = self._context.styles.resolve(base, update.style, dated=content.dated)
        if content.kind is Kind.EMPTY and style == base:
            return b""
        self._findings.changed.append(self._plan.keys[index])
        self._findings.contents_changed |= content.kind is not Kind.EMPTY
        self._findings.formulas_written += content.kind is Kind.FORMULA
        return new_cell(prefix, cell_name(row, column), style, content)

    def _content(self, update: CellUpdate) -> Content:
        value = None if update.value is KEEP else update.value
        content = content_of(value, date1904=self._context.date1904)
        if len(content.formula) > MOST_FORMULA_CHARACTERS:
            cell = f"{update.column}{update.row}"
            raise MergeRefused(f"{self._context.where}!{cell}: the formula is longer than Excel's 8,192 characters")
        return content

    def _note(self, cell: ExistingCell, content: Content) -> None:
        key = cell_key(cell.row, cell.column)
        self._findings.changed.append(key)
        self._findings.contents_changed = True
        is_formula = content.kind is Kind.FORMULA
        self._findings.formulas_written += is_formula
        if cell.formula_attributes is not None:
            self._groups.overwritten(cell)
            if not is_formula:
                self._findings.formulas_gone.append(key)
