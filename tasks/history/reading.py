"""Result documents, version 1, from plain data or JSON."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tasks.errors import InputError
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.scanmodel import PackageEntry, ScanDocument

__all__ = ["package_entry", "parse_document", "parse_json"]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def package_entry(plain: Mapping[str, Any]) -> PackageEntry:
    """One element of `packages` as plain data, read. ValidationError for another shape."""
    entry: PackageEntry = _adapter(PackageEntry).validate_python(plain)
    return entry


def parse_document(kind: DocumentKind, plain: Mapping[str, Any], where: str) -> ScanDocument | IocDocument:
    """A document as plain data, read; InputError with the first wrong value."""
    return _checked(lambda: _adapter(_CLASSES[kind]).validate_python(plain), where)


def parse_json(kind: DocumentKind, text: bytes, where: str) -> ScanDocument | IocDocument:
    """A document as JSON, read; InputError with the first wrong value."""
    return _checked(lambda: _adapter(_CLASSES[kind]).validate_json(text), where)


_CLASSES = {DocumentKind.SCAN: ScanDocument, DocumentKind.IOC: IocDocument}


def _checked(read: Any, where: str) -> ScanDocument | IocDocument:
    try:
        document: ScanDocument | IocDocument = read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{where} is no result of this program: {place}: {first['msg']}") from error
    return document
