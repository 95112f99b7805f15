"""The result of an IOC scan, version 1 (docs/ioc.md), read back: what comparing and reporting need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tasks.history.model import DocumentKind, Metrics
from tasks.ioc.model import FileStatus, RepositoryStatus

__all__ = ["FileEntry", "FindingEntry", "IndicatorFigures", "IocDocument", "IocScope", "RepositoryEntry"]


@dataclass(frozen=True, slots=True)
class FindingEntry:
    """A package that an indicator names, and where it is."""

    repository: str
    path: str
    ecosystem: str
    name: str
    version: str | None = None
    indicator: str = ""
    source: str = ""
    note: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str | None, str]:
        """What tells findings apart."""
        return self.repository, self.path, self.ecosystem, self.name, self.version, self.indicator


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One lockfile."""

    repository: str
    path: str
    status: FileStatus
    reason: str | None = None
    packages: int = 0


@dataclass(frozen=True, slots=True)
class RepositoryEntry:
    """One repository."""

    repository: str
    status: RepositoryStatus = RepositoryStatus.SCANNED
    commit: str | None = None
    files: int = 0
    archived: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class IndicatorFigures:
    """How many indicators there were, which lists (a digest), and ecosystems that were compared with none of them."""

    count: int = 0
    withdrawn: int = 0
    digest: str = ""
    uncompared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IocScope:
    """What an IOC scan was asked for: only top folders (fast), teams with their repositories, GitHub's web page."""

    fast: bool = False
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    web_url: str | None = None


@dataclass(frozen=True, slots=True)
class IocDocument:
    """The result of an IOC scan. Times are aware UTC."""

    scan_id: str
    target: str
    finished_at: datetime
    findings: tuple[FindingEntry, ...]
    files: tuple[FileEntry, ...]
    repositories: tuple[RepositoryEntry, ...]
    started_at: datetime | None = None
    possible: tuple[FindingEntry, ...] = ()
    indicators: IndicatorFigures = IndicatorFigures()
    notes: tuple[str, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    scope: IocScope = IocScope()
    schema: Literal[1] = 1

    @property
    def kind(self) -> DocumentKind:
        """Always IOC."""
        return DocumentKind.IOC
