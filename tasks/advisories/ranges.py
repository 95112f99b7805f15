"""One OSV range, prepared for asking many versions.

Source: OSV schema, "Evaluation" (https://ossf.github.io/osv-schema/#evaluation). ECOSYSTEM and SEMVER ranges of PyPI
are both ordered by PEP 440, the ordering that pip installs by.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import Version

from tasks.advisories.intervals import Interval, Point, affected_intervals
from tasks.advisories.model import Event, EventKind, Verdict
from tasks.advisories.vague import Vague, may_be_affected, must_be_affected
from tasks.advisories.versions import Target, parse_version

__all__ = ["Ceiling", "RangeRule"]

_BEFORE_EVERYTHING = "0"
_NO_LIMIT = "*"
_REMEMBERED = 8_192


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The range's `limit` events: a version counts only below the highest of them; none means no limit.

    unreadable says that one limit is no PEP 440 version and might lie higher.
    """

    highest: Version | None
    unreadable: bool
    exists: bool

    @classmethod
    def of(cls, events: Iterable[Event]) -> "Ceiling":
        """Read the limits among a range's events; the text "*" stands for no limit."""
        texts = [event.version for event in events if event.kind is EventKind.LIMIT]
        versions = [parse_version(text) for text in texts]
        readable = [version for version in versions if version is not None]
        is_limited = bool(texts) and _NO_LIMIT not in texts
        return cls(max(readable, default=None), len(readable) < len(texts), is_limited)

    def temper(self, verdict: Verdict, version: Version) -> Verdict:
        """The range's verdict with the limits applied."""
        is_below = not self.exists or (self.highest is not None and version < self.highest)
        if is_below or verdict is Verdict.NOT_AFFECTED:
            return verdict
        return Verdict.UNDECIDABLE if self.unreadable else Verdict.NOT_AFFECTED


@dataclass(frozen=True, slots=True)
class RangeRule:
    """A range's events, sorted into those at a known place and the vague ones; intervals are those of the former."""

    points: tuple[Point, ...]
    vague: tuple[Vague, ...]
    ceiling: Ceiling
    intervals: tuple[Interval, ...]

    @classmethod
    def of(cls, events: Iterable[Event]) -> "RangeRule":
        """Prepare a range.

        A range without any `introduced` breaks the schema, which asks for one; it is taken as one that starts at
        an unknown version, so it never reads as safe.
        """
        return _prepared(tuple(events))

    def verdict(self, target: Target) -> Verdict:
        """What the range says about a version; one that is not PEP 440 is affected only where every version is."""
        if target.version is None:
            return Verdict.AFFECTED if self._holds_everything() else Verdict.UNDECIDABLE
        verdict = self._by_events(target, target.version)
        return self.ceiling.temper(verdict, target.version)

    def _by_events(self, target: Target, version: Version) -> Verdict:
        if all(event.is_after(version) for event in self.vague):
            is_held = any(interval.holds(target) for interval in self.intervals)
            return Verdict.AFFECTED if is_held else Verdict.NOT_AFFECTED
        if must_be_affected(self.points, self.vague, target):
            return Verdict.AFFECTED
        may_be = may_be_affected(self.points, self.vague, target)
        return Verdict.UNDECIDABLE if may_be else Verdict.NOT_AFFECTED

    def _holds_everything(self) -> bool:
        return self.intervals == (Interval(None, None, False),) and not self.vague and not self.ceiling.exists


@lru_cache(maxsize=_REMEMBERED)
def _prepared(events: tuple[Event, ...]) -> RangeRule:
    # Advisories of one project, and twins in two databases, repeat each other's ranges.
    points, vague = _sorted_out(event for event in events if event.kind is not EventKind.LIMIT)
    if not any(event.kind is EventKind.INTRODUCED for event in events):
        vague.append(Vague(EventKind.INTRODUCED, None, None))
    return RangeRule(tuple(points), tuple(vague), Ceiling.of(events), affected_intervals(points))


def _sorted_out(events: Iterable[Event]) -> tuple[list[Point], list[Vague]]:
    points: list[Point] = []
    vague: list[Vague] = []
    for kind, text in ((event.kind, event.version) for event in events):
        version = parse_version(text)
        if kind is EventKind.INTRODUCED and text == _BEFORE_EVERYTHING:
            points.append(Point(None, kind))
        elif version is not None:
            points.append(Point(version, kind))
        else:
            vague.append(Vague.of(kind, text))
    return points, vague
