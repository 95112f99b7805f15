"""Indicators out of plain lists: CSV, YAML and JSON with one entry a package.

An entry has `ecosystem` and `name`, and what is malicious: `versions` (a list, or text with "," or ";" or "|" between;
"*" or nothing means every version), or `range` (">=1.0, <2.0"). `source`, `note` and `id` are shown with a finding,
`withdrawn` takes an entry back, `allow` makes it one of the allow list.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.indicators.interface import Indicator, Interval, Listed
from tasks.indicators.names import ecosystem_of
from tasks.indicators.ranges import ANY, intervals_of_text

__all__ = ["csv_entries", "listed", "structured_entries"]

_FALSE = frozenset({"", "0", "false", "no", "none", "null"})


def csv_entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a CSV file with a header row; "," or ";" or tabs between; ValueError without usable headers."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        return
    sign = max(",;\t", key=lines[0].count)
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=sign)
    headers = [header.strip().lower() for header in reader.fieldnames or ()]
    if not {"ecosystem", "name"} <= set(headers):
        raise ValueError("the first line must name the columns: ecosystem,name,versions[,range,source,note,id]")
    reader.fieldnames = headers
    yield from reader


def structured_entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The entries of a decoded YAML or JSON document.

    A list of entries; a mapping with `indicators:` and `allow:`; or a mapping ecosystem -> package -> versions.
    """
    if value is None:
        return
    if isinstance(value, list):
        yield from (_mapping(entry) for entry in value)
        return
    document = _mapping(value)
    if document.keys() >= {"ecosystem", "name"}:
        yield document
    elif {"indicators", "allow", "packages"} & document.keys():
        for key in ("indicators", "packages"):
            yield from (_mapping(entry) for entry in document.get(key) or ())
        yield from ({**_mapping(entry), "allow": True} for entry in document.get("allow") or ())
    else:
        for ecosystem, packages in document.items():
            for name, versions in _mapping(packages).items():
                yield {"ecosystem": ecosystem, "name": name, "versions": versions}


def _mapping(value: Any) -> Mapping[str, Any]:
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
            indicator = _indicator(entry, file_name)
        except ValueError as error:
            raise ValueError(f"entry {number}: {error}") from error
        if _is_true(entry.get("withdrawn")):
            withdrawn += 1
        else:
            (allowed if _is_true(entry.get("allow")) else found).append(indicator)
    return Listed(tuple(found), tuple(allowed), withdrawn)


def _indicator(entry: Mapping[str, Any], file_name: str) -> Indicator:
    ecosystem, name = (str(entry.get(key) or "").strip() for key in ("ecosystem", "name"))
    if not ecosystem or not name:
        raise ValueError("ecosystem and name must be given")
    versions = tuple(_versions(entry.get("versions", entry.get("version"))))
    written = entry.get("range") or entry.get("ranges") or ()
    ranges = [part for text in ([written] if isinstance(written, str) else written) for part in _ranges(text)]
    is_any = "*" in versions or ANY in ranges or not (versions or ranges)
    return Indicator(
        ecosystem=ecosystem_of(ecosystem),
        name=name,
        id=str(entry.get("id") or f"{file_name}: {name}"),
        source=str(entry.get("source") or file_name),
        versions=() if is_any else versions,
        intervals=() if is_any else tuple(ranges),
        is_any=is_any,
        note=str(entry.get("note") or ""),
    )


def _ranges(text: Any) -> tuple[Interval, ...]:
    return intervals_of_text(str(text))


def _versions(value: Any) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, float):
        raise ValueError(f"version {value} is written as a number, which loses digits; put it in quotes")  # noqa: TRY004
    parts = re.split(r"[,;|\s]+", value) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple | set | frozenset):
        parts = [parts]
    yield from (str(part).strip() for part in parts if str(part).strip())


def _is_true(value: Any) -> bool:
    return str(value if value is not None else "").strip().lower() not in _FALSE
