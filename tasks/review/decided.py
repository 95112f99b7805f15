"""What column W says of reviewers' decisions: which findings, what, whose, until when, and what does not count."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from tasks.decisions.model import DecisionNote, Standing
from tasks.review.model import PackageReview

__all__ = ["decision_parts", "lived_with_until"]

_SHOWN_IDS = 5
_SHOWN_PARTS = 5
_LONGEST_REASON = 200
_OPENINGS = {
    Standing.IN_FORCE: "📝 DECIDED",
    Standing.EXPIRED: "⏰ DECISION EXPIRED",
    Standing.GREW_WORSE: "📈 WORSE THAN WHEN DECIDED",
    Standing.NOT_ALLOWED: "⛔ DECISION DOES NOT COUNT",
}


def decision_parts(review: PackageReview) -> tuple[str, ...]:
    """One part per decision, those that do not count any more first; () where nothing was decided."""
    groups: dict[tuple[object, ...], list[DecisionNote]] = defaultdict(list)
    for note in _notes(review):
        groups[note.standing, note.kind, note.owner, note.expiry, note.reason, note.why].append(note)
    said = [_part(notes) for notes in sorted(groups.values(), key=lambda notes: notes[0].counts)]
    left = len(said) - _SHOWN_PARTS
    more = (f"{_OPENINGS[Standing.IN_FORCE]}: {left} more, see the report",) if left > 0 else ()
    return (*said[:_SHOWN_PARTS], *more)


def lived_with_until(review: PackageReview) -> date | None:
    """The first day on which a decision to live with a risk ends; None where none of those is in force."""
    return min((note.expiry for note in _notes(review) if note.counts and not note.kind.denies), default=None)


def _notes(review: PackageReview) -> Iterator[DecisionNote]:
    return (found.decision for found in review.vulnerabilities if found.decision is not None)


def _part(notes: Sequence[DecisionNote]) -> str:
    first = notes[0]
    ids = list(dict.fromkeys(note.advisory for note in notes))
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    why = f" ({first.why})" if first.why else ""
    until = f"owner {_plain(first.owner)}, until {first.expiry}"
    what = f"{', '.join(ids[:_SHOWN_IDS])}{more} {first.kind.words} ({until}): {_plain(first.reason)}"
    return f"{_OPENINGS[first.standing]}{why}: {what}"


def _plain(text: str) -> str:
    """Text of a person without what separates the parts of the cell."""
    cut = text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"
    return cut.replace("|", "/")
