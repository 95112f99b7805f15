"""The summary a person reads at the end of a scan."""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.advisories.model import Severity
from tasks.http.metrics import ServiceMetrics
from tasks.reports.advice import advice
from tasks.reports.consulted import silent_words
from tasks.reports.decided import decision_summary
from tasks.reports.result import ScanResult, summary
from tasks.reports.since import since_line
from tasks.review.model import PackageReview, ReviewStatus, Tier, VulnerabilityReview
from tasks.text.plain import counted as _count
from tasks.text.plain import one_line

_SHOWN = 10
_NAME = 80
"""Characters of a name or a version: cells may hold thousands."""

_ONE, _MANY = "vulnerability", "vulnerabilities"
_TIERS = {
    Tier.SECURITY_RISK: "security risk",
    Tier.MANUAL_REVIEW: "manual review",
    Tier.UPDATE: "update available",
    Tier.PROCEED: "nothing to do",
}


def summary_lines(result: ScanResult) -> Iterator[str]:
    """The summary, line by line: what was reviewed, what was found, what could not be checked, what was written."""
    counts = summary(result.packages)
    metrics = result.metrics
    yield (
        f"Reviewed {_count(counts['packages'], 'package')} in {metrics.wall_s:.1f} s"
        f" ({_count(metrics.batches, 'batch', 'batches')}, {metrics.cached_batches:,} from checkpoints)"
    )
    yield "  " + ", ".join(f"{counts['tiers'][tier.value]:,} {words}" for tier, words in _TIERS.items())
    found, where = counts["vulnerabilities"], counts["affected_packages"]
    yield f"  {_count(found, _ONE, _MANY)} in {_count(where, 'package')}{_by_severity(counts)}{_unchecked(counts)}"
    yield from (f"  {line}" for line in silent_words(result.packages))
    decided = decision_summary((v.decision for r in result.packages for v in r.vulnerabilities), result.decisions)
    if decided:
        yield f"  {decided}"
    yield from _list("Most severe", _worst(result.packages))
    yield from _list("Skipped", (r for r in result.packages if r.status is ReviewStatus.SKIPPED), reasons=True)
    yield from _list("Could not check", (r for r in result.packages if r.status is ReviewStatus.FAILED), reasons=True)
    yield from result.notes
    yield from advice({name: ServiceMetrics(**figures) for name, figures in metrics.services.items()})
    if result.since:
        yield since_line(result.since)
    yield _written(result)
    if result.page:
        yield f"Report: {result.page}"


def _by_severity(counts: dict[str, dict[str, int]]) -> str:
    found = [f"{n:,} {name.lower()}" for name in reversed(Severity) if (n := counts["severities"][name.value])]
    return f" ({', '.join(found)})" if found else ""


def _unchecked(counts: Mapping[str, Any]) -> str:
    """Without it, no vulnerability in what nobody could look up reads like none."""
    failed = len(counts["could_not_check"])
    return f"; {_count(failed, 'package')} could not be checked" if failed else ""


def _worst(reviews: tuple[PackageReview, ...]) -> Iterator[PackageReview]:
    affected = [r for r in reviews if r.vulnerabilities]
    yield from sorted(affected, key=lambda review: max(map(_urgency, review.vulnerabilities)), reverse=True)


def _urgency(found: VulnerabilityReview) -> tuple[bool, bool, int, float]:
    return not found.settled, found.malicious, found.severity.rank, found.cvss or 0.0


def _list(title: str, reviews: Iterator[PackageReview], *, reasons: bool = False) -> Iterator[str]:
    found = list(reviews)
    if not found:
        return
    yield f"{title} ({len(found):,}):"
    for review in found[:_SHOWN]:
        said = (review.reason or "") if reasons else _findings(review)
        yield one_line(f"  row {review.row} {one_line(review.name, _NAME)} {one_line(review.version, _NAME)}: {said}")
    if len(found) > _SHOWN:
        yield f"  ... and {len(found) - _SHOWN:,} more"


def _findings(review: PackageReview) -> str:
    top = max(review.vulnerabilities, key=_urgency)
    score = f", CVSS {top.cvss}" if top.cvss is not None else ""
    malicious = "MALICIOUS, " if top.malicious else ""
    settled = len(review.vulnerabilities) - len(review.open_vulnerabilities)
    decided = f", {settled} decided" if settled else ""
    return f"{malicious}{_count(len(review.vulnerabilities), _ONE, _MANY)} (highest: {top.severity}{score}){decided}"


def _written(result: ScanResult) -> str:
    if result.workbook is None:
        return "No workbook was written"
    backup = f"; backup: {result.backup}" if result.backup else ""
    if not result.changed_cells and not result.added_rows:
        return f"Workbook: {result.workbook} (nothing to change)"
    added = f", {_count(result.added_rows, 'row')} added" if result.added_rows else ""
    return f"Workbook: {result.workbook} ({_count(result.changed_cells, 'cell')} changed{added}{backup})"
