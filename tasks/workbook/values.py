"""A cell's value as SpreadsheetML: text is always text, dates are serial numbers, Excel's limits are kept.

Sources: ECMA-376-1, 18.3.1.4 c, 18.3.1.53 is, 22.9.2.19 ST_Xstring (the _xHHHH_ escape), 18.17.4.1 (dates);
Excel's limit of 32,767 characters a cell counts UTF-16 units (support.microsoft.com, "Excel specifications").
"""

import math
import re
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from tasks.workbook.model import CellValue, Formula

__all__ = ["Content", "Kind", "content_of", "content_xml", "date_serial", "encode_text", "escape"]

MOST_UNITS = 32_767
MOST_DIGITS = 10**15
LARGEST_NUMBER = 9.99999999999999e307
CUT_MARK = "…"

_SPECIAL = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_LONE = re.compile("[\ud800-\udfff]")
_EDGE_SPACE = re.compile(r"^[ \t\n]|[ \t\n]$|\n|  |\t")
_DAY = timedelta(days=1)


class Kind(Enum):
    """What a cell holds; the value is its t attribute (18.18.11 ST_CellType), None where there is none."""

    EMPTY = None
    NUMBER = "n"
    TEXT = "inlineStr"
    BOOLEAN = "b"
    FORMULA = "str"


class Content(NamedTuple):
    """A value ready to be written: text is the encoded value, formula the expression, dated marks a date's serial."""

    kind: Kind
    text: str = ""
    formula: str = ""
    dated: bool = False


def content_of(value: CellValue, *, date1904: bool) -> Content:
    """What to write for a value; never raises.

    Empty text empties the cell. NaN, infinities, numbers beyond Excel's range and integers of more than
    15 digits become text, so do dates before the workbook's day 0. Aware datetimes are taken in UTC.
    """
    if value is None or value == "":
        return Content(Kind.EMPTY)
    if isinstance(value, str):
        return Content(Kind.TEXT, encode_text(value))
    if isinstance(value, Formula):
        return Content(Kind.FORMULA, encode_text(value.cached), _plain(value.expression.removeprefix("=")))
    if isinstance(value, datetime):
        return _date_content(value, date1904)
    if isinstance(value, bool):
        return Content(Kind.BOOLEAN, str(int(value)))
    return _number_content(value)


def encode_text(text: str) -> str:
    """The text as ST_Xstring, not yet XML-escaped.

    Line ends become a line feed, characters that XML cannot hold become _xHHHH_, a literal _xHHHH_ is kept by
    escaping it, lone surrogates become U+FFFD, and text is cut at 32,767 UTF-16 units with "…" as its last.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # A character is at most two units, so only long texts have to be measured.
    if len(text) * 2 > MOST_UNITS:
        text = _cut(text)
    return _SPECIAL.sub(_escape_special, text) if _SPECIAL.search(text) else text


def date_serial(value: datetime, *, date1904: bool) -> float | None:
    """Days since the workbook's day 0, as a float; None for dates before it. Keeps Excel's 1900-02-29."""
    if date1904:
        days = (value - datetime(1904, 1, 1)) / _DAY  # noqa: DTZ001 - a cell has no time zone
        return days if days >= 0 else None
    days = (value - datetime(1899, 12, 31)) / _DAY  # noqa: DTZ001
    if days < 1:
        return None
    # Lotus counted a 29 February 1900; every later day is one more.
    return days + 1 if value >= datetime(1900, 3, 1) else days  # noqa: DTZ001


def content_xml(content: Content, prefix: str) -> str:
    """The children of the cell's element; prefix is the sheet's namespace prefix with its colon, or ""."""
    text = escape(content.text)
    if content.kind is Kind.TEXT:
        return f"<{prefix}is><{prefix}t{_space(content.text)}>{text}</{prefix}t></{prefix}is>"
    if content.kind is Kind.FORMULA:
        formula = f"<{prefix}f{_space(content.formula)}>{escape(content.formula)}</{prefix}f>"
        return f"{formula}<{prefix}v{_space(content.text)}>{text}</{prefix}v>"
    return f"<{prefix}v>{text}</{prefix}v>" if content.kind is not Kind.EMPTY else ""


def escape(text: str) -> str:
    """The text as XML character data."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text or ">" in text:
        text = text.replace("<", "&lt;").replace(">", "&gt;")
    return text


def _space(text: str) -> str:
    return ' xml:space="preserve"' if _EDGE_SPACE.search(text) else ""


def _date_content(value: datetime, date1904: bool) -> Content:
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    serial = date_serial(value, date1904=date1904)
    if serial is None:
        return Content(Kind.TEXT, value.isoformat(" ", "seconds"))
    return Content(Kind.NUMBER, _number_text(serial), dated=True)


def _number_content(value: float) -> Content:
    if isinstance(value, int):
        return Content(Kind.NUMBER if abs(value) < MOST_DIGITS else Kind.TEXT, _integer_text(value))
    if not math.isfinite(value) or abs(value) > LARGEST_NUMBER:
        return Content(Kind.TEXT, repr(value))
    return Content(Kind.NUMBER, _number_text(value))


def _integer_text(value: int) -> str:
    # Python refuses to print integers of more than 4,300 digits; a cell could not hold them anyway.
    return str(value) if value.bit_length() < MOST_UNITS // 8 else hex(value)[:MOST_UNITS]


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < MOST_DIGITS else repr(value)


def _escape_special(match: re.Match[str]) -> str:
    character = match[0]
    if character == "_":
        return "_x005F_"
    return "\ufffd" if "\ud800" <= character <= "\udfff" else f"_x{ord(character):04X}_"


def _cut(text: str) -> str:
    text = _LONE.sub("\ufffd", text)
    units = text.encode("utf-16-le")
    if len(units) <= MOST_UNITS * 2:
        return text
    # "ignore" drops the first half of a pair that the cut would tear.
    return units[: (MOST_UNITS - 1) * 2].decode("utf-16-le", "ignore") + CUT_MARK


def _plain(expression: str) -> str:
    """A formula's own text: characters that XML cannot hold have no meaning in it and are dropped."""
    return _SPECIAL.sub(lambda match: match[0] if match[0] == "_" else "", expression)
