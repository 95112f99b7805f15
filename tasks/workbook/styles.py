"""The styles part: new cell formats are appended as clones, those that are there never change.

Sources: ECMA-376-1, 18.8 (styles), 18.8.39 styleSheet for the order of its children. Excel refuses workbooks
with more than about 64,000 cell formats (support.microsoft.com, "Excel specifications and limits").
"""

import re
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from tasks.errors import MergeRefused
from tasks.workbook import fontsandfills as raw
from tasks.workbook.model import CellStyle
from tasks.workbook.numberformats import BUILTIN_CODES, FIRST_CUSTOM_ID, is_date_code, is_date_id
from tasks.workbook.xmltree import MAIN, Edit, Element, apply_edits, parse, prefix_of, set_attribute

__all__ = ["EMPTY_STYLES", "GROWING_SECTIONS", "MOST_FORMATS", "StyleBook"]

MOST_FORMATS = 64_000
DATE_CODE = "yyyy-mm-dd h:mm:ss"
ITEM_NAMES = {
    "numFmts": "numFmt",
    "fonts": "font",
    "fills": "fill",
    "borders": "border",
    "cellStyleXfs": "xf",
    "cellXfs": "xf",
}
GROWING_SECTIONS = frozenset({"numFmts", "fonts", "fills", "cellXfs"})
RESERVED_FILLS = ("none", "gray125")

EMPTY_STYLES = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    f'<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
).encode()
"""The smallest styles part that Excel accepts, for workbooks that have none."""

_COLOUR = re.compile(r"[0-9A-Fa-f]{6}")
_PLAIN = CellStyle()


class _Section:
    """One list of the part: the items there are, and those to be appended."""

    def __init__(self, data: bytes, root: Element, name: str) -> None:
        self.name = name
        self.data = data
        self.prefix = prefix_of(data, root.start)
        self.element = root.first(name)
        self.items = list(self.element.all(ITEM_NAMES[name])) if self.element else []
        self.added: list[bytes] = []
        self._known: dict[bytes, int] = {}
        for index, item in enumerate(self.items):
            self._known.setdefault(data[item.start : item.end], index)

    def __len__(self) -> int:
        return len(self.items) + len(self.added)

    def index_of(self, item: bytes) -> int:
        """The place of that item, appended if it is new."""
        found = self._known.get(item)
        if found is None:
            found = self._known[item] = len(self)
            self.added.append(item)
        return found

    def edits(self, insert_at: int) -> Iterator[Edit]:
        """What to change in the part so that it holds the appended items."""
        if not self.added:
            return
        content = b"".join(self.added)
        name = f"{self.prefix}{self.name}"
        if self.element is None:
            whole = f'<{name} count="{len(self)}">'.encode() + content + f"</{name}>".encode()
            yield insert_at, insert_at, whole
            return
        element = self.element
        tag = set_attribute(self.data[element.start : element.open_end], "count", str(len(self)))
        if element.is_empty_tag:
            yield element.start, element.end, tag[:-2].rstrip() + b">" + content + f"</{name}>".encode()
            return
        yield element.start, element.open_end, tag
        yield element.close_start, element.close_start, content


