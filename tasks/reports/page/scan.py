"""The page of a scan: headline numbers, what is new and gone, every package with its findings, coverage, run."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tasks.advisories.model import Severity
from tasks.history.changes import FindingChange, PackageChange, ScanChanges
from tasks.history.model import PackageEntry, ScanDocument, VulnerabilityEntry
from tasks.reports.consulted import EPSS, KEV, blank, exploitation_gap, silent_words
from tasks.reports.page.charts import bars, timeline
from tasks.reports.page.decisions import decision_groups
from tasks.reports.page.links import advisory_url, project_url
from tasks.reports.page.opinions import opinion_group
from tasks.reports.page.render import render
from tasks.reports.page.upgrades import upgrade_group
from tasks.reports.page.view import Entry, Figure, Group, Head, Notice, SinceView, duration, moment, tone_of
from tasks.reports.scanreport import TIER_WORDS, source_gaps
from tasks.review.model import ReviewStatus, SourceStatus, Tier
from tasks.text.plain import counted, one_line

__all__ = ["scan_page"]

_MOST_ROWS = 10_000
_OPEN = 4
_MOST_FOUND = 1_000
_TONES = {Tier.SECURITY_RISK: "4", Tier.MANUAL_REVIEW: "2", Tier.UPDATE: "1", Tier.PROCEED: "ok"}
_SOURCES = {
    "osv": "OSV",
    "github": "GitHub Advisory",
    "nvd": "NIST NVD",
    "mitre": "MITRE CVE",
    "snyk": "Snyk",
    "exploitdb": "Exploit Database",
}
_STATUSES = (
    SourceStatus.AFFECTED,
    SourceStatus.NOT_AFFECTED,
    SourceStatus.NONE_FOUND,
    SourceStatus.NOT_APPLICABLE,
    SourceStatus.UNKNOWN,
)


def scan_page(document: ScanDocument, changes: ScanChanges | None) -> Iterator[str]:
    """The page, piece by piece; changes are those since the last scan, None where there was none."""
    shown, left_out = _shown(document.packages)
    news = {_key(change.package) for change in changes.new} if changes else frozenset()
    return render(
        "scan.html.j2",
        head=_head(document, changes),
        exploited=_exploited(document.packages),
        decisions=list(decision_groups(document)),
        opinions=opinion_group(document),
        upgrades=upgrade_group(document.upgrade_plan),
        changes=_since(changes) if changes else None,
        severities=bars(_severities(document.packages)),
        tiers=_tiers(document.packages),
        rows=[_row(package, is_new=_key(package) in news) for package in shown],
        left_out=left_out,
        coverage=list(_coverage(document.packages)),
        problems=list(_problems(document.packages)),
        time=timeline(document.metrics.timeline),
        files=list(_files(document)),
        notes=document.summary.notes,
    )


def _key(package: PackageEntry) -> tuple[str, str | None]:
    return package.name, package.version


def _shown(packages: Sequence[PackageEntry]) -> tuple[list[PackageEntry], int]:
    """The packages of the table, most urgent first; of very many only those that want something."""
    ordered = sorted(packages, key=_urgency, reverse=True)
    return ordered[:_MOST_ROWS], max(0, len(ordered) - _MOST_ROWS)


def _urgency(package: PackageEntry) -> tuple[bool, bool, int, float, int]:
    worst = package.worst
    order = list(reversed(Tier))
    rank = order.index(package.recommendation.tier) if package.recommendation else len(order)
    if worst is None:
        return False, False, -1, float(rank), -package.row
    return worst.malicious, any(one.kev for one in package.vulnerabilities), *worst.urgency[2:], -package.row


# ---- the top


def _head(document: ScanDocument, changes: ScanChanges | None) -> Head:
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


def _exploited(packages: Iterable[PackageEntry]) -> Group | None:
    pairs = [(package, one) for package in packages for one in package.vulnerabilities if one.kev or one.malicious]
    ordered = sorted(pairs, key=lambda pair: pair[1].urgency, reverse=True)
    entries = [_finding_entry(package, one, detail=_remedy(package)) for package, one in ordered]
    return Group("Exploited or malicious", entries) if entries else None


def _remedy(package: PackageEntry) -> str:
    place = f"row {package.row}"
    return f"{place}; {package.cleared_by} has no known vulnerability" if package.cleared_by else place


# ---- changes


def _since(changes: ScanChanges) -> SinceView:
    groups = (
        Group("Newly known to be exploited", [_changed(one) for one in changes.exploited]),
        Group("New", [_changed(one) for one in changes.new]),
        Group(
            "Not checked this time",
            [_changed(one, one.reason or "") for one in changes.not_checked],
            "Known before, and the source that told of them did not answer: not fixed.",
        ),
        Group(
            "Not known last time",
            [_changed(one, one.reason or "") for one in changes.unknown_before],
            "The earlier scan had no answer about them: they may have been there then.",
        ),
        Group("Another severity", [_changed(one, f"was {one.before}") for one in changes.severity]),
        Group("Fixed", [_changed(one) for one in changes.fixed]),
        Group("Packages added", [_package_entry(one) for one in changes.added]),
        Group("Packages removed", [_package_entry(one) for one in changes.removed]),
        Group("Versions changed", [_package_entry(one) for one in changes.version_changed]),
        Group(
            "Not part of both scans",
            [_package_entry(one) for one in changes.not_compared],
            "One of the two scans looked at chosen rows only.",
        ),
    )
    return SinceView(moment(changes.before.finished_at), [group for group in groups if group.entries])


def _changed(change: FindingChange, detail: str = "") -> Entry:
    return _finding_entry(change.package, change.found, detail)


def _finding_entry(package: PackageEntry, found: VulnerabilityEntry, detail: str = "") -> Entry:
    return Entry(
        what=_named(package),
        ids=found.ids[:3],
        badge=_severity_words(found),
        tone=tone_of(found.severity, malicious=found.malicious),
        mark="Exploited" if found.kev else "",
        detail=detail,
    )


def _severity_words(found: VulnerabilityEntry) -> str:
    return "Malicious" if found.malicious else found.severity.value.capitalize()


def _package_entry(change: PackageChange) -> Entry:
    package, former = change.package, change.former
    if former is not None and former is not package:
        return Entry(package.name, detail=f"{former.version or '(none)'} → {package.version or '(none)'}")
    many = len(package.vulnerabilities)
    detail = f"with {counted(many, 'vulnerability', 'vulnerabilities')}" if many else ""
    return Entry(_named(package), detail=detail)


def _named(package: PackageEntry) -> str:
    return f"{package.name} {package.version or ''}".strip()


# ---- charts and coverage


def _severities(packages: Iterable[PackageEntry]) -> list[tuple[str, int, str]]:
    counts = Counter(one.severity for package in packages for one in package.vulnerabilities)
    return [(one.value.capitalize(), counts[one], str(one.rank)) for one in reversed(Severity)]


@dataclass(frozen=True, slots=True)
class _TierBar:
    key: str
    label: str
    value: int
    length: float
    tone: str


def _tiers(packages: Iterable[PackageEntry]) -> list[_TierBar]:
    counts = Counter(package.recommendation.tier for package in packages if package.recommendation)
    made = bars([(words, counts[tier], _TONES[tier]) for tier, words in TIER_WORDS.items()])
    return [_TierBar(tier.value, b.label, b.value, b.length, b.tone) for tier, b in zip(TIER_WORDS, made, strict=True)]


@dataclass(frozen=True, slots=True)
class _Coverage:
    name: str
    counts: Sequence[int]
    reasons: Sequence[tuple[str, int]]


def _coverage(packages: Sequence[PackageEntry]) -> Iterator[_Coverage]:
    gaps = source_gaps(packages)
    counts = Counter((name, answer.status) for package in packages for name, answer in package.sources.items())
    names = dict.fromkeys((*_SOURCES, *(name for name, _ in counts)))
    for name in names:
        own = [counts[name, status] for status in _STATUSES]
        if any(own):
            yield _Coverage(_SOURCES.get(name, name), own, gaps.get(name, Counter()).most_common())


def _problems(packages: Iterable[PackageEntry]) -> Iterator[Group]:
    listed = list(packages)
    for title, status in (("Could not check", ReviewStatus.FAILED), ("Skipped rows", ReviewStatus.SKIPPED)):
        entries = [
            Entry(_named(package), detail=f"row {package.row}: {package.reason or ''}")
            for package in listed
            if package.status is status
        ]
        if entries:
            yield Group(title, entries)


def _files(document: ScanDocument) -> Iterator[tuple[str, str]]:
    summary, metrics = document.summary, document.metrics
    yield "Input", document.input
    yield "Workbook", summary.workbook or "not written"
    if summary.backup:
        yield "Backup", summary.backup
    yield "Cells changed", f"{summary.changed_cells:,}"
    yield "Batches", f"{metrics.batches:,}, {metrics.cached_batches:,} of them stored by an earlier run"
    requests = ", ".join(f"{number:,} to {name}" for name, number in metrics.requests.items())
    yield "Requests", requests or "none"
    yield "Memory", f"at most {metrics.peak_rss_mb:,} MB"


# ---- the table


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    url: str | None
    others: str
    tone: str
    mark: str


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    url: str | None
    version: str
    row: int
    is_new: bool
    severity: str
    tone: str
    score: str
    found: Sequence[_Found]
    open: int
    why: str
    epss: str
    clear: str
    advice: str
    flags: str
    unasked: str
    keys: str


def _row(package: PackageEntry, *, is_new: bool) -> _Row:
    worst = package.worst
    epss = max((one.epss for one in package.vulnerabilities if one.epss is not None), default=None)
    ordered = sorted(package.vulnerabilities, key=lambda one: one.urgency, reverse=True)
    tier = package.recommendation.tier if package.recommendation else None
    return _Row(
        name=package.name,
        url=project_url(package.name),
        version=package.version or "",
        row=package.row,
        is_new=is_new,
        severity=_severity_words(worst) if worst else "",
        tone=tone_of(worst.severity, malicious=worst.malicious) if worst else "0",
        score=f" {worst.cvss:g}" if worst and worst.cvss is not None else "",
        found=[_found(one) for one in ordered[:_MOST_FOUND]],
        # Two more are shown rather than hidden behind a line of their own.
        open=len(ordered) if len(ordered) <= _OPEN + 2 else _OPEN,
        why="" if package.status is ReviewStatus.REVIEWED else package.reason or "could not be checked",
        epss=f"{100 * epss:.1f} %" if epss is not None else blank(package, EPSS),
        clear=package.cleared_by or ("none yet" if worst and package.latest_affected else ""),
        advice=TIER_WORDS[tier] if tier else "",
        flags=" ".join(_flags(package, tier, is_new=is_new)),
        unasked=f"KEV {words}" if (words := blank(package, KEV)) else "",
        keys=_keys(package, tier, epss),
    )


def _found(one: VulnerabilityEntry) -> _Found:
    name = one.ids[0] if one.ids else "?"
    others = [*(other for other in one.names if other.startswith("CVE-") and other != name)][:3]
    said = f" {', '.join(others)}" if others else ""
    said += f" · fixed in {', '.join(one.fixed_in[-2:])}" if one.fixed_in else " · no fix known"
    if one.decision and one.decision.counts:
        said += f" · {one.decision.kind.words} until {one.decision.expiry}"
    mark = "Malicious" if one.malicious else "Exploited" if one.kev else ""
    return _Found(name, advisory_url(name), one_line(said, 200), tone_of(one.severity, malicious=one.malicious), mark)


def _flags(package: PackageEntry, tier: Tier | None, *, is_new: bool) -> Iterator[str]:
    yield from (f"v{rank}" for rank in sorted({one.severity.rank for one in package.vulnerabilities}))
    if tier:
        yield tier.value
    if any(one.kev or one.malicious for one in package.vulnerabilities):
        yield "kev"
    if is_new:
        yield "new"
    if package.status is ReviewStatus.FAILED:
        yield "gap"


def _keys(package: PackageEntry, tier: Tier | None, epss: float | None) -> str:
    """What columns sort by: severity and score, number of findings, EPSS, tier."""
    worst = package.worst
    severity = 1000 * (9 if worst.malicious else worst.severity.rank) + 10 * (worst.cvss or 0) if worst else -1
    order = list(Tier).index(tier) if tier else len(Tier)
    return f"{severity:g} {len(package.vulnerabilities)} {epss if epss is not None else -1:g} {order}"
