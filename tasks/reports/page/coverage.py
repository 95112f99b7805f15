"""Charts, and what each source answered, on the page of a scan."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.advisories.model import Severity
from tasks.history.scanmodel import PackageEntry
from tasks.reports.page.charts import bars
from tasks.reports.page.entries import named
from tasks.reports.page.view import Entry, Group
from tasks.reports.scanreport import TIER_WORDS, source_gaps
from tasks.review.model import ReviewStatus, SourceStatus, Tier

__all__ = ["coverage", "problems", "severities", "tiers"]

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


def severities(packages: Iterable[PackageEntry]) -> list[tuple[str, int, str]]:
    """For the chart: severity, number of vulnerabilities, class of the style sheet; most severe first."""
    counts = Counter(one.severity for package in packages for one in package.vulnerabilities)
    return [(one.value.capitalize(), counts[one], str(one.rank)) for one in reversed(Severity)]


@dataclass(frozen=True, slots=True)
class _TierBar:
    key: str
    label: str
    value: int
    length: float
    tone: str


def tiers(packages: Iterable[PackageEntry]) -> list[_TierBar]:
    """For the chart: how many packages have each recommendation."""
    counts = Counter(package.recommendation.tier for package in packages if package.recommendation)
    made = bars([(words, counts[tier], _TONES[tier]) for tier, words in TIER_WORDS.items()])
    return [_TierBar(tier.value, b.label, b.value, b.length, b.tone) for tier, b in zip(TIER_WORDS, made, strict=True)]


@dataclass(frozen=True, slots=True)
class _Coverage:
    name: str
    counts: Sequence[int]
    reasons: Sequence[tuple[str, int]]


def coverage(packages: Sequence[PackageEntry]) -> Iterator[_Coverage]:
    """What each source answered, and why not where it did not."""
    gaps = source_gaps(packages)
    counts = Counter((name, answer.status) for package in packages for name, answer in package.sources.items())
    names = dict.fromkeys((*_SOURCES, *(name for name, _ in counts)))
    for name in names:
        own = [counts[name, status] for status in _STATUSES]
        if any(own):
            yield _Coverage(_SOURCES.get(name, name), own, gaps.get(name, Counter()).most_common())


def problems(packages: Iterable[PackageEntry]) -> Iterator[Group]:
    """The rows that could not be checked, and those without a usable version."""
    listed = list(packages)
    for title, status in (("Could not check", ReviewStatus.FAILED), ("Skipped rows", ReviewStatus.SKIPPED)):
        entries = [
            Entry(named(package), detail=f"row {package.row}: {package.reason or ''}")
            for package in listed
            if package.status is status
        ]
        if entries:
            yield Group(title, entries)
