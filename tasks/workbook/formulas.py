"""Moving a formula's relative references, as a shared formula does from cell to cell (ECMA-376-1, 18.3.1.40 f)."""

import re
from collections.abc import Callable
from functools import partial

from tasks.workbook.areas import LAST_COLUMN, LAST_ROW, column_letters, column_number

__all__ = ["shift_formula"]

_TOKEN = re.compile(
    r"""
      "(?:[^"]|"")*"                                    # text
    | '(?:[^']|'')*'                                    # quoted sheet name
    | \[(?:[^\[\]]|\[[^\[\]]*\])*\]                     # structured reference or file number
    | \#[A-Za-z0-9/]+[!?]?                              # error value
    | (?P<cell>\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6})(?![\w(.!\[])
    | (?P<columns>\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3})(?![\w(.!])
    | (?P<rows>\$?[1-9]\d{0,6}:\$?[1-9]\d{0,6})(?![\w(.!])
    | [^\W\d][\w.?\\]*                                  # function or name
    | \d+(?:\.\d*)?(?:[eE][+-]?\d+)?                    # number
    """,
    re.VERBOSE,
)
_CELL = re.compile(r"(\$?)([A-Za-z]{1,3})(\$?)(\d{1,7})")
OUTSIDE = "#REF!"


def shift_formula(formula: str, rows: int, columns: int) -> str:
    """The formula as it reads that many rows lower and columns further right; negative numbers move up and left.

    Texts, names, functions, structured references and $-fixed parts stay; a reference that leaves the sheet
    becomes #REF!.
    """
    return _TOKEN.sub(partial(_shift, rows=rows, columns=columns), formula)


def _shift(match: re.Match[str], *, rows: int, columns: int) -> str:
    if match["cell"]:
        return _shift_cell(match["cell"], rows, columns)
    if match["columns"]:
        return _shift_pair(match["columns"], partial(_shift_column, columns=columns))
    if match["rows"]:
        return _shift_pair(match["rows"], partial(_shift_row, rows=rows))
    return match[0]


def _shift_cell(text: str, rows: int, columns: int) -> str:
    parts = _CELL.fullmatch(text)
    if parts is None or not _is_column(parts[2]):
        return text
    column = _shift_column(parts[1] + parts[2], columns=columns)
    row = _shift_row(parts[3] + parts[4], rows=rows)
    return OUTSIDE if OUTSIDE in (column, row) else column + row


def _shift_pair(text: str, shift: Callable[[str], str]) -> str:
    first, _, second = text.partition(":")
    if not all(part.strip("$").isdecimal() or _is_column(part.strip("$")) for part in (first, second)):
        return text
    moved = shift(first), shift(second)
    return OUTSIDE if OUTSIDE in moved else ":".join(moved)


def _shift_column(text: str, *, columns: int) -> str:
    if text.startswith("$"):
        return text
    number = column_number(text) + columns
    return column_letters(number) if 1 <= number <= LAST_COLUMN else OUTSIDE


def _is_column(letters: str) -> bool:
    """False for three letters beyond XFD: ZZZ1 is a name, not a cell."""
    try:
        return column_number(letters) > 0
    except ValueError:
        return False


def _shift_row(text: str, *, rows: int) -> str:
    if text.startswith("$"):
        return text
    number = int(text) + rows
    return str(number) if 1 <= number <= LAST_ROW else OUTSIDE
