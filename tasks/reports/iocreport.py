"""The report of an IOC scan as text: what was not read first, then the findings by repository, then the run."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from tasks.history.iocchanges import IocChanges
from tasks.history.iocmodel import FindingEntry, IocDocument
from tasks.ioc.model import FileStatus, RepositoryStatus
from tasks.reports.cost import cost_lines
from tasks.reports.since import since_line
from tasks.text.plain import counted, one_line, section

__all__ = ["ioc_report_lines", "not_read"]


def ioc_report_lines(document: IocDocument, changes: IocChanges | None) -> Iterator[str]:
    """The report, line by line; changes are those since the last scan, None where there was none."""
    yield from _head(document, changes)
    gaps = list(not_read(document))
    yield from section(f"NOT READ ({len(gaps):,})", (one_line(f"{where}: {why}") for where, why in gaps))
    yield from section("FINDINGS", _by_repository(document.findings))
    yield from section("POSSIBLE (NO COMPARABLE VERSION)", _by_repository(document.possible))
    yield from section("TEAMS", _teams(document))
    yield from section("NOTES", map(one_line, document.notes))
    yield from section("TIME AND COST", cost_lines(document.metrics))


def not_read(document: IocDocument) -> Iterator[tuple[str, str]]:
    """What could not be read, and why: repositories, then files."""
    for repository in document.repositories:
        if repository.status is RepositoryStatus.FAILED:
            yield repository.repository, repository.reason or "no reason given"
    for file in document.files:
        if file.status is FileStatus.FAILED:
            yield f"{file.repository}: {file.path}", file.reason or "no reason given"


def _head(document: IocDocument, changes: IocChanges | None) -> Iterator[str]:
    yield "IOC SCAN REPORT"
    yield "==============="
    yield f"Generated: {document.finished_at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"Scan: {one_line(document.scan_id)}"
    yield f"Target: {one_line(document.target)}"
    hit = len({finding.repository for finding in document.findings})
    yield f"Findings: {counted(len(document.findings), 'finding')} in {counted(hit, 'repository', 'repositories')}"
    files = counted(len(document.files), "lockfile")
    yield f"Read: {counted(len(document.repositories), 'repository', 'repositories')}, {files}"
    yield f"Indicators: {document.indicators.count:,}, {document.indicators.withdrawn:,} withdrawn"
    if document.indicators.uncompared:
        yield one_line(f"Compared with nothing: packages of {', '.join(document.indicators.uncompared)}")
    yield since_line(changes) if changes else "Since the last scan: no earlier scan of this target is kept"


def _by_repository(findings: Iterable[FindingEntry]) -> Iterator[str]:
    found: dict[str, list[FindingEntry]] = defaultdict(list)
    for finding in findings:
        found[finding.repository].append(finding)
    for repository, own in found.items():
        yield one_line(f"{repository} ({len(own):,})")
        for one in own:
            package = f"{one.ecosystem} {one.name} {one.version or '(no version)'}"
            yield one_line(f"  {one.path}: {package} [{one.indicator}]")


def _teams(document: IocDocument) -> Iterator[str]:
    for team, repositories in document.scope.teams.items():
        own = set(repositories)
        number = sum(1 for finding in document.findings if finding.repository in own)
        many = counted(len(own), "repository", "repositories")
        yield one_line(f"{team}: {counted(number, 'finding')} in {many}")
