"""One cell of the sheet: what it holds now, whether that is already what is wanted, and its new bytes.

Source: ECMA-376-1, 18.3.1.4 c and 18.3.1.40 f.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tasks.workbook.areas import Area, area_of
from tasks.workbook.formulas import shift_formula
from tasks.workbook.values import Content, Kind, content_xml, date_serial, escape
from tasks.workbook.xmltree import prefix_of, set_attribute, tag_attributes, tag_end

__all__ = [
    "ExistingCell",
    "SharedMaster",
    "TextLookup",
    "holds",
    "new_cell",
    "promoted",
    "rewritten_cell",
    "with_style",
]

DATE_TOLERANCE = 1e-8
"""Days; about a millisecond, Excel's own precision."""

_VALUE_ATTRIBUTES = frozenset({"t", "s", "cm", "vm", "ph"})
_PLAIN_ATTRIBUTES = frozenset({"r", "s", "t"})
_TEXT_TYPES = frozenset({"s", "inlineStr", "str"})


class TextLookup(Protocol):
    """What can tell whether the shared string of an index is a given text."""

    def holds(self, index: str, text: str) -> bool:
        """True where it is exactly that text."""


@dataclass(slots=True)
class ExistingCell:
    """A cell as the parser meets it: attributes as written, text that of <v> or of an inline string.

    formula is the text of <f>, with formula_attributes None where the cell has no formula at all.
    Byte places count from the sheet's beginning; 0 where there is no such element. promote is set where the
    cell's shared formula has lost its first cell, has_children where anything stands in it.
    """

    row: int
    column: int
    start: int
    attributes: dict[str, str]
    text: str = ""
    formula: str = ""
    formula_attributes: dict[str, str] | None = None
    formula_start: int = 0
    formula_end: int = 0
    extension_start: int = 0
    extension_end: int = 0
    promote: bool = False
    has_children: bool = False

    @property
    def style(self) -> int:
        """The cell's format index; 0 where none is stated."""
        text = self.attributes.get("s", "0")
        return int(text) if text.isdecimal() else 0

    @property
    def kind(self) -> str:
        """The t attribute, "n" where none is stated."""
        return self.attributes.get("t", "n")

    @property
    def is_blank(self) -> bool:
        """True where nothing but a format is there."""
        return self.formula_attributes is None and not self.text.strip()

    @property
    def shared_index(self) -> str | None:
        """The group of a shared formula, None for any other cell."""
        attributes = self.formula_attributes or {}
        return attributes.get("si") if attributes.get("t") == "shared" else None


@dataclass(frozen=True, slots=True)
class SharedMaster:
    """The first cell of a shared formula: its text, its place and the area of the group."""

    formula: str
    row: int
    column: int
    area: Area

    def at(self, row: int, column: int) -> str:
        """The formula as it reads in another cell of the group."""
        return shift_formula(self.formula, row - self.row, column - self.column)

    def area_from(self, row: int, column: int) -> Area:
        """What remains of the group's area when this cell becomes its first."""
        area = self.area
        left = column if row == area.bottom else area.left
        return Area(row, left, max(row, area.bottom), max(column, area.right))


def master_of(cell: ExistingCell) -> SharedMaster | None:
    """The shared formula that begins in this cell, or None; a group without a readable area spans the one cell."""
    attributes = cell.formula_attributes or {}
    if attributes.get("t") != "shared" or "ref" not in attributes:
        return None
    try:
        area = area_of(attributes["ref"])
    except ValueError:
        area = Area(cell.row, cell.column, cell.row, cell.column)
    return SharedMaster(cell.formula, cell.row, cell.column, area)


def holds(cell: ExistingCell, content: Content, strings: TextLookup, *, date1904: bool) -> bool:
    """True where the cell already has exactly that content, whatever the way it is written."""
    if content.kind is Kind.FORMULA:
        return _holds_formula(cell, content)
    if cell.formula_attributes is not None:
        return False
    if content.kind is Kind.EMPTY:
        return not cell.text or (cell.kind == "s" and strings.holds(cell.text, ""))
    if content.kind is Kind.TEXT:
        return _holds_text(cell, content.text, strings)
    if content.kind is Kind.BOOLEAN:
        return cell.kind == "b" and cell.text.strip() == content.text
    return _holds_number(cell, content, date1904)