class StyleBook:
    """The cell formats of one workbook; data is the styles part as UTF-8, where names it in messages.

    resolve() appends what is missing; to_bytes() gives the part with the appended items.
    """

    def __init__(self, data: bytes, where: str) -> None:
        self._data = data
        self._where = where
        self._root = parse(data, where)
        self._sections = {name: _Section(data, self._root, name) for name in ITEM_NAMES}
        self._formats = self._sections["cellXfs"]
        self._prefix = self._formats.prefix
        self._resolved: dict[tuple[int, CellStyle, bool], int] = {}
        self._codes = dict(self._read_codes())

    @property
    def changed(self) -> bool:
        """True once something had to be appended."""
        return any(section.added for section in self._sections.values())

    def resolve(self, base: int, style: CellStyle | None, *, dated: bool) -> int:
        """The index of the cell format base with that style on top; dated asks for a date format if it has none.

        The same answer is given for the same question, and base itself where nothing has to change.
        ValueError for a colour that is not RRGGBB; MergeRefused where base does not exist or the workbook would
        pass 64,000 cell formats.
        """
        if style is None and not dated:
            return base
        question = (base, style or _PLAIN, dated)
        answer = self._resolved.get(question)
        if answer is None:
            answer = self._resolved[question] = self._derive(*question)
        return answer

    def to_bytes(self) -> bytes:
        """The part with everything appended; every byte that was there stays, but the counts."""
        edits: list[Edit] = []
        insert_at = self._root.open_end
        for name in ITEM_NAMES:
            section = self._sections[name]
            edits += section.edits(insert_at)
            insert_at = section.element.end if section.element else insert_at
        return apply_edits(self._data, edits)

    def _derive(self, base: int, style: CellStyle, dated: bool) -> int:
        wrong = next((colour for colour in (style.fill, style.font) if colour and not _COLOUR.fullmatch(colour)), None)
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no colour of the form RRGGBB")
        cell_format = self._format(base)
        changes: dict[str, str] = {}
        self._change_fill(cell_format, style, changes)
        self._change_font(cell_format, style, changes)
        self._change_number_format(cell_format, style, dated, changes)
        wrap = style.wrap if style.wrap != raw.is_wrapped(cell_format) else None
        if not changes and wrap is None:
            return base
        index = self._formats.index_of(raw.format_with(self._data, cell_format, changes, wrap))
        if index >= MOST_FORMATS:
            raise MergeRefused(
                f"{self._where} would hold more than {MOST_FORMATS} cell formats; remove unused formats in Excel"
            )
        return index

    def _format(self, index: int) -> Element:
        if index < len(self._formats.items):
            return self._formats.items[index]
        raise MergeRefused(
            f"{self._where} has no cell format {index} though a cell uses it; open the file in Excel and save it again"
        )

    def _item(self, section: str, cell_format: Element, attribute: str) -> Element | None:
        items, index = self._sections[section].items, cell_format.get(attribute, "0")
        return items[int(index)] if index.isdecimal() and int(index) < len(items) else None

    def _change_fill(self, cell_format: Element, style: CellStyle, changes: dict[str, str]) -> None:
        if style.fill is None:
            return
        colour, present = style.fill.upper(), self._item("fills", cell_format, "fillId")
        if present is None or raw.fill_colour(present) != colour:
            fills = self._sections["fills"]
            # Excel takes the first two fills for these, whatever the part says (18.8.20).
            for pattern in RESERVED_FILLS[len(fills) :]:
                fills.index_of(raw.pattern_fill(self._prefix, pattern))
            index = fills.index_of(raw.solid_fill(self._prefix, colour))
            changes |= {"fillId": str(index), "applyFill": "1"}

    def _change_font(self, cell_format: Element, style: CellStyle, changes: dict[str, str]) -> None:
        colour = style.font.upper() if style.font else None
        present = self._item("fonts", cell_format, "fontId")
        if present is None:
            if colour or style.bold:
                raise MergeRefused(
                    f"{self._where} lacks the font a cell uses; open the file in Excel and save it again"
                )
            return
        same_colour = colour is None or raw.font_colour(present) == colour
        if same_colour and style.bold in (None, raw.font_bold(present)):
            return
        index = self._sections["fonts"].index_of(raw.font_with(self._data, present, colour, style.bold))
        changes |= {"fontId": str(index), "applyFont": "1"}

    def _change_number_format(
        self, cell_format: Element, style: CellStyle, dated: bool, changes: dict[str, str]
    ) -> None:
        present = cell_format.get("numFmtId", "0")
        number = int(present) if present.isdecimal() else 0
        code = style.number_format
        if code is None:
            custom = self._codes.get(number)
            is_date = is_date_code(custom) if custom is not None else is_date_id(number)
            code = DATE_CODE if dated and not is_date else None
        if code is not None and code != self._codes.get(number, BUILTIN_CODES.get(number)):
            changes |= {"numFmtId": str(self._number_format_id(code)), "applyNumberFormat": "1"}

    def _number_format_id(self, code: str) -> int:
        known = {text: identifier for identifier, text in (BUILTIN_CODES | self._codes).items()}
        if code in known:
            return known[code]
        identifier = max([FIRST_CUSTOM_ID - 1, *self._codes]) + 1
        self._codes[identifier] = code
        item = f'<{self._prefix}numFmt numFmtId="{identifier}" formatCode={quoteattr(code)}/>'
        self._sections["numFmts"].index_of(item.encode())
        return identifier

    def _read_codes(self) -> Iterator[tuple[int, str]]:
        for item in self._sections["numFmts"].items:
            if item.get("numFmtId").isdecimal():
                yield int(item.get("numFmtId")), item.get("formatCode")
