"""The review of one package: what each source answered, what it means, and what to do.

The JSON of the result file (docs/result.md) is made of exactly these values.
"""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from tasks.advisories.model import Severity
from tasks.decisions.model import DecisionNote
from tasks.sources.interface import Plain, ProjectFacts
from tasks.upgrade.model import UpgradePaths

MALWARE = "MAL-"
"""How ids of reports of malicious packages begin (github.com/ossf/malicious-packages)."""


class SourceName(StrEnum):
    """The sources that each have a verdict of their own."""

    OSV = "osv"
    GITHUB = "github"
    NVD = "nvd"
    MITRE = "mitre"
    SNYK = "snyk"
    EXPLOITDB = "exploitdb"


class SourceStatus(StrEnum):
    """What a source answered; UNKNOWN is "could not check", never to be read as safe."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    NONE_FOUND = "none_found"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class ReviewStatus(StrEnum):
    """reviewed: looked up; failed: a deciding source (PyPI, OSV) could not answer; skipped: no usable version."""

    REVIEWED = "reviewed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Tier(StrEnum):
    """The recommendation's tiers, most urgent first."""

    SECURITY_RISK = "security_risk"
    MANUAL_REVIEW = "manual_review"
    UPDATE = "update"
    PROCEED = "proceed"


class SourceAnswer(Plain):
    """One source's answer; ids are those that made the status; reason is set for unknown and not_applicable.

    total counts every advisory of the source for the package, affecting or not; undecidable those
    that need a person; uncertain counts undecidable ones that are too few to ask for one (`uncertain_limit`);
    enrichment=True marks a source that was not consulted without this being a failure, or that failed where OSV's
    records say enough; note is what else it said, for its cell. second_hand: GitHub's answer is what OSV has of its
    advisories, the newest were not asked for.
    """

    status: SourceStatus
    ids: tuple[str, ...] = ()
    reason: str | None = None
    checked_at: datetime | None = None
    total: int = 0
    undecidable: tuple[str, ...] = ()
    uncertain: int = 0
    severity: Severity | None = None
    enrichment: bool = False
    note: str | None = None
    second_hand: bool = False


class VulnerabilityReview(Plain):
    """One vulnerability as the result file shows it.

    kev: CISA knows of its exploitation; epss: the highest probability among its CVEs, 0 to 1; exploits: ids of
    Exploit-DB; sources: who told of it. others are severities that differ from ours, by source (("NVD", "HIGH")).
    decision is what reviewers decided about it; never part of a stored batch.
    """

    ids: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    cves: tuple[str, ...] = ()
    severity: Severity = Severity.UNKNOWN
    cvss: float | None = None
    fixed_in: tuple[str, ...] = ()
    kev: bool = False
    epss: float | None = None
    exploits: tuple[str, ...] = ()
    sources: tuple[str, ...] = ("osv",)
    malicious: bool = False
    others: tuple[tuple[str, Severity], ...] = ()
    decision: DecisionNote | None = None

    @property
    def settled(self) -> bool:
        """Whether a decision in force takes it out of the gate and the tier."""
        return self.decision is not None and self.decision.counts


class Concern(StrEnum):
    """All that a model's opinion can do: raise attention, or nothing. There is no word for lowering it."""

    RAISE = "raise"
    NONE = "none"


class Opinion(Plain):
    """A language model's second opinion on a row that the records leave open; never a verdict.

    confidence is the model's own, 0 to 1; ids are advisories it was shown, reason its words (one line, shown as such).
    """

    concern: Concern
    confidence: float = Field(ge=0, le=1)
    ids: tuple[str, ...] = ()
    reason: str = ""
    model: str
    asked_at: datetime


class Recommendation(Plain):
    """Column W: the tier and the words."""

    tier: Tier
    text: str


class PackageReview(Plain):
    """Everything found for one package version; `row` counts from 1 and is set when the review meets its row.

    version is the PEP 440 text, or the cell's own where that is unusable (then status is skipped and reason says why).
    latest_affected says whether the latest version still has known vulnerabilities; cleared_by is the smallest
    later version that has none, upgrade the ways out of an affected one. known_cves are all of the package's,
    affecting or not, until the review is enriched;
    gaps names the sources that were asked and could not answer; not_consulted those that were not asked.
    opinion is a model's, where one was asked; opinion_problem says why one that should have been asked was not heard.
    """

    row: int = 0
    name: str
    project: str
    version: str
    is_new: bool = False
    status: ReviewStatus
    reason: str | None = None
    latest_version: str | None = None
    facts: ProjectFacts | None = None
    sources: dict[SourceName, SourceAnswer] = Field(default_factory=dict)
    vulnerabilities: tuple[VulnerabilityReview, ...] = ()
    latest_affected: bool | None = None
    cleared_by: str | None = None
    upgrade: UpgradePaths | None = None
    recommendation: Recommendation | None = None
    known_cves: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    not_consulted: tuple[str, ...] = ()
    opinion: Opinion | None = None
    opinion_problem: str | None = None

    @property
    def reported_malicious(self) -> tuple[str, ...]:
        """Ids of reports of malware that no version could be held against: a person must not miss them."""
        osv = self.sources.get(SourceName.OSV)
        return tuple(i for i in osv.undecidable if i.startswith(MALWARE)) if osv is not None else ()

    @property
    def open_vulnerabilities(self) -> tuple[VulnerabilityReview, ...]:
        """Those that no decision in force is about."""
        return tuple(found for found in self.vulnerabilities if not found.settled)


class PackageKey(Plain):
    """What is looked up: one version of one project. version None: nothing comparable, and problem says why."""

    name: str
    project: str
    version: str | None
    version_text: str
    problem: str | None = None
    is_new: bool = False
