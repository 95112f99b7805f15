"""Range events whose text is not a PEP 440 version, such as `fixed: 7.2.0-12.1` or `last_affected: 2.6.0-NA`.

Databases carry such text over from distribution packages and from NVD. Skipping it would call every later version
affected, guessing would call some of them safe. So each such event is taken at both ends of where it can lie; only
where both give the same answer is there one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from packaging.version import Version

from tasks.advisories.intervals import Point
from tasks.advisories.model import EventKind
from tasks.advisories.versions import parse_version

__all__ = ["Vague", "least_affected", "most_affected"]

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

    def strongest(self, version: Version) -> Point | None:
        """The place where the event decides most about the version: as late as possible, yet not after it."""
        if self._is_after(version):
            return None
        return Point(version if self.high is None or version < self.high else self.high, self._acts_as())

    def mildest(self, version: Version) -> Point | None:
        """The place where the event decides least about the version: after it, else as early as possible."""
        if self.high is None or version < self.high:
            return None
        return Point(self.low, self._acts_as())

    def _is_after(self, version: Version) -> bool:
        return self.low is not None and version < self.low

    def _acts_as(self) -> EventKind:
        return EventKind.INTRODUCED if self.kind is EventKind.INTRODUCED else EventKind.FIXED


def most_affected(vague: Iterable[Vague], version: Version) -> Iterator[Point]:
    """The vague events placed so that the version is affected if it can be at all: starts late, ends mild."""
    return _placed(vague, version, strong=True)


def least_affected(vague: Iterable[Vague], version: Version) -> Iterator[Point]:
    """The vague events placed so that the version is affected only if it must be: starts mild, ends late."""
    return _placed(vague, version, strong=False)


def _placed(vague: Iterable[Vague], version: Version, *, strong: bool) -> Iterator[Point]:
    for event in vague:
        is_strong = (event.kind is EventKind.INTRODUCED) is strong
        point = event.strongest(version) if is_strong else event.mildest(version)
        if point is not None:
            yield point
