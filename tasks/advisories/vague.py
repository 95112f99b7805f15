"""Range events whose text is not a PEP 440 version, such as `fixed: 7.2.0-12.1` or `last_affected: 2.6.0-NA`.

Databases carry such text over from distribution packages and from NVD. Skipping it would call every later version
affected, guessing would call some of them safe. So each such event is taken at both ends of where it can lie; only
where both give the same answer is there one.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.version import Version

from tasks.advisories.intervals import Point
from tasks.advisories.model import EventKind
from tasks.advisories.versions import Target, parse_version

__all__ = ["Vague", "may_be_affected", "must_be_affected"]

# Two numbers at least: the first digits of a commit hash, a date or a Debian epoch are no release.
_RELEASE_FIRST = re.compile(r"v?([0-9]+(?:\.[0-9]+)+)(?![0-9])[A-Za-z0-9._+~\\-]*", re.ASCII)


class Vague(NamedTuple):
    """An event that lies somewhere from low up to, but not at, high; None is without bound on that side."""

    kind: EventKind
    low: Version | None
    high: Version | None

    @classmethod
    def of(cls, kind: EventKind, text: str) -> "Vague":
        """Where such text can lie: anywhere, or within the release that it starts with.

        "7.2.0-12.1" lies among the versions that begin with 7.2.0, whatever the rest means, because SemVer, Maven,
        Debian and RPM versions all order by the leading numbers first.
        """
        release = _RELEASE_FIRST.fullmatch(text)
        if release is None:
            return cls(kind, None, None)
        numbers = release[1].split(".")
        low = parse_version(f"{release[1]}.dev0")
        if low is None:
            return cls(kind, None, None)
        above = ".".join([*numbers[:-1], str(int(numbers[-1]) + 1)])
        return cls(kind, low, parse_version(f"{above}.dev0"))

    def is_after(self, version: Version) -> bool:
        """Whether the event lies after the version whatever its text means, and so says nothing about it."""
        return self.low is not None and version < self.low

    def placed(self, version: Version, *, strong: bool) -> Point | None:
        """The place where the event decides most about the version (strong), or least; None: after the version.

        Most is as late as can be, yet not after the version; least is after it, else as early as can be.
        """
        acts_as = EventKind.INTRODUCED if self.kind is EventKind.INTRODUCED else EventKind.FIXED
        if self.is_after(version):
            return None
        if self.high is None or version < self.high:
            return Point(version, acts_as) if strong else None
        return Point(self.high if strong else self.low, acts_as)


def may_be_affected(points: Iterable[Point], vague: Iterable[Vague], target: Target) -> bool:
    """Whether some placing of the vague events affects the target: starts late, ends mild, and starts win ties."""
    return _is_affected(points, vague, target, favoured=True)


def must_be_affected(points: Iterable[Point], vague: Iterable[Vague], target: Target) -> bool:
    """Whether every placing of the vague events affects the target: starts mild, ends late, and ends win ties."""
    return _is_affected(points, vague, target, favoured=False)


def _is_affected(points: Iterable[Point], vague: Iterable[Vague], target: Target, *, favoured: bool) -> bool:
    version = target.version
    if version is None:
        return favoured
    placed = (event.placed(version, strong=(event.kind is EventKind.INTRODUCED) is favoured) for event in vague)
    reached = (point for point in (*points, *placed) if point is not None and point.is_reached_by(target))
    last = max(reached, key=lambda point: _rank(point, favoured=favoured), default=None)
    return last is not None and last.kind is EventKind.INTRODUCED


def _rank(point: Point, *, favoured: bool) -> tuple[bool, Version | None, bool]:
    # Versions are compared only where both points have one: the place before every version ranks first.
    return point.place is not None, point.place, (point.kind is EventKind.INTRODUCED) is favoured
