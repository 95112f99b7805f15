"""Bytes to text, JSON, TOML, YAML and XML, each bounded and without anything a document could make happen.

JSON and TOML end at the interpreter's recursion limit; YAML yields only strings, lists and mappings (see yamltext);
XML is expat with every document type declaration refused, so no entity can be defined.
"""

import codecs
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

import yaml

from tasks.lockfiles.interface import Lockfile
from tasks.lockfiles.yamltext import MOST_VALUES, build_documents

__all__ = [
    "XmlNode",
    "items",
    "json_object",
    "lines",
    "mapping",
    "needs_one_of",
    "text_of",
    "text_or_none",
    "toml_table",
    "xml_root",
    "yaml_documents",
]

_XML_DEPTH = 200
_XML_ELEMENTS = 1_500_000
"""Some 300 bytes each in memory; an SBOM of 60,000 components has a million."""

_TOML_PARTS = 1000
"""Parts of a dotted key: tomllib's time grows with their square (measured: 0.5 s at 30,000)."""

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def text_of(lockfile: Lockfile) -> str:
    """The file's text: UTF-8, or UTF-16 with a byte order mark (as PowerShell writes). Raises LockfileError."""
    encoding = next((name for mark, name in _BOMS if lockfile.content.startswith(mark)), "utf-8")
    try:
        return lockfile.content.decode(encoding)
    except UnicodeDecodeError as error:
        raise lockfile.fail(f"not {encoding} text (byte {error.start})") from error


def lines(lockfile: Lockfile) -> list[str]:
    """The file's lines without their ends, whether LF, CRLF or CR. Raises LockfileError."""
    return re.split(r"\r\n|\n|\r", text_of(lockfile))


def json_object(lockfile: Lockfile, text: str | None = None) -> dict[str, Any]:
    """The file's JSON object; text replaces the file's own. Raises LockfileError."""
    text = text_of(lockfile) if text is None else text
    _refuse_crowded(lockfile, text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise lockfile.fail(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise lockfile.fail(f"not a JSON object but {type(found).__name__}")
    return found


def _refuse_crowded(lockfile: Lockfile, text: str) -> None:
    # Bytes do not tell what a document weighs in memory: an empty list takes two of them, and 64 there.
    if sum(map(text.count, ",[{=")) > MOST_VALUES:
        raise lockfile.fail(f"more than {MOST_VALUES:,} values")


def toml_table(lockfile: Lockfile) -> dict[str, Any]:
    """The file's TOML document. Raises LockfileError."""
    text = text_of(lockfile)
    if any(part.count(".") > _TOML_PARTS for part in re.split(r"[=\n]", text)):
        raise lockfile.fail("not TOML that can be read: nested too deeply")
    _refuse_crowded(lockfile, text)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise lockfile.fail(f"not TOML: {error}") from error


def yaml_documents(lockfile: Lockfile) -> list[Any]:
    """The file's YAML documents; every scalar is a string (null is ""). Raises LockfileError."""
    try:
        return build_documents(text_of(lockfile))
    except (yaml.YAMLError, ValueError) as error:
        raise lockfile.fail(f"not YAML that can be read: {error}") from error


@dataclass(slots=True)
class XmlNode:
    """One element: its name without namespace, attributes (names without namespace), children and own text."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["XmlNode"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Its own text, without blanks at the ends."""
        return "".join(self.pieces).strip()

    def all(self, *path: str) -> Iterator["XmlNode"]:
        """Every descendant reached by these names, one generation each."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

    def value(self, *path: str) -> str:
        """The text of the first descendant reached by these names, or ""."""
        return next((node.text for node in self.all(*path)), "")


class _Refused(ValueError):
    pass


class _Builder:
    """Builds the tree from expat's events."""

    def __init__(self) -> None:
        self.top = XmlNode("")
        self._open = [self.top]
        self._left = _XML_ELEMENTS

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._left -= 1 + len(attributes)
        if len(self._open) > _XML_DEPTH or self._left < 0:
            raise _Refused(f"nested too deeply, or more than {_XML_ELEMENTS:,} elements and attributes")
        node = XmlNode(_local(name), {_local(key): value for key, value in attributes.items()})
        self._open[-1].children.append(node)
        self._open.append(node)

    def end(self, name: str) -> None:
        del name
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def doctype(self, *declared: object) -> None:
        del declared
        raise _Refused("a document type declaration is not accepted")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


def xml_root(lockfile: Lockfile) -> XmlNode:
    """The file's root element. Raises LockfileError, also for any document type declaration."""
    parser = expat.ParserCreate(namespace_separator=" ")
    builder = _Builder()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(lockfile.content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise lockfile.fail(f"not XML that can be read: {error}") from error
    return builder.top.children[0]


def mapping(value: Any) -> dict[str, Any]:
    """value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def needs_one_of(lockfile: Lockfile, document: dict[str, Any], *keys: str) -> None:
    """Raise LockfileError for a document that holds something, and none of these keys: it is another kind of file."""
    if document and not document.keys() & set(keys):
        raise lockfile.fail(f"none of {', '.join(keys)} is in it, but {', '.join(sorted(map(str, document))[:3])[:60]}")


def items(value: Any) -> list[Any]:
    """value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text_or_none(value: Any) -> str | None:
    """value where it is text that says something, without blanks at its ends, else None."""
    return value.strip() or None if isinstance(value, str) else None
