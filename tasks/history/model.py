"""A result document, version 1 (docs/result.md, docs/ioc.md), read back: the part that comparing and reporting need.

Documents come from files that anybody may have edited: every value is checked, unknown keys are left aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from tasks.advisories.model import Severity
from tasks.decisions.model import DecisionNote, DecisionReport
from tasks.errors import InputError
from tasks.ioc.model import FileStatus, RepositoryStatus
from tasks.review.model import Concern, ReviewStatus, SourceStatus, Tier
from tasks.upgrade.model import UpgradeEntry

__all__ = [
    "Advice",
    "BatchSpan",
    "DocumentKind",
    "FileEntry",
    "FindingEntry",
    "IocDocument",
    "IocScope",
    "Metrics",
    "OpinionEntry",
    "PackageEntry",
    "RepositoryEntry",
    "ScanDocument",
    "Scope",
    "SourceEntry",
    "Summary",
    "VulnerabilityEntry",
    "package_entry",
    "parse_document",
    "parse_json",
]


class DocumentKind(StrEnum):
    """Which command made a result."""

    SCAN = "scan"
    IOC = "ioc"


@dataclass(frozen=True, slots=True)
class VulnerabilityEntry:
    """One vulnerability of a package; the fields are those of the result file."""

    ids: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    cves: tuple[str, ...] = ()
    severity: Severity = Severity.UNKNOWN
    cvss: float | None = None
    fixed_in: tuple[str, ...] = ()
    kev: bool = False
    epss: float | None = None
    exploits: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    malicious: bool = False
    decision: DecisionNote | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of it, ids first, each once."""
        return tuple(dict.fromkeys((*self.ids, *self.aliases, *self.cves)))

    @property
    def urgency(self) -> tuple[bool, bool, int, float]:
        """For sorting: malicious, known to be exploited, severity, score."""
        return self.malicious, self.kev, self.severity.rank, self.cvss or 0.0


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """What a source answered, and why not where it could not; second_hand as in the review (tasks.review.model)."""

    status: SourceStatus
    reason: str | None = None
    second_hand: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """The recommendation."""

    tier: Tier
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpinionEntry:
    """A language model's second opinion: it raises concern or does not, and decides nothing."""

    concern: Concern
    confidence: float
    model: str
    ids: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PackageEntry:
    """One row of a scan; row counts from 1, version is the text of its cell where that is no version."""

    name: str
    version: str | None = None
    row: int = 0
    latest_version: str | None = None
    status: ReviewStatus = ReviewStatus.REVIEWED
    reason: str | None = None
    sources: Mapping[str, SourceEntry] = field(default_factory=dict)
    vulnerabilities: tuple[VulnerabilityEntry, ...] = ()
    recommendation: Advice | None = None
    cleared_by: str | None = None
    latest_affected: bool | None = None
    not_consulted: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    reported_malicious: tuple[str, ...] = ()
    opinion: OpinionEntry | None = None

    @property
    def worst(self) -> VulnerabilityEntry | None:
        """The most urgent vulnerability."""
        return max(self.vulnerabilities, key=lambda found: found.urgency, default=None)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scan was asked for: the whole workbook or chosen rows; dry_run: no workbook was to be written."""

    whole: bool = True
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """One batch: seconds from the run's first one, how many packages or files it held; round 0 is the first try."""

    number: int
    start_s: float
    seconds: float
    packages: int = 0
    failed: int = 0
    cached: bool = False
    round: int = 0

    @classmethod
    def ended(cls, number: int, at_s: float, seconds: float, **more: Any) -> "BatchSpan":
        """The span of a batch that has just ended, at_s seconds after the first began; a cached one took no time."""
        took = 0.0 if more.get("cached") else seconds
        return cls(number, round(max(0.0, at_s - took), 3), took, **more)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a run cost: seconds, batches, requests by service, peak memory in MB (10^6 bytes)."""

    wall_s: float = 0.0
    batches: int = 0
    cached_batches: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    peak_rss_mb: int = 0
    timeline: tuple[BatchSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the workbook, and sentences about the run as a whole."""

    workbook: str | None = None
    backup: str | None = None
    changed_cells: int = 0
    notes: tuple[str, ...] = ()
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class ScanDocument:
    """The result of a scan. Times are aware UTC."""

    scan_id: str
    input: str
    finished_at: datetime
    packages: tuple[PackageEntry, ...]
    started_at: datetime | None = None
    summary: Summary = Summary()
    metrics: Metrics = Metrics()
    decisions: DecisionReport = field(default_factory=DecisionReport)
    upgrade_plan: tuple[UpgradeEntry, ...] = ()
    schema: Literal[1] = 1

    @property
    def kind(self) -> DocumentKind:
        """Always SCAN."""
        return DocumentKind.SCAN

    @property
    def target(self) -> str:
        """The workbook, as it was named."""
        return self.input


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
    metrics: Metrics = Metrics()
    scope: IocScope = IocScope()
    schema: Literal[1] = 1

    @property
    def kind(self) -> DocumentKind:
        """Always IOC."""
        return DocumentKind.IOC


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def package_entry(plain: Mapping[str, Any]) -> PackageEntry:
    """One element of `packages` as plain data, read. ValidationError for another shape."""
    entry: PackageEntry = _adapter(PackageEntry).validate_python(plain)
    return entry


def parse_document(kind: DocumentKind, plain: Mapping[str, Any], where: str) -> ScanDocument | IocDocument:
    """A document as plain data, read; InputError with the first wrong value."""
    return _checked(lambda: _adapter(_CLASSES[kind]).validate_python(plain), where)


def parse_json(kind: DocumentKind, text: bytes, where: str) -> ScanDocument | IocDocument:
    """A document as JSON, read; InputError with the first wrong value."""
    return _checked(lambda: _adapter(_CLASSES[kind]).validate_json(text), where)


_CLASSES = {DocumentKind.SCAN: ScanDocument, DocumentKind.IOC: IocDocument}


def _checked(read: Any, where: str) -> ScanDocument | IocDocument:
    try:
        document: ScanDocument | IocDocument = read()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InputError(f"{where} is no result of this program: {place}: {first['msg']}") from error
    return document
