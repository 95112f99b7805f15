"""Small XML parts as located elements: what they say, and at which bytes, so that they can be changed in place.

Parsing is done by expat with every document type declaration refused, so no entity can be defined
(ECMA-376-2, 7.2.2 forbids DTDs in parts). Parts that are not UTF-8 are recoded first.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from xml.parsers import expat

from tasks.errors import InputError

__all__ = [
    "MAIN",
    "STRICT_MAIN",
    "Element",
    "apply_edits",
    "main_name",
    "parse",
    "safe_parser",
    "set_attribute",
    "utf8_chunks",
]

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"

_DECLARATION = re.compile(rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_TEXT_DECLARATION = re.compile(r"""^(\s*<\?xml[^>]*?\bencoding\s*=\s*["'])[A-Za-z0-9._-]+(["'])""")
_DECLARATION_ROOM = 256
_ATTRIBUTE = re.compile(rb"""\s+([^\s=<>/]+)\s*=\s*("[^"]*"|'[^']*')""")
_NAME = re.compile(rb"<([^\s/>]+)")
_TAG = re.compile(rb"""<[^\s/>]+(?:[^>"']|"[^"]*"|'[^']*')*>""")


@dataclass(slots=True)
class Element:
    """One element with its place: bytes start to end, its opening tag ends at open_end, its content at close_start.

    name is the local name, namespace the strict main namespace already turned into the usual one;
    attributes outside a namespace have their plain name, others "namespace name".
    """

    namespace: str
    name: str
    attributes: dict[str, str]
    start: int
    open_end: int = 0
    close_start: int = 0
    end: int = 0
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    @property
    def is_empty_tag(self) -> bool:
        """True where the element is written as one tag, like <a/>."""
        return self.open_end == self.end

    def get(self, name: str, default: str = "") -> str:
        """The attribute of that plain name, else the default."""
        return self.attributes.get(name, default)

    def local(self, name: str) -> str | None:
        """The first attribute of that local name in any namespace (relationship ids have two namespaces)."""
        return next((value for key, value in self.attributes.items() if key.rpartition(" ")[2] == name), None)

    def all(self, name: str) -> Iterator["Element"]:
        """The children of that local name in this element's own namespace."""
        return (child for child in self.children if child.name == name and child.namespace == self.namespace)

    def first(self, name: str) -> "Element | None":
        """The first child of that local name, or None."""
        return next(self.all(name), None)

    def walk(self) -> Iterator["Element"]:
        """This element and all below it, in document order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def main_name(qualified: str) -> tuple[str, str]:
    """Namespace and local name of expat's "namespace name", the strict main namespace turned into the usual one."""
    namespace, _, name = qualified.rpartition(" ")
    return (MAIN if namespace == STRICT_MAIN else namespace), name


def safe_parser(where: str) -> expat.XMLParserType:
    """A namespace-aware expat parser that raises InputError at a document type declaration; where names the part."""

    def refuse(*_: object) -> None:
        raise InputError(f"{where} holds a document type declaration: refused as unsafe; save the file from Excel")

    parser = expat.ParserCreate("UTF-8", namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    return parser


def refuse_doctype(start: bytes, where: str) -> None:
    """InputError where a part's first bytes hold a document type declaration; broken XML is left to its reader."""
    parser = safe_parser(where)
    # Only a document type declaration matters here, and it comes before the first element.
    with suppress(expat.ExpatError, UnicodeError):
        parser.Parse(_decoded_start(start), False)


def _decoded_start(start: bytes) -> bytes:
    encoding = _encoding(start)
    if encoding is None:
        return start
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    except LookupError:
        return start
    return decoder.decode(start).removeprefix("\ufeff").encode()


def utf8_chunks(chunks: Iterable[bytes], where: str) -> Iterator[bytes]:
    """The part's bytes as UTF-8: unchanged where they are UTF-8 already, else recoded with a mended declaration."""
    stream = iter(chunks)
    first = b""
    # The declaration has to be seen whole before the encoding can be told.
    while len(first) < _DECLARATION_ROOM and (more := next(stream, b"")):
        first += more
    encoding = _encoding(first)
    if encoding is None:
        yield first
        yield from stream
        return
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
        text = decoder.decode(first).removeprefix("\ufeff")
        yield _TEXT_DECLARATION.sub(r"\g<1>UTF-8\g<2>", text, count=1).encode()
        for chunk in stream:
            yield decoder.decode(chunk).encode()
        yield decoder.decode(b"", final=True).encode()
    except (LookupError, UnicodeError, AttributeError) as error:
        raise InputError(f"{where} is written in {encoding}, which cannot be read; save the file from Excel") from error


def _encoding(first: bytes) -> str | None:
    """None for UTF-8, else the codec to decode by (XML 1.0, appendix F.1)."""
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if first.startswith((b"<\0", b"\0<")):
        return "utf-16-le" if first[0] else "utf-16-be"
    match = _DECLARATION.match(first)
    name = match[1].decode().lower() if match else "utf-8"
    return None if name in ("utf-8", "utf8", "us-ascii", "ascii") else name


class _Builder:
    def __init__(self, data: bytes, where: str) -> None:
        self.data = data
        self.open: list[Element] = []
        self.root: Element | None = None
        self.parser = safe_parser(where)
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters

    def start(self, qualified: str, attributes: dict[str, str]) -> None:
        element = Element(*main_name(qualified), attributes, self.parser.CurrentByteIndex)
        element.open_end = tag_end(self.data, element.start)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)

    def end(self, _qualified: str) -> None:
        element = self.open.pop()
        if self.data[element.open_end - 2 : element.open_end] == b"/>":
            element.close_start = element.end = element.open_end
            return
        element.close_start = self.parser.CurrentByteIndex
        element.end = self.data.index(b">", element.close_start) + 1

    def characters(self, text: str) -> None:
        if self.open:
            self.open[-1].text += text


def tag_end(data: bytes | bytearray, start: int) -> int:
    """Where the tag that begins at start ends; the data must hold the whole tag, well-formed."""
    match = _TAG.match(data, start)
    if match is None:
        raise ValueError(f"no tag at byte {start}")
    return match.end()


def parse(data: bytes, where: str) -> Element:
    """The root element of a small UTF-8 part; InputError where it is not well-formed, where naming file and part."""
    builder = _Builder(data, where)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(
            f"{where} is not well-formed XML ({error}); open the file in Excel and save it again"
        ) from error
    if builder.root is None:
        raise InputError(f"{where} is empty; open the file in Excel and save it again")
    return builder.root


def prefix_of(data: bytes | bytearray, start: int) -> str:
    """The namespace prefix, with its colon, of the tag that begins at start; "" for none."""
    match = _NAME.match(data, start)
    name = match[1].decode() if match else ""
    return name.rpartition(":")[0] + ":" if ":" in name else ""


def tag_attributes(tag: bytes) -> Iterator[tuple[str, re.Match[bytes]]]:
    """The attributes of one raw tag: name as written, and the match whose group 2 is the quoted value."""
    match = _NAME.match(tag)
    position = match.end() if match else len(tag)
    while found := _ATTRIBUTE.match(tag, position):
        yield found[1].decode(), found
        position = found.end()


def set_attribute(tag: bytes, name: str, value: str) -> bytes:
    """The raw tag with that attribute set, everything else byte for byte; value must need no escaping."""
    for found_name, found in tag_attributes(tag):
        if found_name == name:
            return tag[: found.start(2)] + f'"{value}"'.encode() + tag[found.end(2) :]
    match = _NAME.match(tag)
    position = match.end() if match else len(tag)
    return tag[:position] + f' {name}="{value}"'.encode() + tag[position:]


Edit = tuple[int, int, bytes]
"""Replace bytes start to end by these; start == end inserts."""


def apply_edits(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The data with every edit done; edits must not overlap, those at one place keep their given order."""
    parts: list[bytes] = []
    position = 0
    for start, end, new in sorted(edits, key=itemgetter(0, 1)):
        parts += (data[position:start], new)
        position = end
    parts.append(data[position:])
    return b"".join(parts)
