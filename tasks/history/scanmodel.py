"""The result of a scan of a workbook, version 1 (docs/result.md), read back: what comparing and reporting need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tasks.advisories.model import Severity
from tasks.decisions.model import DecisionNote, DecisionReport
from tasks.history.model import DocumentKind, Metrics
from tasks.review.model import Concern, ReviewStatus, SourceStatus, Tier
from tasks.upgrade.model import UpgradeEntry

__all__ = [
    "Advice",
    "OpinionEntry",
    "PackageEntry",
    "ScanDocument",
    "Scope",
    "SourceEntry",
    "Summary",
    "VulnerabilityEntry",
]


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
    metrics: Metrics = field(default_factory=Metrics)
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
