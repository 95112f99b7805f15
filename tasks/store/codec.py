"""Advisories as bytes of the store: compact, read back without another look at every value.

What is written was checked when it was parsed, and zlib's checksum (RFC 1950) tells damage; so reading trusts it, which
makes it several times faster than parsing an OSV record.
"""

import json
import zlib
from typing import Any

from tasks.advisories.model import Advisory, Affected, Event, EventKind, Severity
from tasks.advisories.versions import version_key

__all__ = ["decoded", "encoded"]

_KINDS = {kind.value: kind for kind in EventKind}
_LABELS = {label.value: label for label in Severity}


def encoded(advisory: Advisory) -> bytes:
    """The advisory's bytes; versions of PyPI become their `version_key`s."""
    affected = [
        [
            entry.ecosystem,
            entry.name,
            _versions(entry),
            [[(event.kind.value, event.version) for event in events] for events in entry.ranges],
            entry.vectors,
        ]
        for entry in advisory.affected
    ]
    head = [advisory.id, advisory.modified, advisory.aliases, advisory.withdrawn, advisory.summary]
    value = [*head, advisory.vectors, advisory.label.value, affected]
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def _versions(entry: Affected) -> list[str]:
    """PyPI's as keys: making those is most of the work of matching, and they are asked for far more often than made."""
    return list(dict.fromkeys(map(version_key, entry.versions)) if _is_keyed(entry.ecosystem) else entry.versions)


def _is_keyed(ecosystem: str) -> bool:
    return ecosystem.partition(":")[0] == "PyPI"


def decoded(identifier: str, body: bytes | None) -> Advisory | None:
    """The advisory of these bytes; None where they are damaged, missing, or another record's."""
    if body is None:
        return None
    try:
        value = json.loads(zlib.decompress(body))
        advisory = _advisory(value)
    except (zlib.error, ValueError, TypeError, KeyError):
        return None
    return advisory if advisory.id == identifier else None


def _advisory(value: Any) -> Advisory:
    name, modified, aliases, withdrawn, summary, vectors, label, affected = value
    return Advisory(
        name,
        modified,
        tuple(aliases),
        withdrawn,
        summary,
        tuple([_affected(entry) for entry in affected]),
        tuple(vectors),
        _LABELS[label],
    )


def _affected(entry: Any) -> Affected:
    ecosystem, name, versions, ranges, vectors = entry
    kinds = _KINDS
    events = tuple([tuple([Event(kinds[kind], version) for kind, version in events]) for events in ranges])
    return Affected(ecosystem, name, tuple(versions), events, tuple(vectors), _is_keyed(ecosystem))
