"""How far a sheet reaches, told before it is loaded.

python-calamine holds a sheet as one dense rectangle of 32 bytes a cell, so a single stray value in the last cell
of Excel's grid asks for 512 GiB and aborts the process. The sheet's bytes are looked through first.
"""

import re
from collections.abc import Iterable
from xml.parsers import expat

from tasks.errors import InputError
from tasks.workbook.headers import column_index, column_letter
from tasks.workbook.package import Package, Sheet
from tasks.workbook.xmltree import safe_parser

__all__ = ["MAX_CELLS", "Extent", "check_extent", "looks_far", "measure"]

MAX_CELLS = 10_500_000
"""Rows times columns up to the last value: about 330 MB in memory, 450,000 rows of the standard layout."""

# The leading letter lets re skip ahead four times as fast as a class would; the look-behind makes up for it.
_FAR = re.compile(rb"r(?<=\sr)\s*=\s*[\"'](?!(?:[A-C]?[A-Z])?[0-9]{1,5}[\"'])")
"""A row's or cell's own reference that is not within CZ99999, and so perhaps beyond MAX_CELLS."""

_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,18})")


class Extent:
    """The last row and the last column (from 1) that hold a value, and a cell of each; 0 and "" without any."""

    def __init__(self) -> None:
        self.last_row = 0
        self.last_column = 0
        self.lowest = ""
        self.rightmost = ""
        self._row = 0
        self._column = 0

    @property
    def cells(self) -> int:
        """Rows times columns: what loading the sheet costs."""
        return self.last_row * self.last_column

    def start_element(self, name: str, attributes: dict[str, str]) -> None:
        """Follow rows and cells, with or without own references; only content counts (ECMA-376-1, 18.3.1.4)."""
        local = name.rpartition(" ")[2]
        if local == "row":
            self._row, self._column = int(attributes.get("r", self._row + 1)), 0
        elif local == "c":
            self._place(attributes.get("r"))
        elif local in ("v", "is"):
            self._count()

    def _place(self, reference: str | None) -> None:
        if reference is None:
            self._column += 1
            return
        found = _REFERENCE.fullmatch(reference)
        if not found:
            raise ValueError(f"cell reference {reference[:20]}")
        self._column, self._row = column_index(found[1]) + 1, int(found[2])

    def _count(self) -> None:
        if self._row > self.last_row:
            self.last_row, self.lowest = self._row, self._here()
        if self._column > self.last_column:
            self.last_column, self.rightmost = self._column, self._here()

    def _here(self) -> str:
        return f"{column_letter(self._column - 1)}{self._row}"


def check_extent(package: Package, sheet: Sheet) -> None:
    """InputError, naming the outermost cells, for a sheet that reaches too far to be loaded (MAX_CELLS)."""
    if not looks_far(package.stream(sheet.part)):
        return
    extent = measure(package.stream(sheet.part), package.where(sheet.part))
    if extent.cells > MAX_CELLS:
        far = " and ".join(dict.fromkeys((extent.lowest, extent.rightmost)))
        raise InputError(
            f'{package.path}: sheet "{sheet.name}" reaches to {far}, more than can be read ({extent.last_row} rows by '
            f"{extent.last_column} columns, at most {MAX_CELLS} cells): delete the stray rows or columns and save it"
        )


def looks_far(chunks: Iterable[bytes]) -> bool:
    """Whether a sheet's XML (UTF-8) holds a reference beyond CZ99999, or one that only a parser can judge."""
    carry = b""
    for chunk in chunks:
        data = carry + chunk
        # A tag may straddle two chunks: what follows the last complete one waits for the next.
        cut = data.rfind(b">") + 1
        if _FAR.search(data, 0, cut):
            return True
        carry = data[cut:]
    return bool(_FAR.search(carry))


def measure(chunks: Iterable[bytes], where: str) -> Extent:
    """The extent of a sheet by parsing its XML (UTF-8); InputError where that is broken, where naming file and part."""
    extent = Extent()
    parser = safe_parser(where)
    parser.StartElementHandler = extent.start_element
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError) as error:
        message = f"{where} is not a sheet that can be read ({error}); open the file in Excel and save it again"
        raise InputError(message) from error
    return extent
