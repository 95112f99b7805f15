"""A plainer copy, in memory, of a workbook that is valid and that python-calamine would read wrongly or not at all.

Calamine takes every part for UTF-8 (a UTF-16 sheet reads as empty), ends a number at a comment or a CDATA section,
and knows the workbook part only under its usual name. Excel writes none of this; other programs may.
"""

import io
import re
import zipfile
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from tasks.workbook.archive import Member
from tasks.workbook.package import Package, rels_part

__all__ = ["plain_copy"]

_WORKBOOK = "xl/workbook.xml"
_RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
_MARKUP = re.compile(rb"<!--.*?-->|<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_PARSED = (".xml", ".rels")
_UNREAD = ("customxml/", "docprops/")
_DECLARATION_ROOM = 256
"""Bytes at the beginning of a part in which another encoding shows."""


def plain_copy(package: Package) -> bytes | None:
    """The whole workbook again as UTF-8, without comments and CDATA and with the workbook part where Excel puts it.

    None where the file itself will do. The copy is for reading values only; InputError as for the package's parts.
    """
    odd = {member.name: _plain(package, member) for member in package.archive.members if _is_odd(package, member)}
    if package.workbook_part != _WORKBOOK:
        odd |= _usual_place(package)
    if not odd:
        return None
    copy = io.BytesIO()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for member in package.archive.members:
            if member.name not in odd and not member.is_folder:
                target.writestr(member.name, b"".join(package.archive.chunks(member)))
        for name, data in odd.items():
            target.writestr(name, data)
    return copy.getvalue()


def _is_odd(package: Package, member: Member) -> bool:
    if not member.key.endswith(_PARSED) or member.key.startswith(_UNREAD):
        return False
    raw, recoded = package.archive.chunks(member), package.stream(member.name)
    if next(raw, b"")[:_DECLARATION_ROOM] != next(recoded, b"")[:_DECLARATION_ROOM]:
        return True
    return _holds(package.stream(member.name), b"<!")


def _holds(chunks: Iterable[bytes], wanted: bytes) -> bool:
    last = b""
    for chunk in chunks:
        if wanted in chunk or wanted in last + chunk[: len(wanted)]:
            return True
        last = chunk[-len(wanted) :]
    return False


def _plain(package: Package, member: Member) -> bytes:
    return _MARKUP.sub(_as_text, b"".join(package.stream(member.name)))


def _as_text(match: re.Match[bytes]) -> bytes:
    return escape(match[1].decode()).encode() if match[1] else b""


def _usual_place(package: Package) -> dict[str, bytes]:
    """The workbook part and its relationships under the names that calamine expects."""
    root = next(link for link in package.relationships("") if link.target == package.workbook_part)
    links = [
        (link.identifier, link.element.get("Type"), link.target)
        for link in package.relationships(package.workbook_part)
        if link.target and package.archive.find(link.target)
    ]
    return {
        _WORKBOOK: package.read(package.workbook_part),
        rels_part(_WORKBOOK): _relationships_part(links),
        rels_part(""): _relationships_part([(root.identifier, root.element.get("Type"), _WORKBOOK)]),
    }


def _relationships_part(links: Iterable[tuple[str, str, str]]) -> bytes:
    """A relationships part from identifiers, types and targets."""
    elements = "".join(
        f"<Relationship Id={quoteattr(identifier)} Type={quoteattr(kind)} Target={quoteattr('/' + target)}/>"
        for identifier, kind, target in links
    )
    return f'<Relationships xmlns="{_RELATIONSHIPS}">{elements}</Relationships>'.encode()
