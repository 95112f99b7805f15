"""Indicators out of plain lists: CSV, YAML, JSON and text, each brought into mappings of one entry a package.

What an entry may hold is told in tasks.indicators.entries. Nothing is passed over: what is not understood is an error.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.indicators.entries import field_of, indicator_of, is_set
from tasks.indicators.interface import Indicator, Listed

__all__ = ["csv_entries", "listed", "structured_entries", "text_entries"]

_LISTS = ("indicators", "packages", "iocs")


def csv_entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV file with a header row; "," or ";" or tabs between; ValueError for what cannot be told apart.

    Blank lines and those that begin with "#" are comments, except inside quotes.
    """
    rows = _rows(text)
    headers = next(rows, None)
    if headers is None:
        return
    fields = {field_of(header) for header in headers}
    if not ({"ecosystem", "name"} <= fields or "purl" in fields):
        raise ValueError(
            "the first line must name the columns: ecosystem,name,versions[,range,source,note,id], or purl"
        )
    for number, row in enumerate(rows, 1):
        if len(row) > len(headers):
            raise ValueError(f"entry {number}: {len(row)} columns, the first line names {len(headers)}; quote commas")
        yield dict(zip(headers, row, strict=False))


def _rows(text: str) -> Iterator[list[str]]:
    is_between = True

    def lines() -> Iterator[str]:
        nonlocal is_between
        for line in io.StringIO(text, newline=""):
            if not (is_between and (not line.strip() or line.lstrip().startswith("#"))):
                is_between = False
                yield line

    first = next((line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")), "")
    try:
        for row in csv.reader(lines(), delimiter=max(",;\t", key=first.count), strict=True):
            is_between = True
            yield row
    except csv.Error as error:
        raise ValueError(f"not CSV ({error}); check the quotes") from error


def text_entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The entries of a text file: one package URL a line, "#" begins a comment; ValueError for another line."""
    for number, line in enumerate(text.splitlines(), 1):
        if address := (line.strip() if line.lstrip().startswith("pkg:") else line.partition("#")[0].strip()):
            if not address.startswith("pkg:"):
                raise ValueError(f"line {number}: {address[:60]!r} is no package URL such as pkg:npm/name@1.0.0")
            yield {"purl": address.partition(" ")[0]}


def structured_entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of a decoded YAML or JSON document.

    A list of entries or package URLs; a mapping with `indicators:` and `allow:`; or a mapping ecosystem -> package ->
    versions, or ecosystem -> list of packages.
    """
    if value is None:
        return
    if isinstance(value, list):
        yield from (_entry(entry) for entry in value)
        return
    document = _entry(value)
    fields = {field_of(str(key)) for key in document}
    if fields >= {"ecosystem", "name"} or "purl" in fields:
        yield document
    elif {*_LISTS, "allow"} & document.keys():
        for key in _LISTS:
            yield from (_entry(entry) for entry in document.get(key) or ())
        yield from ({**_entry(entry), "allow": True} for entry in document.get("allow") or ())
    else:
        for ecosystem, packages in document.items():
            yield from _of_ecosystem(ecosystem, packages)


def _of_ecosystem(ecosystem: str, packages: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(packages, list):
        for one in packages:
            entry = {"name": one} if isinstance(one, str) else _entry(one)
            yield {"ecosystem": ecosystem, **entry}
        return
    for name, versions in _entry(packages).items():
        yield {"ecosystem": ecosystem, "name": name, "versions": versions}


def _entry(value: Any) -> Mapping[str, Any]:
    if isinstance(value, str) and value.strip().startswith("pkg:"):
        return {"purl": value}
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:60]!r} is no entry with ecosystem and name")  # noqa: TRY004  one error for all
    return value


def listed(entries: Iterable[Mapping[str, Any]], file_name: str) -> Listed:
    """Indicators and allowed ones of a list's entries; ValueError, naming the entry's number, for one that is odd."""
    found: list[Indicator] = []
    allowed: list[Indicator] = []
    withdrawn = 0
    for number, entry in enumerate(entries, 1):
        try:
            indicator = indicator_of(entry, file_name)
        except ValueError as error:
            raise ValueError(f"entry {number}: {error}") from error
        if is_set(entry, "withdrawn"):
            withdrawn += 1
        else:
            (allowed if is_set(entry, "allow") else found).append(indicator)
    return Listed(tuple(found), tuple(allowed), withdrawn)
