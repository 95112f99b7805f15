"""The table of packages on the page of a scan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tasks.history.scanmodel import PackageEntry, VulnerabilityEntry
from tasks.reports.consulted import EPSS, KEV, blank
from tasks.reports.page.entries import severity_words
from tasks.reports.page.links import advisory_url, project_url
from tasks.reports.page.view import tone_of
from tasks.reports.scanreport import TIER_WORDS
from tasks.review.model import ReviewStatus, Tier
from tasks.text.plain import one_line

__all__ = ["most_urgent", "table_row"]

_MOST_ROWS = 10_000
_OPEN = 4
_MOST_FOUND = 1_000


def most_urgent(packages: Sequence[PackageEntry]) -> tuple[list[PackageEntry], int]:
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


@dataclass(frozen=True, slots=True)
class _Found:
    name: str
    url: str | None
    others: str
    tone: str
    mark: str


@dataclass(frozen=True, slots=True)
class TableRow:
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


def table_row(package: PackageEntry, *, is_new: bool) -> TableRow:
    """One package; is_new marks one with a finding that the last scan did not have."""
    worst = package.worst
    epss = max((one.epss for one in package.vulnerabilities if one.epss is not None), default=None)
    ordered = sorted(package.vulnerabilities, key=lambda one: one.urgency, reverse=True)
    tier = package.recommendation.tier if package.recommendation else None
    return TableRow(
        name=package.name,
        url=project_url(package.name),
        version=package.version or "",
        row=package.row,
        is_new=is_new,
        severity=severity_words(worst) if worst else "",
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
