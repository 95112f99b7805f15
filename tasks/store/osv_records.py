"""OSV records as rows of the store."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceAnswerInvalid
from tasks.store.codec import encoded

__all__ = ["StoredRecord", "project_name", "record_of", "stamp"]

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record for one ecosystem; body is None where the record is not of OSV's shape and nothing may be decided."""

    id: str
    modified: str
    names: tuple[str, ...]
    cves: tuple[str, ...]
    body: bytes | None


def record_of(ecosystem: str, raw: Any) -> StoredRecord | None:
    """A decoded record as it is stored; None where not even an id and a package can be read."""
    try:
        advisory = parse_advisory(raw)
    except (SourceAnswerInvalid, AttributeError, TypeError):
        return _unreadable(ecosystem, raw)
    names = {project_name(ecosystem, entry.name) for entry in advisory.affected if _within(ecosystem, entry.ecosystem)}
    cves = tuple(sorted({name for name in (advisory.id, *advisory.aliases) if _CVE.fullmatch(name)}))
    return StoredRecord(advisory.id, advisory.modified, tuple(sorted(names)), cves, encoded(advisory))


def project_name(ecosystem: str, name: str) -> str:
    """The name a project is looked up by: PEP 503's on PyPI, as written elsewhere."""
    return canonicalize_name(name) if ecosystem == "PyPI" else name


def stamp(modified: str) -> str:
    """A time of change that compares equal however many zeros its fraction has."""
    whole, point, fraction = modified.strip().removesuffix("Z").partition(".")
    return whole + (point + fraction).rstrip("0.")


def _within(ecosystem: str, of_entry: str) -> bool:
    # "Debian:12" is a release of the ecosystem "Debian".
    return of_entry == ecosystem or of_entry.partition(":")[0] == ecosystem


def _unreadable(ecosystem: str, raw: Any) -> StoredRecord | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("id"), str):
        return None
    names = tuple(sorted({project_name(ecosystem, name) for name in _names(ecosystem, raw.get("affected"))}))
    return StoredRecord(raw["id"], str(raw.get("modified") or ""), names, (), None) if names else None


def _names(ecosystem: str, affected: Any) -> Iterator[str]:
    for entry in affected if isinstance(affected, list) else ():
        package = entry.get("package") if isinstance(entry, Mapping) else None
        if not isinstance(package, Mapping):
            continue
        name = package.get("name")
        if isinstance(name, str) and _within(ecosystem, str(package.get("ecosystem") or "")):
            yield name
