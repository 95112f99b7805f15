"""OSV records of malicious packages as indicators.

Source: the OSV schema (https://ossf.github.io/osv-schema/) as ossf/malicious-packages uses it: `versions`, or a range
from "0" without end for packages that are malicious as a whole; `withdrawn` for claims taken back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.indicators.interface import Indicator, Interval
from tasks.indicators.names import ecosystem_of
from tasks.indicators.ranges import ANY, intervals_of_events

__all__ = ["indicators_of_record", "is_malware", "is_osv"]

_LONGEST_NOTE = 200


def is_osv(value: object) -> bool:
    """Whether a decoded JSON value is an OSV record."""
    return isinstance(value, dict) and isinstance(value.get("id"), str) and "affected" in value


def is_malware(record: Mapping[str, Any]) -> bool:
    """Whether a record says that a package is malicious, by its id or an alias ("MAL-...")."""
    return any(str(name).startswith("MAL-") for name in (record["id"], *(record.get("aliases") or ())))


def indicators_of_record(record: Mapping[str, Any]) -> Iterator[Indicator]:
    """An indicator for each package of a record that is not withdrawn; ValueError where its shape is not OSV's."""
    if record.get("withdrawn"):
        return
    name, source = str(record["id"]), _source(record)
    note = str(record.get("summary") or "").strip()[:_LONGEST_NOTE]
    for entry in record.get("affected") or ():
        package = entry.get("package") if isinstance(entry, dict) else None
        if not isinstance(package, dict) or not package.get("ecosystem") or not package.get("name"):
            raise ValueError(f"{name}: an affected entry names no package")
        ecosystem = ecosystem_of(str(package["ecosystem"]))
        intervals = tuple(_intervals(ecosystem, entry))
        yield Indicator(
            ecosystem=ecosystem,
            name=str(package["name"]),
            id=name,
            source=source,
            versions=tuple(str(version) for version in entry.get("versions") or ()),
            intervals=() if ANY in intervals else intervals,
            is_any=ANY in intervals,
            note=note,
        )


def _intervals(ecosystem: str, entry: Mapping[str, Any]) -> Iterator[Interval]:
    for item in entry.get("ranges") or ():
        if item.get("type") != "GIT":
            yield from intervals_of_events(ecosystem, item.get("events") or ())


def _source(record: Mapping[str, Any]) -> str:
    for kind in ("ADVISORY", "REPORT", "WEB", "ARTICLE"):
        for reference in record.get("references") or ():
            if isinstance(reference, dict) and reference.get("type") == kind and reference.get("url"):
                return str(reference["url"])
    return f"https://osv.dev/vulnerability/{record['id']}"
