"""Cells that hold something and yet have no value: errors, and formulas that no program has calculated yet.

python-calamine reads both as blank. A blank version would be wrong for them (openpyxl stores the text "==3.8.5"
as such a formula), a blank name would drop the row unseen. Cells and their types: ECMA-376-1, 18.3.1.4, 18.18.11.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from xml.parsers import expat

from tasks.errors import InputError
from tasks.workbook.headers import column_letter
from tasks.workbook.versions import Unread

__all__ = ["find_unread"]

_FIRST_CELL = re.compile(rb"<(?:[\w.-]+:)?c(?=[\s/>])([^>]*)>")
_OWN_REFERENCE = re.compile(rb"\sr\s*=\s*[\"'][A-Z]")
_CELL_TAG = re.compile(rb"<(?:[\w.-]+:)?c\s")
_CELL_END = re.compile(rb"</(?:[\w.-]+:)?c\s*>")
_ROW_END = re.compile(rb"</(?:[\w.-]+:)?row")
_THEN_FORMULA = rb"[^>]*>\s*<(?:[\w.-]+:)?f[\s/>]"
# A leading letter lets re skip ahead four times as fast as a class would.
_ERROR = re.compile(rb"t(?<=\st)\s*=\s*[\"']e[\"']")
_REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")


def find_unread(chunks: Iterable[bytes], letters: Collection[str], where: str) -> Mapping[int, Mapping[str, Unread]]:
    """The cells without a value in those columns, by row (from 1) and column letter.

    chunks is a sheet's XML (UTF-8); where names file and part for InputError, raised where it is broken.
    """
    reader = _CellReader(frozenset(letters))
    stream = iter(chunks)
    head = b""
    while not (first := _FIRST_CELL.search(head)) and (chunk := next(stream, b"")):
        head += chunk
    whole = chain((head,), stream)
    # With references the few cells of interest are found by text search: parsing all takes eight times as long.
    own = first is not None and _OWN_REFERENCE.search(first[1])
    documents = ([cell] for cell in _cells_with_reference(whole, letters)) if own else (whole,)
    try:
        for document in documents:
            reader.parse(document)
    except expat.ExpatError as error:
        message = f"{where} is not well-formed XML ({error}); open the file in Excel and save it again"
        raise InputError(message) from error
    return reader.found


def _cells_with_reference(chunks: Iterable[bytes], letters: Collection[str]) -> Iterator[bytes]:
    """The XML of the cells that hold an error, and of those columns' cells that hold a formula (its first child)."""
    columns = "|".join(sorted(letters)).encode()
    formula = re.compile(rb"r(?<=\sr)\s*=\s*[\"'](?:" + columns + rb")[0-9]{1,7}[\"']" + _THEN_FORMULA)
    for block in _whole_rows(chunks):
        for match in chain(_ERROR.finditer(block), formula.finditer(block)):
            start = block.rfind(b"<", 0, match.start())
            end = _CELL_END.search(block, match.end())
            if end and _CELL_TAG.match(block, start):
                yield block[start : end.end()]


def _whole_rows(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, cut only behind rows' ends."""
    carry = b""
    for chunk in chunks:
        data = carry + chunk
        cut = _last_row_end(data)
        yield data[:cut]
        carry = data[cut:]
    yield carry


def _last_row_end(data: bytes) -> int:
    end = len(data)
    while (end := data.rfind(b"row>", 0, end)) >= 0:
        if _ROW_END.fullmatch(data, data.rfind(b"<", 0, end), end + 3):
            return end + 4
    return 0


class _CellReader:
    """Collects the unread cells of some columns from a sheet's XML, or from single cells of it."""

    def __init__(self, letters: frozenset[str]) -> None:
        self.found: dict[int, dict[str, Unread]] = {}
        self._letters = letters
        self._row = self._column = 0
        self._type = self._formula = self._value = ""
        self._has_formula = False
        self._inside = ""

    def parse(self, chunks: Iterable[bytes]) -> None:
        """Read one XML document; prefixes need not be declared. expat.ExpatError when it is not well-formed."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside = name.rpartition(":")[2]
        if self._inside == "row":
            own = attributes.get("r", "")
            self._row, self._column = int(own) if own.isascii() and own.isdigit() else self._row + 1, 0
        elif self._inside == "c":
            self._place(attributes.get("r", ""))
            self._type, self._formula, self._value, self._has_formula = attributes.get("t", "n"), "", "", False
        elif self._inside == "f":
            self._has_formula = True

    def _place(self, reference: str) -> None:
        own = _REFERENCE.fullmatch(reference)
        if own:
            self._row = int(own[2])
            self._column = 0
            for letter in own[1].upper():
                self._column = self._column * 26 + ord(letter) - ord("A") + 1
        else:
            self._column += 1

    def _characters(self, text: str) -> None:
        if self._inside == "f":
            self._formula += text
        elif self._inside == "v":
            self._value += text

    def _end(self, name: str) -> None:
        self._inside = ""
        if name.rpartition(":")[2] != "c" or not self._column:
            return
        letter = column_letter(self._column - 1)
        if letter not in self._letters:
            return
        if self._type == "e":
            self.found.setdefault(self._row, {})[letter] = Unread(self._value.strip() or "#N/A", is_error=True)
        elif self._has_formula and not self._value.strip() and self._type != "str":
            self.found.setdefault(self._row, {})[letter] = Unread("=" + self._formula)
