"""Cells and ranges in A1 notation as numbers: rows and columns count from 1 (ECMA-376-1, 18.18.62 ST_Ref)."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = [
    "LAST_COLUMN",
    "LAST_ROW",
    "Area",
    "area_of",
    "areas_of",
    "cell_key",
    "cell_name",
    "column_letters",
    "column_number",
    "first_key_inside",
    "key_name",
]

LAST_ROW = 1_048_576
LAST_COLUMN = 16_384
_LETTERS = 26

_CORNER = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d{1,7})?")
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?([1-9]\d{0,6})")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells, all four edges included."""

    top: int
    left: int
    bottom: int
    right: int

    def __str__(self) -> str:
        first = cell_name(self.top, self.left)
        return first if self.is_cell else f"{first}:{cell_name(self.bottom, self.right)}"

    @property
    def is_cell(self) -> bool:
        """True for a single cell."""
        return self.top == self.bottom and self.left == self.right

    def meets(self, other: "Area") -> bool:
        """True where both have a cell in common."""
        rows = self.top <= other.bottom and other.top <= self.bottom
        return rows and self.left <= other.right and other.left <= self.right

    def around(self, other: "Area") -> "Area":
        """The smallest rectangle that holds both."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        return Area(top, left, max(self.bottom, other.bottom), max(self.right, other.right))

    def down_to(self, row: int) -> "Area":
        """The same columns, ending at that row."""
        return Area(self.top, self.left, row, self.right)


@lru_cache(maxsize=1 << 10)
def column_number(letters: str) -> int:
    """ "A" is 1, "XFD" 16384; ValueError for anything that is no column."""
    number = 0
    for letter in letters.upper():
        if not "A" <= letter <= "Z":
            raise ValueError(f"{letters!r} is no column")
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    if not 1 <= number <= LAST_COLUMN:
        raise ValueError(f"{letters!r} is no column")
    return number


@lru_cache(maxsize=1 << 10)
def column_letters(number: int) -> str:
    """1 is "A"."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """Row 5, column 3 is "C5"."""
    return f"{column_letters(column)}{row}"


def cell_key(row: int, column: int) -> int:
    """One number per cell that sorts by row, then column."""
    return row * (LAST_COLUMN + 1) + column


def key_name(key: int) -> str:
    """The cell's name from its key."""
    return cell_name(*divmod(key, LAST_COLUMN + 1))


def cell_of(reference: str) -> tuple[int, int]:
    """Row and column of "C5" or "$C$5"; ValueError otherwise."""
    match = _CELL.fullmatch(reference)
    if match is None or int(match[2]) > LAST_ROW:
        raise ValueError(f"{reference!r} is no cell")
    return int(match[2]), column_number(match[1])


def area_of(reference: str) -> Area:
    """The rectangle of "A3:H12", "B7", "A:C" or "3:5", dollar signs allowed; ValueError otherwise."""
    first, _, second = reference.partition(":")
    start, end = _corner(first), _corner(second or first)
    whole = (start[0] is None) != (end[0] is None) or (start[1] is None) != (end[1] is None)
    if whole or start == (None, None) or (not second and None in start):
        raise ValueError(f"{reference!r} is no range")
    rows = sorted((start[0] or 1, end[0] or LAST_ROW))
    columns = sorted((start[1] or 1, end[1] or LAST_COLUMN))
    return Area(rows[0], columns[0], rows[1], columns[1])


def areas_of(references: str) -> Iterator[Area]:
    """Every rectangle of a space-separated list (18.18.76 ST_Sqref)."""
    return map(area_of, references.split())


def _corner(text: str) -> tuple[int | None, int | None]:
    match = _CORNER.fullmatch(text)
    if match is None or (match[2] and not 1 <= int(match[2]) <= LAST_ROW):
        raise ValueError(f"{text!r} is no cell")
    return (int(match[2]) if match[2] else None), (column_number(match[1]) if match[1] else None)


def first_key_inside(area: Area, keys: Sequence[int]) -> int | None:
    """The first of the ascending cell keys that lies in the area, or None."""
    position = bisect_left(keys, cell_key(area.top, area.left))
    while position < len(keys):
        row, column = divmod(keys[position], LAST_COLUMN + 1)
        if row > area.bottom:
            return None
        if area.left <= column <= area.right:
            return keys[position]
        # Past the right edge the next candidate is in the next row; before the left edge, in this one.
        next_row = row if column < area.left else row + 1
        position = bisect_left(keys, cell_key(next_row, area.left), position + 1)
    return None
