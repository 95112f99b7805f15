"""The report of a scan as text: what was processed, what was found, what could not be checked, what changed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tasks.advisories.model import Severity
from tasks.history.changes import ScanChanges
from tasks.history.scanmodel import PackageEntry, ScanDocument
from tasks.reports.consulted import EPSS, KEV, exploitation_gap, silent_words
from tasks.reports.cost import cost_lines
from tasks.reports.decided import decision_lines
from tasks.reports.opinions import by_model, raised
from tasks.reports.since import since_line, vulnerability_line
from tasks.reports.upgrades import upgrade_lines
from tasks.review.model import ReviewStatus, SourceStatus, Tier
from tasks.text.plain import counted, one_line, section

__all__ = ["TIER_WORDS", "scan_report_lines", "source_gaps"]

TIER_WORDS = {
    Tier.SECURITY_RISK: "Security risk",
    Tier.MANUAL_REVIEW: "Manual review",
    Tier.UPDATE: "Update available",
    Tier.PROCEED: "Nothing to do",
}
_NO_VERSION = "no usable version"


def scan_report_lines(document: ScanDocument, changes: ScanChanges | None) -> Iterator[str]:
    """The report, line by line; changes are those since the last scan, None where there was none."""
    yield from _head(document, changes)
    yield from section("PROCESSING SUMMARY", _processing(document))
    yield from section("VULNERABILITY SUMMARY", _vulnerabilities(document.packages))
    yield from section("KNOWN TO BE EXPLOITED OR MALICIOUS", _exploited(document.packages))
    yield from section("SECURITY RISKS", _risks(document.packages))
    yield from decision_lines(document)
    unchecked = sum(1 for p in document.packages if p.status is ReviewStatus.FAILED and not p.vulnerabilities)
    yield from upgrade_lines(document.upgrade_plan, unchecked)
    yield from section("ERROR SUMMARY", _errors(document.packages))
    yield from section("SECOND OPINIONS OF A LANGUAGE MODEL (not verdicts)", _opinions(document.packages))
    yield from section("SKIPPED ROWS", _reasons(document.packages, ReviewStatus.SKIPPED))
    yield from section("COULD NOT CHECK", _reasons(document.packages, ReviewStatus.FAILED))
    yield from section("NOTES", (one_line(note) for note in document.summary.notes))
    yield from section("TIME AND COST", cost_lines(document.metrics))


def _head(document: ScanDocument, changes: ScanChanges | None) -> Iterator[str]:
    summary = document.summary
    yield "SCAN REPORT"
    yield "==========="
    yield f"Generated: {document.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Scan: {one_line(document.scan_id)}"
    yield f"Excel file: {one_line(document.input)}"
    yield f"Written to: {one_line(summary.workbook) if summary.workbook else 'no workbook was written'}"
    if summary.backup:
        yield f"Backup: {one_line(summary.backup)}"
    if summary.scope.dry_run:
        yield "Dry run mode: yes"
    scope = "" if summary.scope.whole else " (chosen rows only)"
    yield f"Total packages: {len(document.packages):,}{scope}"
    yield since_line(changes) if changes else "Since the last scan: no earlier scan of this workbook is kept"


def _processing(document: ScanDocument) -> Iterator[str]:
    statuses = Counter(package.status for package in document.packages)
    yield f"Processed: {statuses[ReviewStatus.REVIEWED]:,}"
    yield f"Failed: {statuses[ReviewStatus.FAILED]:,}"
    yield f"Skipped ({_NO_VERSION}): {statuses[ReviewStatus.SKIPPED]:,}"
    tiers = Counter(package.recommendation.tier for package in document.packages if package.recommendation)
    for tier, words in TIER_WORDS.items():
        yield f"{words}: {tiers[tier]:,}"
    yield f"Cells changed: {document.summary.changed_cells:,}"


def _vulnerabilities(packages: Sequence[PackageEntry]) -> Iterator[str]:
    affected = [package for package in packages if package.vulnerabilities]
    severities = Counter(found.severity for package in affected for found in package.vulnerabilities)
    total = counted(severities.total(), "vulnerability", "vulnerabilities")
    failed = sum(1 for package in packages if package.status is ReviewStatus.FAILED)
    unchecked = f"; {counted(failed, 'package')} could not be checked" if failed else ""
    yield f"{total} in {counted(len(affected), 'package')}{unchecked}"
    for severity in reversed(Severity):
        yield f"  {severity.value}: {severities[severity]:,}"


def _exploited(packages: Iterable[PackageEntry]) -> Iterator[str]:
    listed = list(packages)
    for package in listed:
        for found in package.vulnerabilities:
            if found.kev or found.malicious:
                yield vulnerability_line(package, found)
    if gap := exploitation_gap(listed):
        yield f"Perhaps not all: {gap}"


def _risks(packages: Iterable[PackageEntry]) -> Iterator[str]:
    affected = [(package.worst, package) for package in packages]
    known = [(worst, package) for worst, package in affected if worst is not None]
    for worst, package in sorted(known, key=lambda pair: pair[0].urgency, reverse=True):
        many = counted(len(package.vulnerabilities), "vulnerability", "vulnerabilities")
        clear = f"; {package.cleared_by} has none known" if package.cleared_by else ""
        where = f"{package.name} {package.version or ''} (row {package.row})"
        yield one_line(f"{where}: {many}, highest {worst.severity}{clear}")


def source_gaps(packages: Iterable[PackageEntry]) -> dict[str, Counter[str]]:
    """How often each source could not be checked, by source and reason; rows without a version are not counted."""
    gaps: dict[str, Counter[str]] = defaultdict(Counter)
    for package in packages:
        if package.status is ReviewStatus.SKIPPED:
            continue
        for source, answer in package.sources.items():
            if answer.status is SourceStatus.UNKNOWN:
                gaps[source][answer.reason or "no reason given"] += 1
    return dict(gaps)


def _errors(packages: Sequence[PackageEntry]) -> Iterator[str]:
    for source, reasons in source_gaps(packages).items():
        yield f"{source}: {counted(reasons.total(), 'package')} could not be checked"
        for reason, number in reasons.most_common():
            yield f"  {number:,} × {one_line(reason)}"
    # The other sources have verdicts of their own, and are among the lines above.
    yield from silent_words(packages, (KEV, EPSS))


def _opinions(packages: Iterable[PackageEntry]) -> Iterator[str]:
    for package, opinion in raised(packages):
        by = f" by {', '.join(opinion.ids)}" if opinion.ids else ""
        where = f"row {package.row} {package.name} {package.version or ''}"
        words = f"{by_model(opinion)}: likely affected{by}, check first"
        yield one_line(f"{where}: {words}; its words: {opinion.reason or 'none'}")


def _reasons(packages: Iterable[PackageEntry], status: ReviewStatus) -> Iterator[str]:
    for package in packages:
        if package.status is status:
            yield one_line(f"row {package.row} {package.name} {package.version or ''}: {package.reason or ''}")
