"""What every page is made of: headline, figures, notices, and lists of changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.advisories.model import Severity

__all__ = ["Entry", "Figure", "Group", "Head", "Notice", "SinceView", "duration", "moment", "tone_of"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A headline number, or a word where it is not known; tone is a class of the style sheet (4 to 0 by severity, ok,
    or nothing).
    """

    value: int | str
    label: str
    hint: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reader must know before the numbers."""

    title: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """The top of a page."""

    kicker: str
    title: str
    facts: Sequence[str]
    notices: Sequence[Notice]
    figures: Sequence[Figure]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list: a badge, what it is about, ids (linked where they have a page), and a detail."""

    what: str
    ids: Sequence[str] = ()
    badge: str = ""
    tone: str = "0"
    mark: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A titled list."""

    title: str
    entries: Sequence[Entry]
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SinceView:
    """What changed since the scan of that time; groups without entries are left out."""

    when: str
    groups: Sequence[Group]


def tone_of(severity: Severity, *, malicious: bool = False) -> str:
    """The class of a severity: 4 for critical (and for malicious packages) down to 0."""
    return "4" if malicious else str(severity.rank)


def moment(time: datetime) -> str:
    """A time of a result as people read it."""
    return f"{time.day} {time:%B %Y, %H:%M} UTC"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    if seconds < 60:  # noqa: PLR2004  a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004
