"""The shared strings, kept as digests: enough to tell whether a cell already holds a text, whatever their number.

Source: ECMA-376-1, 18.4.9 sst and 18.4.8 si; the runs of a rich text count together, phonetic text does not.
"""

from collections.abc import Iterable
from hashlib import blake2b
from xml.parsers import expat

from tasks.errors import InputError
from tasks.workbook.xmltree import main_name, safe_parser

__all__ = ["SharedStrings"]

DIGEST = 16


class SharedStrings:
    """Digests of a workbook's shared strings, 16 bytes each; where names the part in messages."""

    def __init__(self, chunks: Iterable[bytes], where: str) -> None:
        self._digests = bytearray()
        self._text: list[str] = []
        self._phonetic = 0
        self._parser = safe_parser(where)
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        try:
            for chunk in chunks:
                self._parser.Parse(chunk, False)
            self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise InputError(
                f"{where} is not well-formed XML ({error}); open the file in Excel, save it again"
            ) from error

    def __len__(self) -> int:
        return len(self._digests) // DIGEST

    def holds(self, index: str, text: str) -> bool:
        """True where the string of that index is exactly this text (both still with _xHHHH_ escapes)."""
        if not index.strip().isdecimal():
            return False
        start = int(index) * DIGEST
        return self._digests[start : start + DIGEST] == _digest(text)

    def _start(self, qualified: str, _attributes: dict[str, str]) -> None:
        name = main_name(qualified)[1]
        if name == "rPh":
            self._phonetic += 1
        elif name == "t" and not self._phonetic:
            self._parser.CharacterDataHandler = self._text.append

    def _end(self, qualified: str) -> None:
        name = main_name(qualified)[1]
        if name == "t":
            self._parser.CharacterDataHandler = None
        elif name == "rPh":
            self._phonetic -= 1
        elif name == "si":
            self._digests += _digest("".join(self._text))
            self._text.clear()


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=DIGEST).digest()
