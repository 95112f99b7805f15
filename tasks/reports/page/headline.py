"""The top of the page of a scan: what must be known first, and the headline numbers."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from tasks.advisories.model import Severity
from tasks.history.changes import ScanChanges
from tasks.history.scanmodel import PackageEntry, ScanDocument
from tasks.reports.consulted import EPSS, KEV, exploitation_gap, silent_words
from tasks.reports.page.view import Figure, Head, Notice, duration, moment
from tasks.review.model import ReviewStatus, Tier
from tasks.text.plain import counted

__all__ = ["head"]


def head(document: ScanDocument, changes: ScanChanges | None) -> Head:
    """The top of the page; changes are those since the last scan."""
    facts = [f"Scanned {moment(document.finished_at)}", f"in {duration(document.metrics.wall_s)}"]
    facts.append(f"scan {document.scan_id}")
    title = PurePath(document.input.replace("\\", "/")).name or document.input
    return Head("Security review", title, facts, list(_notices(document)), list(_figures(document, changes)))


def _notices(document: ScanDocument) -> Iterator[Notice]:
    failed = [package for package in document.packages if package.status is ReviewStatus.FAILED]
    if failed:
        many = counted(len(failed), "package")
        yield Notice(f"{many} could not be checked.", "What is not known is not safe; see Coverage.", bad=True)
    # Sources with verdicts of their own are in the table of coverage.
    silent = list(silent_words(document.packages, (KEV, EPSS)))
    if silent:
        yield Notice("Exploitation is not known of every vulnerability.", f"{'; '.join(silent)}.")
    if document.summary.scope.dry_run:
        yield Notice("Dry run.", "No workbook was written.")
    elif document.summary.workbook is None:
        yield Notice("The workbook was not written.", "The results are kept; the notes below say why.", bad=True)
    if not document.summary.scope.whole:
        yield Notice("Chosen rows only.", "This scan was not asked to look at the whole workbook.")


def _figures(document: ScanDocument, changes: ScanChanges | None) -> Iterator[Figure]:
    packages = document.packages
    affected = [package for package in packages if package.vulnerabilities]
    found = [one for package in affected for one in package.vulnerabilities]
    severe = Counter(one.severity for one in found)
    tiers = Counter(package.recommendation.tier for package in packages if package.recommendation)
    failed = sum(1 for package in packages if package.status is ReviewStatus.FAILED)
    skipped = sum(1 for package in packages if package.status is ReviewStatus.SKIPPED)
    new = f"{len(changes.new):,} new, {len(changes.fixed):,} fixed" if changes else ""
    yield Figure(len(packages), "Packages", f"{tiers[Tier.UPDATE]:,} with an update available")
    # Nothing found is good news only where nothing waits for a person and every source answered.
    none = "" if tiers[Tier.MANUAL_REVIEW] or any(package.gaps for package in packages) else "ok"
    yield Figure(len(affected), "With vulnerabilities", _share(len(affected), packages), "4" if affected else none)
    hint = f"{severe[Severity.CRITICAL]:,} critical, {severe[Severity.HIGH]:,} high"
    yield Figure(len(found), "Vulnerabilities", f"{hint}; {new}" if new else hint, "3" if found else none)
    yield _urgent_figure(packages, sum(1 for one in found if one.kev or one.malicious))
    hint = f"{skipped:,} without a usable version" if skipped else "rows without an answer"
    yield Figure(failed, "Could not check", hint, "2" if failed else none)


def _urgent_figure(packages: Sequence[PackageEntry], urgent: int) -> Figure:
    """Green only where every package was checked and KEV answered for each that has a vulnerability."""
    gap, label = exploitation_gap(packages), "Exploited or malicious"
    if urgent:
        return Figure(urgent, label, f"perhaps more: {gap}" if gap else "act on these first", "4")
    return Figure("?", label, gap) if gap else Figure(0, label, "none known", "ok")


def _share(part: int, packages: Sequence[PackageEntry]) -> str:
    return f"{100 * part / len(packages):.0f} % of all" if packages else "no packages"
