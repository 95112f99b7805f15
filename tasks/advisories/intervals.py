"""The affected intervals of one range whose events are all readable versions.

Source: OSV schema, "Evaluation" (https://ossf.github.io/osv-schema/#evaluation): events are taken in version order,
`introduced` starts and `fixed` ends before its version, `last_affected` ends after it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from packaging.version import Version

from tasks.advisories.model import EventKind
from tasks.advisories.versions import Target

__all__ = ["Interval", "Point", "affected_intervals"]


class Point(NamedTuple):
    """An event at a place on the line of versions; None is the place before every version."""

    place: Version | None
    kind: EventKind

    def is_reached_by(self, target: Target) -> bool:
        """Whether the event has happened by the target's version; `last_affected` only happens after its own."""
        version = target.version
        if version is None or self.place is None:
            return self.place is None
        if self.kind is EventKind.LAST_AFFECTED:
            return version > self.place
        return version >= self.place


class Interval(NamedTuple):
    """A stretch of versions: from low (None: from the first), to high (None: without end), with high if closed."""

    low: Version | None
    high: Version | None
    closed: bool

    def holds(self, target: Target) -> bool:
        """Whether the target's PEP 440 version lies within; False where it has none."""
        version = target.version
        if version is None or (self.low is not None and version < self.low):
            return False
        if self.high is None or version < self.high:
            return True
        return self.closed and version == self.high


def affected_intervals(points: Iterable[Point]) -> tuple[Interval, ...]:
    """The affected intervals, ascending and disjoint; the order in which the points come does not matter.

    The schema leaves open what happens where a start and an end share one version. Here the state before
    it goes on behind it: "fixed 2, introduced 2" between two intervals joins them, "introduced 2, fixed 2"
    on its own is empty, and "introduced 2, last_affected 2" is version 2 alone. Of two ends at one version,
    which the schema forbids, `fixed` counts.
    """
    found: list[Interval] = []
    low: Version | None = None
    inside = False
    for place, kinds in _by_place(points).items():
        starts, fixed = EventKind.INTRODUCED in kinds, EventKind.FIXED in kinds
        last = EventKind.LAST_AFFECTED in kinds and not fixed
        ends = last or fixed
        if inside and ends and not starts:
            found.append(Interval(low, place, last))
            inside = False
        elif not inside and starts and last:
            found.append(Interval(place, place, True))
        elif not inside and starts and not ends:
            low, inside = place, True
    return (*found, Interval(low, None, False)) if inside else tuple(found)


def _by_place(points: Iterable[Point]) -> Mapping[Version | None, set[EventKind]]:
    kinds: defaultdict[Version | None, set[EventKind]] = defaultdict(set)
    for place, kind in points:
        kinds[place].add(kind)
    first = {None: kinds.pop(None)} if None in kinds else {}
    return first | {place: kinds[place] for place in sorted(place for place in kinds if place is not None)}
