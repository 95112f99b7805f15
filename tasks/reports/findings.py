"""The result of an IOC scan: as JSON, version 1, and in a few lines."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.history.iocchanges import IocChanges
from tasks.history.model import Metrics
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryRecord, RepositoryStatus
from tasks.reports.cost import metrics_document
from tasks.reports.files import write_document
from tasks.reports.since import since_document, since_line
from tasks.text.plain import counted

__all__ = ["IocMetrics", "IocResult", "findings_document", "write_findings"]

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class IocMetrics(Metrics):
    """What an IOC scan cost, and the seconds that it waited for GitHub's rate limit."""

    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IocResult:
    """Everything an IOC scan found out. Times are naive UTC.

    possible are packages whose version is not stated or cannot be compared with an indicator's: to be looked at.
    uncompared are ecosystems whose packages were held against nothing: the lists are empty, or a store has none of
    theirs. indicators_from describes advisory stores among the lists, with their ecosystems and age; problem says why
    the findings workbook could not be written. teams are the repositories (OWNER/NAME) of each team the scan was told
    of; since is what changed since the last kept scan (None: there is none); page is the report to look at.
    """

    scan_id: str
    target: str
    started_at: datetime
    finished_at: datetime
    findings: tuple[Finding, ...]
    possible: tuple[Finding, ...]
    files: tuple[FileRecord, ...]
    repositories: tuple[RepositoryRecord, ...]
    metrics: IocMetrics
    indicators: int
    withdrawn: int = 0
    indicators_digest: str = ""
    notes: tuple[str, ...] = ()
    indicators_from: tuple[str, ...] = ()
    uncompared: tuple[str, ...] = ()
    problem: str | None = None
    fast: bool = False
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    web_url: str | None = None
    since: IocChanges | None = None
    page: Path | None = None

    @property
    def incomplete(self) -> bool:
        """Whether something was not read, or not compared with anything: no finding there says nothing."""
        return bool(self.failed_files or self.failed_repositories or self.uncompared or not self.indicators)

    @property
    def failed_files(self) -> tuple[FileRecord, ...]:
        """Files that could not be read."""
        return tuple(one for one in self.files if one.status is FileStatus.FAILED)

    @property
    def failed_repositories(self) -> tuple[RepositoryRecord, ...]:
        """Repositories whose files could not be listed."""
        return tuple(one for one in self.repositories if one.status is RepositoryStatus.FAILED)

    def summary_lines(self) -> list[str]:
        """What a person wants to know at once."""
        counts = Counter(one.status for one in self.files)
        hit = len({one.repository for one in self.findings})
        lines = [
            f"{counted(len(self.findings), 'finding')} in {_repositories(hit)}",
            f"{_repositories(len(self.repositories))}, {counted(len(self.files), 'lockfile')}:"
            f" {counts[FileStatus.SCANNED]:,} read, {counts[FileStatus.CACHED]:,} known,"
            f" {counts[FileStatus.FAILED]:,} could not be read",
            f"{counted(self.indicators, 'indicator')}, {self.withdrawn:,} withdrawn"
            + "".join(f", from {o}" for o in self.indicators_from),
            f"{counted(sum(self.metrics.requests.values()), 'request')}, {self.metrics.wall_s:.1f} s",
        ]
        if self.possible:
            packages = counted(len(self.possible), "package")
            lines.append(f"Worth a look (possible): {packages} without a comparable version")
        lines += self._team_lines()
        if self.failed_repositories:
            lines.append(f"{_repositories(len(self.failed_repositories))} could not be read")
        if self.uncompared:
            lines.append(f"Compared with nothing: packages of {', '.join(self.uncompared)}")
        if self.since:
            lines.append(since_line(self.since))
        if self.page:
            lines.append(f"Report: {self.page}")
        return lines

    def _team_lines(self) -> Iterator[str]:
        """Findings team by team, then those of the rest; nothing where no team was named."""
        left = Counter(one.repository for one in self.findings)
        for team, names in self.teams.items():
            hit = {name: left[name] for name in names if name in left}
            found = counted(sum(hit.values()), "finding")
            yield f"team {team}: {found} in {len(hit):,} of {_repositories(len(names))}"
        of_teams = {name for names in self.teams.values() for name in names}
        rest = {name: count for name, count in left.items() if name not in of_teams}
        if self.teams and len(of_teams) < len(self.repositories):
            yield f"other repositories: {counted(sum(rest.values()), 'finding')} in {len(rest):,}"


def _repositories(number: int) -> str:
    return counted(number, "repository", "repositories")


def findings_document(result: IocResult) -> dict[str, Any]:
    """The result as plain data in the documented shape."""
    since = {"since_last": since_document(result.since)} if result.since else {}
    return {
        "schema": SCHEMA,
        "scan_id": result.scan_id,
        "target": result.target,
        "started_at": result.started_at.isoformat() + "Z",
        "finished_at": result.finished_at.isoformat() + "Z",
        "findings": [_finding(one) for one in result.findings],
        "possible": [_finding(one) for one in result.possible],
        "files": [
            {
                "repository": one.repository,
                "path": one.path,
                "sha": one.sha,
                "status": one.status.value,
                "reason": one.reason,
                "packages": one.packages,
            }
            for one in result.files
        ],
        "repositories": [
            {
                "repository": one.repository,
                "status": one.status.value,
                "commit": one.commit,
                "files": one.files,
                "archived": one.archived,
                "reason": one.reason,
            }
            for one in result.repositories
        ],
        "indicators": {
            "count": result.indicators,
            "withdrawn": result.withdrawn,
            "digest": result.indicators_digest,
            "stores": list(result.indicators_from),
            "uncompared": list(result.uncompared),
        },
        "notes": list(result.notes),
        "metrics": metrics_document(result.metrics),
        "scope": {
            "fast": result.fast,
            "teams": {team: list(names) for team, names in result.teams.items()},
            "web_url": result.web_url,
        },
        **since,
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "repository": one.repository,
        "path": one.path,
        "ecosystem": one.ecosystem,
        "name": one.name,
        "version": one.version,
        "indicator": one.indicator,
        "source": one.source,
        "purl": one.purl,
        "note": one.note,
        "sha": one.sha,
    }


def write_findings(path: Path, result: IocResult) -> None:
    """Write the JSON file, whole or not at all; CheckpointError when it cannot be written."""
    write_document(path, findings_document(result))
