"""The summary a person reads at the end of a scan."""

from collections.abc import Iterator

from tasks.advisories.model import Severity
from tasks.reports.result import ScanResult, summary
from tasks.review.model import PackageReview, ReviewStatus, Tier

_SHOWN = 10
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
        f"Reviewed {counts['packages']} packages in {metrics.wall_s:.1f} s"
        f" ({metrics.batches} batches, {metrics.cached_batches} from checkpoints)"
    )
    yield "  " + ", ".join(f"{counts['tiers'][tier.value]} {words}" for tier, words in _TIERS.items())
    found, where = counts["vulnerabilities"], counts["affected_packages"]
    yield f"  {found} vulnerabilities in {where} packages{_by_severity(counts)}"
    yield from _list("Most severe", _worst(result.packages))
    yield from _list("Skipped", (r for r in result.packages if r.status is ReviewStatus.SKIPPED), reasons=True)
    yield from _list("Could not check", (r for r in result.packages if r.status is ReviewStatus.FAILED), reasons=True)
    yield from result.notes
    yield _written(result)


def _by_severity(counts: dict[str, dict[str, int]]) -> str:
    found = [f"{n} {name.lower()}" for name in reversed(Severity) if (n := counts["severities"][name.value])]
    return f" ({', '.join(found)})" if found else ""


def _worst(reviews: tuple[PackageReview, ...]) -> Iterator[PackageReview]:
    affected = [r for r in reviews if r.vulnerabilities]
    yield from sorted(affected, key=lambda r: -max(v.cvss or v.severity.rank for v in r.vulnerabilities))


def _list(title: str, reviews: Iterator[PackageReview], *, reasons: bool = False) -> Iterator[str]:
    found = list(reviews)
    if not found:
        return
    yield f"{title} ({len(found)}):"
    for review in found[:_SHOWN]:
        yield f"  row {review.row} {review.name} {review.version}: {review.reason if reasons else _findings(review)}"
    if len(found) > _SHOWN:
        yield f"  ... and {len(found) - _SHOWN} more"


def _findings(review: PackageReview) -> str:
    count = len(review.vulnerabilities)
    top = max(review.vulnerabilities, key=lambda v: (v.severity.rank, v.cvss or 0.0))
    score = f", CVSS {top.cvss}" if top.cvss is not None else ""
    return f"{count} {'vulnerability' if count == 1 else 'vulnerabilities'} (highest: {top.severity}{score})"


def _written(result: ScanResult) -> str:
    if result.workbook is None:
        return "No workbook was written"
    backup = f"; backup: {result.backup}" if result.backup else ""
    if not result.changed_cells:
        return f"Workbook: {result.workbook} (nothing to change)"
    return f"Workbook: {result.workbook} ({result.changed_cells} cells changed{backup})"
