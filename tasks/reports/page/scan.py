"""The page of a scan: headline numbers, what is new and gone, every package with its findings, coverage, run."""

from collections.abc import Iterable, Iterator

from tasks.history.changes import ScanChanges
from tasks.history.scanmodel import PackageEntry, ScanDocument
from tasks.reports.cost import requests_words
from tasks.reports.page.changes import since_view
from tasks.reports.page.charts import bars, timeline
from tasks.reports.page.coverage import coverage, problems, severities, tiers
from tasks.reports.page.decisions import decision_groups
from tasks.reports.page.entries import finding_entry
from tasks.reports.page.headline import head
from tasks.reports.page.opinions import opinion_group
from tasks.reports.page.render import render
from tasks.reports.page.table import most_urgent, table_row
from tasks.reports.page.upgrades import upgrade_group
from tasks.reports.page.view import Group

__all__ = ["scan_page"]


def scan_page(document: ScanDocument, changes: ScanChanges | None) -> Iterator[str]:
    """The page, piece by piece; changes are those since the last scan, None where there was none."""
    shown, left_out = most_urgent(document.packages)
    news = {_key(change.package) for change in changes.new} if changes else frozenset()
    return render(
        "scan.html.j2",
        head=head(document, changes),
        exploited=_exploited(document.packages),
        decisions=list(decision_groups(document)),
        opinions=opinion_group(document),
        upgrades=upgrade_group(document.upgrade_plan),
        changes=since_view(changes) if changes else None,
        severities=bars(severities(document.packages)),
        tiers=tiers(document.packages),
        rows=[table_row(package, is_new=_key(package) in news) for package in shown],
        left_out=left_out,
        coverage=list(coverage(document.packages)),
        problems=list(problems(document.packages)),
        time=timeline(document.metrics.timeline),
        files=list(_files(document)),
        notes=document.summary.notes,
    )


def _key(package: PackageEntry) -> tuple[str, str | None]:
    return package.name, package.version


def _exploited(packages: Iterable[PackageEntry]) -> Group | None:
    pairs = [(package, one) for package in packages for one in package.vulnerabilities if one.kev or one.malicious]
    ordered = sorted(pairs, key=lambda pair: pair[1].urgency, reverse=True)
    entries = [finding_entry(package, one, detail=_remedy(package)) for package, one in ordered]
    return Group("Exploited or malicious", entries) if entries else None


def _remedy(package: PackageEntry) -> str:
    place = f"row {package.row}"
    return f"{place}; {package.cleared_by} has no known vulnerability" if package.cleared_by else place


def _files(document: ScanDocument) -> Iterator[tuple[str, str]]:
    summary, metrics = document.summary, document.metrics
    yield "Input", document.input
    yield "Workbook", summary.workbook or "not written"
    if summary.backup:
        yield "Backup", summary.backup
    yield "Cells changed", f"{summary.changed_cells:,}"
    yield "Batches", f"{metrics.batches:,}, {metrics.cached_batches:,} of them stored by an earlier run"
    yield "Requests", requests_words(metrics)
    yield "Memory", f"at most {metrics.peak_rss_mb:,} MB"
