"""What an indicator is, and what a list of them may hold wrong."""

from dataclasses import dataclass
from enum import StrEnum

from tasks.errors import InputError


class IndicatorError(InputError):
    """A list of indicators cannot be used: the message names the file, the place and the reason."""


class Match(StrEnum):
    """What an indicator says of a version. POSSIBLE: a range that cannot be compared with it."""

    YES = "yes"
    POSSIBLE = "possible"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of an interval: a version as published, and whether it belongs to the interval."""

    version: str
    included: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of versions; None stands for no end on that side."""

    low: Bound | None = None
    high: Bound | None = None


@dataclass(frozen=True, slots=True)
class Indicator:
    """One claim that versions of a package are malicious.

    ecosystem is OSV's spelling without suffix (https://ossf.github.io/osv-schema/#affectedpackage-field); id names the
    claim (MAL-2025-1, or list and name); source says who makes it: an address, or the list's file name. versions
    are exact, intervals are ranges; is_any says that every version is malicious, is_vague that nobody can tell which.
    """

    ecosystem: str
    name: str
    id: str
    source: str
    versions: tuple[str, ...] = ()
    intervals: tuple[Interval, ...] = ()
    is_any: bool = False
    note: str = ""
    is_vague: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """What one list holds: indicators, what it allows, how many withdrawn records it has, and what is odd in it."""

    indicators: tuple[Indicator, ...] = ()
    allowed: tuple[Indicator, ...] = ()
    withdrawn: int = 0
    warnings: tuple[str, ...] = ()
