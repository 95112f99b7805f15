"""Advisories as bytes of the store: compact, read back without another look at every value.

What is written was checked when it was parsed, and zlib's checksum (RFC 1950) tells damage; so reading trusts it, which
makes it several times faster than parsing an OSV record. Lists of versions and events are one text each: that is
quicker to read than a list, and the records of a project repeat them, so that most are looked up rather than made.
"""

import json
import sys
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from tasks.advisories.model import Advisory, Affected, Event, EventKind, Severity
from tasks.advisories.versions import version_key

__all__ = ["decoded", "encoded"]

_BETWEEN = " "
"""Between the items of a list that is one text; a list with an item that holds it, or is empty, stays a list."""

_LETTERS = {
    EventKind.INTRODUCED: "i",
    EventKind.FIXED: "f",
    EventKind.LAST_AFFECTED: "a",
    EventKind.LIMIT: "l",
}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_FORMER_KINDS = {kind.value: kind for kind in EventKind}
"""Stores of schema 1 have (kind, version) pairs in lists."""

_REMEMBERED = 4096
_LABELS = {label.value: label for label in Severity}


def encoded(advisory: Advisory) -> bytes:
    """The advisory's bytes; versions of PyPI become their `version_key`s."""
    affected = [
        [entry.ecosystem, entry.name, _joined(_versions(entry)), list(map(_written, entry.ranges)), entry.vectors]
        for entry in advisory.affected
    ]
    head = [advisory.id, advisory.modified, advisory.aliases, advisory.withdrawn, advisory.summary]
    value = [*head, advisory.vectors, advisory.label.value, affected]
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 1)


def _versions(entry: Affected) -> Sequence[str]:
    """PyPI's as keys: making those is most of the work of matching, and they are asked for far more often than made."""
    return list(dict.fromkeys(map(version_key, entry.versions))) if _is_keyed(entry.ecosystem) else entry.versions


def _written(events: Iterable[Event]) -> str | Sequence[str]:
    return _joined([_LETTERS[event.kind] + event.version for event in events])


def _joined(items: Sequence[str]) -> str | Sequence[str]:
    return _BETWEEN.join(items) if all(item and _BETWEEN not in item for item in items) else items


def _is_keyed(ecosystem: str) -> bool:
    return ecosystem.partition(":")[0] == "PyPI"


def decoded(identifier: str, body: bytes | None) -> Advisory | None:
    """The advisory of these bytes; None where they are damaged, missing, or another record's."""
    if body is None:
        return None
    try:
        value = json.loads(zlib.decompress(body))
        advisory = _advisory(value)
    except (zlib.error, ValueError, TypeError, KeyError, IndexError):
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
    listed = _items(versions) if isinstance(versions, str) else tuple(versions)
    events = tuple([_events(e) if isinstance(e, str) else _listed_events(e) for e in ranges])
    return Affected(ecosystem, name, listed, events, tuple(vectors), _is_keyed(ecosystem))


@lru_cache(maxsize=_REMEMBERED)
def _items(joined: str) -> tuple[str, ...]:
    return tuple(map(sys.intern, joined.split(_BETWEEN))) if joined else ()


@lru_cache(maxsize=_REMEMBERED)
def _events(joined: str) -> tuple[Event, ...]:
    return _listed_events(_items(joined))


def _listed_events(items: Iterable[Any]) -> tuple[Event, ...]:
    return tuple([_event(item) for item in items])


def _event(item: Any) -> Event:
    if isinstance(item, str):
        return Event(_KINDS[item[0]], item[1:])
    kind, version = item
    return Event(_FORMER_KINDS[kind], version)
