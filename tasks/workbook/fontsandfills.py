"""Fonts, fills, alignments and cell formats of styles.xml as raw bytes with one thing changed.

A clone keeps every byte of its original but the attribute or child asked for. Child order: ECMA-376-1,
18.8.22 font, 18.8.20 fill, 18.8.45 xf. Colours are RRGGBB.
"""

from tasks.workbook.xmltree import Edit, Element, apply_edits, prefix_of, set_attribute

__all__ = [
    "fill_colour",
    "font_bold",
    "font_colour",
    "font_with",
    "format_with",
    "is_wrapped",
    "pattern_fill",
    "solid_fill",
]

_BEFORE_COLOUR = ("b", "i", "strike", "condense", "extend", "outline", "shadow", "u", "vertAlign", "sz")
_FALSE = ("0", "false", "off")


def fill_colour(fill: Element) -> str | None:
    """The colour of a solid fill, None for every other kind of fill and for theme colours."""
    pattern = fill.first("patternFill")
    if pattern is None or pattern.get("patternType") != "solid":
        return None
    return _colour(pattern.first("fgColor"))


def font_colour(font: Element) -> str | None:
    """The font's own colour, None for theme or automatic colours."""
    return _colour(font.first("color"))


def font_bold(font: Element) -> bool:
    """True where the font is bold."""
    bold = font.first("b")
    return bold is not None and bold.get("val", "1") not in _FALSE


def is_wrapped(cell_format: Element | None) -> bool:
    """True where the cell format wraps its text."""
    alignment = cell_format.first("alignment") if cell_format else None
    return alignment is not None and alignment.get("wrapText", "0") not in _FALSE


def pattern_fill(prefix: str, pattern: str) -> bytes:
    """A fill without colours of that pattern type."""
    return f'<{prefix}fill><{prefix}patternFill patternType="{pattern}"/></{prefix}fill>'.encode()


def solid_fill(prefix: str, colour: str) -> bytes:
    """A solid fill as Excel writes it; prefix is the part's namespace prefix with its colon, or ""."""
    p = prefix
    return (
        f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="FF{colour}"/>'
        f'<{p}bgColor indexed="64"/></{p}patternFill></{p}fill>'
    ).encode()


def font_with(data: bytes, font: Element, colour: str | None, bold: bool | None) -> bytes:
    """The font's bytes with that colour and weight; None keeps what is there."""
    prefix = prefix_of(data, font.start)
    edits: list[Edit] = []
    inner = b""
    if bold is not None and bold != font_bold(font):
        edits += [(old.start, old.end, b"") for old in font.all("b")]
        inner = f"<{prefix}b/>".encode() if bold else b""
    head, before_colour = inner, b""
    if colour is not None and colour != font_colour(font):
        edits += [(old.start, old.end, b"") for old in font.all("color")]
        before_colour = f'<{prefix}color rgb="FF{colour}"/>'.encode()
    if font.is_empty_tag:
        return _opened(data, font, head + before_colour)
    edits.append((font.open_end, font.open_end, head))
    place = max([child.end for child in font.children if child.name in _BEFORE_COLOUR], default=font.open_end)
    edits.append((place, place, before_colour))
    return _cut_out(data, font, edits)


def format_with(data: bytes, cell_format: Element, attributes: dict[str, str], wrap: bool | None) -> bytes:
    """The cell format's bytes with those attributes set and, unless wrap is None, its text wrapped or not."""
    tag = data[cell_format.start : cell_format.open_end]
    for name, value in attributes.items():
        tag = set_attribute(tag, name, value)
    if wrap is None:
        return tag + data[cell_format.open_end : cell_format.end]
    tag = set_attribute(tag, "applyAlignment", "1")
    alignment = cell_format.first("alignment")
    if alignment is not None:
        old = data[alignment.start : alignment.open_end]
        new = set_attribute(old, "wrapText", str(int(wrap)))
        return tag + data[cell_format.open_end : alignment.start] + new + data[alignment.open_end : cell_format.end]
    prefix = prefix_of(data, cell_format.start)
    new = f'<{prefix}alignment wrapText="{int(wrap)}"/>'.encode()
    if cell_format.is_empty_tag:
        return tag[:-2].rstrip() + b">" + new + f"</{prefix}xf>".encode()
    return tag + new + data[cell_format.open_end : cell_format.end]


def _colour(element: Element | None) -> str | None:
    # A tint makes another colour of it, and alpha is ignored by Excel.
    if element is None or element.get("tint", "0").strip("0.") or "rgb" not in element.attributes:
        return None
    return element.get("rgb")[-6:].upper()


def _opened(data: bytes, element: Element, content: bytes) -> bytes:
    tag = data[element.start : element.open_end]
    name = prefix_of(data, element.start) + element.name
    return tag[:-2].rstrip() + b">" + content + f"</{name}>".encode()


def _cut_out(data: bytes, element: Element, edits: list[Edit]) -> bytes:
    start = element.start
    return apply_edits(data[start : element.end], [(first - start, last - start, new) for first, last, new in edits])
