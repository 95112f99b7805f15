"""The lines of the summary sheet: what a scan found, for whoever opens the workbook first."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tasks.advisories.model import Severity
from tasks.reports.consulted import exploitation_gap, silent_words
from tasks.reports.result import summary
from tasks.reports.scanreport import TIER_WORDS
from tasks.review.model import PackageReview, ReviewStatus, VulnerabilityReview
from tasks.text.plain import one_line

__all__ = ["summary_sheet_lines"]

_MOST = 200
Line = tuple[str | int | float | None, ...]


def summary_sheet_lines(reviews: Sequence[PackageReview], rows: int, now: datetime) -> Iterator[Line]:
    """The lines, up to five cells each; rows are the workbook's package rows, now is naive UTC."""
    counts = summary(reviews)
    yield ()
    yield "Scanned (UTC)", f"{now:%Y-%m-%d %H:%M}"
    yield "Package rows", rows
    yield "Looked at by this scan", len(reviews)
    for tier, words in TIER_WORDS.items():
        yield words, counts["tiers"][tier.value]
    yield "Vulnerabilities", counts["vulnerabilities"]
    for severity in reversed(Severity):
        yield f"  {severity.value.capitalize()}", counts["severities"][severity.value]
    urgent = sum(1 for review in reviews for one in review.vulnerabilities if _urgent(one))
    gap = exploitation_gap(reviews)
    if gap is None:
        yield "Exploited or malicious", urgent
    else:
        yield "Exploited or malicious", urgent or "not known", f"perhaps more: {gap}" if urgent else gap
    yield "Decided by reviewers", sum(1 for review in reviews for one in review.vulnerabilities if one.settled)
    yield "Could not check", len(counts["could_not_check"])
    for line in silent_words(reviews):
        yield "", line
    yield from _risks(reviews)
    yield from _gaps(reviews)


def _risks(reviews: Sequence[PackageReview]) -> Iterator[Line]:
    affected = sorted((one for one in reviews if one.vulnerabilities), key=_order, reverse=True)
    yield ()
    yield "Packages at risk", "Installed", "Highest severity", "Clean version", "Advisories"
    for review in affected[:_MOST]:
        worst = max(review.vulnerabilities, key=_urgency)
        words = "MALICIOUS" if worst.malicious else f"{worst.severity}{', exploited' if worst.kev else ''}"
        ids = ", ".join(one.ids[0] for one in sorted(review.vulnerabilities, key=_urgency, reverse=True))
        clean = review.cleared_by or "none known"
        yield one_line(review.name), one_line(review.version), words, one_line(clean), one_line(ids, 200)
    if len(affected) > _MOST:
        yield (f"... and {len(affected) - _MOST:,} more in the review sheet",)
    if not affected:
        failed = any(review.status is ReviewStatus.FAILED for review in reviews)
        yield ("none among those that could be checked" if failed else "none",)


def _gaps(reviews: Sequence[PackageReview]) -> Iterator[Line]:
    failed = [review for review in reviews if review.status is ReviewStatus.FAILED]
    if not failed:
        return
    yield ()
    yield "Could not check", "Installed", "Why"
    for review in failed[:_MOST]:
        yield one_line(review.name), one_line(review.version), one_line(review.reason or "", 200)
    if len(failed) > _MOST:
        yield (f"... and {len(failed) - _MOST:,} more in the review sheet",)


def _urgent(one: VulnerabilityReview) -> bool:
    return one.kev or one.malicious


def _urgency(one: VulnerabilityReview) -> tuple[bool, bool, int, float]:
    return one.malicious, one.kev, one.severity.rank, one.cvss or 0.0


def _order(review: PackageReview) -> tuple[bool, bool, int, float]:
    return max(map(_urgency, review.vulnerabilities))
