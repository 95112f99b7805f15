"""What a review could not check, and what reviewers decided, in words: never left out of an export."""

from tasks.decisions.model import DecisionNote
from tasks.review.model import PackageReview, ReviewStatus, SourceStatus

__all__ = ["decision_words", "gaps_of", "undecided"]


def gaps_of(review: PackageReview) -> tuple[str, ...]:
    """A clause for whatever could not be checked: the row itself, or each source that was asked and could not answer.

    Sources that were not consulted without this being a failure, and advisories in `undecided`, are not among them.
    """
    if review.status is ReviewStatus.SKIPPED:
        return (f"not looked up: {review.reason or 'no usable version'}",)
    silent = tuple(
        f"{name.value}: {answer.reason or 'could not check'}"
        for name, answer in review.sources.items()
        if answer.status is SourceStatus.UNKNOWN and not answer.enrichment
    )
    if review.status is ReviewStatus.FAILED:
        return tuple(dict.fromkeys((review.reason or "could not check", *silent)))
    return silent


def undecided(review: PackageReview) -> tuple[str, ...]:
    """Advisories that could not be compared with the version, without those that are known to affect it; sorted."""
    known = {name for found in review.vulnerabilities for name in (*found.ids, *found.aliases)}
    return tuple(sorted({i for answer in review.sources.values() for i in answer.undecidable} - known))


def decision_words(note: DecisionNote) -> str:
    """Who decided what until when and why; where it does not count, that and the reason."""
    said = f"{note.kind.words}, decided by {note.owner} until {note.expiry.isoformat()}: {note.reason}"
    if note.counts:
        return said
    return f"{said} (does not count: {note.why or note.standing.value.replace('_', ' ')})"