def _holds_formula(cell: ExistingCell, content: Content) -> bool:
    attributes = cell.formula_attributes
    if attributes is None or attributes.get("t", "normal") != "normal" or cell.kind != "str":
        return False
    return cell.formula == content.formula and cell.text == content.text


def _holds_text(cell: ExistingCell, text: str, strings: TextLookup) -> bool:
    if cell.kind == "s":
        return strings.holds(cell.text, text)
    return cell.kind in _TEXT_TYPES and cell.text == text


def _holds_number(cell: ExistingCell, content: Content, date1904: bool) -> bool:
    try:
        if cell.kind == "d":
            # Strict files may hold ISO 8601 dates (18.18.11).
            present = date_serial(datetime.fromisoformat(cell.text.strip()).replace(tzinfo=None), date1904=date1904)
        else:
            present = float(cell.text) if cell.kind == "n" else None
    except ValueError:
        return False
    if present is None:
        return False
    wanted = float(content.text)
    return abs(present - wanted) < DATE_TOLERANCE if content.dated else present == wanted


def new_cell(prefix: str, name: str, style: int, content: Content) -> bytes:
    """A whole new cell; prefix is the sheet's namespace prefix with its colon, or ""."""
    attributes = f' r="{name}"{_style_and_type(style, content.kind)}'
    return _element(f"{prefix}c", attributes, content_xml(content, prefix))


def plain_cell(prefix: str, cell: ExistingCell, style: int, content: Content) -> bytes | None:
    """The cell with new content and format; None where it has more than a name, a format and a type to be kept."""
    if cell.extension_end or not cell.attributes.keys() <= _PLAIN_ATTRIBUTES:
        return None
    name = cell.attributes.get("r")
    attributes = _style_and_type(style, content.kind)
    return _element(f"{prefix}c", f' r="{name}"{attributes}' if name else attributes, content_xml(content, prefix))


def rewritten_cell(raw: bytes, cell: ExistingCell, style: int, content: Content) -> bytes:
    """The cell with new content and format; other attributes and its extension list stay as they are.

    raw is the whole cell. Metadata that describes the old value (cm, vm) and its phonetic flag (ph) go.
    """
    prefix = prefix_of(raw, 0)
    kept = "".join(
        f" {name}={found[2].decode()}"
        for name, found in tag_attributes(raw[: tag_end(raw, 0)])
        if name not in _VALUE_ATTRIBUTES
    )
    extension = raw[cell.extension_start - cell.start : cell.extension_end - cell.start].decode()
    attributes = kept + _style_and_type(style, content.kind)
    return _element(f"{prefix}c", attributes, content_xml(content, prefix) + extension)


def with_style(tag: bytes, style: int) -> bytes:
    """The cell's opening tag with that format."""
    return set_attribute(tag, "s", str(style))


def promoted(tag: bytes, master: SharedMaster, row: int, column: int) -> bytes:
    """A dependent's formula element as the group's new first cell; tag is its present opening tag."""
    name = f"{prefix_of(tag, 0)}f"
    opening = set_attribute(tag, "ref", str(master.area_from(row, column))).removesuffix(b">").removesuffix(b"/")
    return opening.rstrip() + f">{escape(master.at(row, column))}</{name}>".encode()


def _style_and_type(style: int, kind: Kind) -> str:
    style_text = f' s="{style}"' if style else ""
    return style_text if kind in (Kind.EMPTY, Kind.NUMBER) else f'{style_text} t="{kind.value}"'


def _element(name: str, attributes: str, content: str) -> bytes:
    return (f"<{name}{attributes}>{content}</{name}>" if content else f"<{name}{attributes}/>").encode()
