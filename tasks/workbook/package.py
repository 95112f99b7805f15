"""The package layer of an .xlsx or .xlsm: which part is the workbook, which its sheets, styles and the rest.

Relationships and content types: ECMA-376-2, clauses 8 and 9; the workbook's parts: ECMA-376-1, 12.3 and 18.2.
Both namespaces (transitional and strict), relative and absolute targets and any case of part names are understood.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote

from tasks.errors import InputError
from tasks.workbook.archive import Archive, Limits, Member
from tasks.workbook.xmltree import Element, parse, refuse_doctype, utf8_chunks

__all__ = ["Package", "Relationship", "Sheet", "check_workbook_file", "open_package"]

CONTENT_TYPES = "[Content_Types].xml"
PROLOGUE = 4096
SMALL_PART = 64 << 20
"""No part that is parsed as a tree may be larger, in bytes."""

_OTHER_KINDS = {
    "binary": "is a binary workbook (.xlsb); save it from Excel as .xlsx",
    "word": "is a Word document, not a workbook",
    "presentation": "is a presentation, not a workbook",
}


@dataclass(frozen=True, slots=True)
class Relationship:
    """One relationship: kind is the last word of its type ("styles"), target the part's name, "" when external."""

    identifier: str
    kind: str
    target: str
    element: Element


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it: state is visible, hidden or veryHidden; kind worksheet, chartsheet, ..."""

    name: str
    state: str
    sheet_id: str
    kind: str
    part: str


class Package:
    """An open workbook file; InputError names what is missing or unsafe."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self.archive = Archive(path, limits)
        try:
            self._refuse_foreign()
            self.workbook_part = self._find_workbook()
            self.workbook = self.tree(self.workbook_part)
            self.sheets = tuple(self._list_sheets())
        except BaseException:
            self.archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.archive.close()

    @property
    def sheet_names(self) -> tuple[str, ...]:
        """The sheets' names in the workbook's order, hidden ones and chart sheets included."""
        return tuple(sheet.name for sheet in self.sheets)

    @property
    def date1904(self) -> bool:
        """True where day 0 is 1904-01-01 (ECMA-376-1, 18.2.28 workbookPr)."""
        properties = self.workbook.first("workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true", "on")

    def sheet(self, name: str) -> Sheet:
        """The worksheet of that name, in any case as in Excel; InputError lists the names there are."""
        found = next((sheet for sheet in self.sheets if sheet.name == name), None)
        found = found or next((sheet for sheet in self.sheets if sheet.name.casefold() == name.casefold()), None)
        if found is None:
            names = ", ".join(self.sheet_names)
            raise InputError(f'{self.path}: no sheet "{name}"; the workbook has: {names}')
        if found.kind != "worksheet":
            raise InputError(f'{self.path}: sheet "{name}" is a {found.kind}, it has no cells; name another sheet')
        return found

    def sheet_part(self, name: str) -> str:
        """The part name of that worksheet; InputError as for sheet()."""
        return self.sheet(name).part

    def member(self, part: str) -> Member:
        """The zip member of a part; InputError when it is missing."""
        found = self.archive.find(part)
        if found is None:
            raise InputError(f"{self.path}: part {part} is missing; open the file in Excel and save it again")
        return found

    def where(self, part: str) -> str:
        """File and part as messages name them."""
        return f"{self.path}: part {part}"

    def read(self, part: str) -> bytes:
        """A small part's bytes as UTF-8; InputError above 64 MiB."""
        return b"".join(utf8_chunks([self.archive.read(self.member(part), SMALL_PART)], self.where(part)))

    def stream(self, part: str) -> Iterator[bytes]:
        """A part's bytes as UTF-8, in chunks."""
        return utf8_chunks(self.archive.chunks(self.member(part)), self.where(part))

    def tree(self, part: str) -> Element:
        """A small part, parsed; places are those of read()."""
        return parse(self.read(part), self.where(part))

    def relationships(self, part: str) -> tuple[Relationship, ...]:
        """The relationships of a part ("" for the package's own), in their order; none is fine."""
        name = rels_part(part)
        if self.archive.find(name) is None:
            return ()
        return tuple(self._relationship(part, element) for element in self.tree(name).all("Relationship"))

    def related(self, part: str, kind: str) -> tuple[str, ...]:
        """The names of the parts that a part points to by that kind and that exist."""
        found = (item.target for item in self.relationships(part) if item.kind == kind)
        return tuple(target for target in found if target and self.archive.find(target))

    def content_type(self, part: str) -> str:
        """The part's content type, "" where none is stated."""
        key = "/" + self.member(part).key
        types = self.tree(CONTENT_TYPES)
        overrides = {item.get("PartName").lower(): item.get("ContentType") for item in types.all("Override")}
        defaults = {item.get("Extension").lower(): item.get("ContentType") for item in types.all("Default")}
        return overrides.get(key) or defaults.get(key.rpartition(".")[2], "")

    def _relationship(self, part: str, element: Element) -> Relationship:
        kind = element.get("Type").rstrip("/").rpartition("/")[2]
        external = element.get("TargetMode") == "External"
        target = "" if external else self._resolve(part, element.get("Target"))
        return Relationship(element.get("Id"), kind, target, element)

    def _resolve(self, part: str, target: str) -> str:
        path = target.replace("\\", "/").partition("#")[0]
        joined = path if path.startswith("/") else posixpath.join("/", posixpath.dirname(part), path)
        name = posixpath.normpath(joined).lstrip("/")
        for candidate in (name, unquote(name)):
            if member := self.archive.find(candidate):
                return member.name.replace("\\", "/").lstrip("/")
        return name

    def _refuse_foreign(self) -> None:
        if self.archive.find(CONTENT_TYPES) is None:
            opendocument = self.archive.find("META-INF/manifest.xml") is not None
            kind = "is an OpenDocument file" if opendocument else "is a zip file, but not a workbook"
            raise InputError(f"{self.path}: {kind}; save it from Excel as .xlsx")
        if any(member.key.startswith("_xmlsignatures/") for member in self.archive.members):
            raise InputError(f"{self.path}: is digitally signed and a change would break that; remove the signature")

    def _find_workbook(self) -> str:
        targets = [item.target for item in self.relationships("") if item.kind == "officeDocument"]
        part = next((target for target in targets if self.archive.find(target)), None)
        if part is None:
            raise InputError(f"{self.path}: holds no workbook part; open the file in Excel and save it again")
        content_type = self.content_type(part).lower()
        for word, sentence in _OTHER_KINDS.items():
            if word in content_type or (word == "binary" and part.lower().endswith(".bin")):
                raise InputError(f"{self.path}: {sentence}")
        return part

    def _list_sheets(self) -> Iterator[Sheet]:
        links = {item.identifier: item for item in self.relationships(self.workbook_part)}
        sheets = self.workbook.first("sheets")
        for element in sheets.all("sheet") if sheets else ():
            link = links.get(element.local("id") or "")
            name, state = element.get("name"), element.get("state", "visible")
            kind, part = (link.kind, link.target) if link else ("sheet without a part", "")
            yield Sheet(name, state, element.get("sheetId"), kind, part)


def rels_part(part: str) -> str:
    """The name of the part that holds a part's relationships (ECMA-376-2, 8.3.4)."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def open_package(path: Path, limits: Limits | None = None) -> Package:
    """Open a workbook file for inspection; use as a context manager. InputError says in one line what is wrong."""
    return Package(path, limits)


def check_workbook_file(path: Path, limits: Limits | None = None) -> None:
    """Raise InputError, in one line, for a file that is not a whole, safe, unsigned .xlsx or .xlsm workbook.

    Missing and unreadable files, text, .xls, .xlsb, .ods, passwords, signatures, damage (every checksum is
    checked) and archives that expand beyond the limits are told apart.
    """
    with open_package(path, limits) as package:
        package.archive.check_all()
        for member in package.archive.members:
            if member.key.endswith((".xml", ".rels", ".vml")):
                refuse_doctype(next(package.archive.chunks(member), b"")[:PROLOGUE], package.where(member.name))
        if not package.sheets:
            raise InputError(f"{path}: the workbook lists no sheets; open the file in Excel and save it again")
