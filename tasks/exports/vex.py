"""A review as CycloneDX VEX: every package, every advisory that affects it, and whatever could not be checked."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from cyclonedx.model.component import Component
from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState
from cyclonedx.model.vulnerability import Vulnerability

from tasks.decisions.model import DecisionKind
from tasks.exports.bom import (
    COULD_NOT_CHECK,
    Analysis,
    component_of,
    properties_of,
    rating_of,
    vulnerability_of,
    write_bom,
)
from tasks.exports.gaps import decision_words, gaps_of, undecided
from tasks.lockfiles.purl import purl_of
from tasks.reports.result import ScanResult
from tasks.review.model import PackageReview, ReviewStatus, VulnerabilityReview

__all__ = ["write_vex"]

_DECIDED: Mapping[DecisionKind, tuple[ImpactAnalysisState, tuple[ImpactAnalysisResponse, ...]]] = {
    DecisionKind.NOT_AFFECTED: (ImpactAnalysisState.NOT_AFFECTED, ()),
    DecisionKind.FALSE_POSITIVE: (ImpactAnalysisState.FALSE_POSITIVE, ()),
    DecisionKind.ACCEPTED_RISK: (ImpactAnalysisState.EXPLOITABLE, (ImpactAnalysisResponse.WILL_NOT_FIX,)),
    DecisionKind.FIX_PLANNED: (ImpactAnalysisState.EXPLOITABLE, (ImpactAnalysisResponse.UPDATE,)),
}
"""What a decision in force makes of a finding."""

_COMPARE = "an advisory that cannot be compared with the installed version: to be looked at"


def write_vex(path: Path, result: ScanResult) -> None:
    """Write the VEX file, whole or not at all; CheckpointError when it cannot be written.

    States: exploitable (the version is in an advisory's range), in_triage (could not be checked or compared), and
    not_affected and false_positive where a reviewer's decision in force says so.
    """
    components: dict[str, Component] = {}
    entries: dict[str, Vulnerability] = {}
    for review in result.packages:
        component = _component(review)
        components.setdefault(component.bom_ref.value or "", component)
        for entry in _entries(review, component):
            entries.setdefault(entry.bom_ref.value or "", entry)
    write_bom(path, result.input.name, result.finished_at, components.values(), entries.values(), result.notes)


def _component(review: PackageReview) -> Component:
    usable = review.status is not ReviewStatus.SKIPPED and not review.is_new
    purl = purl_of("PyPI", review.project, review.version if usable else None)
    tier = review.recommendation.tier.value if review.recommendation else None
    properties = {"status": review.status.value, "tier": tier, "latest_version": review.latest_version}
    return component_of(purl, review.name, review.version or None, properties)


def _entries(review: PackageReview, component: Component) -> Iterator[Vulnerability]:
    for found in review.vulnerabilities:
        yield _affecting(review, found, component)
    for identifier in undecided(review):
        yield vulnerability_of(component, identifier, _triage(_COMPARE))
    if gaps := gaps_of(review):
        yield vulnerability_of(component, COULD_NOT_CHECK, _triage("; ".join(gaps)))


def _triage(why: str) -> Analysis:
    return ImpactAnalysisState.IN_TRIAGE, why, ()


def _affecting(review: PackageReview, found: VulnerabilityReview, component: Component) -> Vulnerability:
    others = tuple(dict.fromkeys((*found.ids[1:], *found.aliases, *found.cves)))
    facts = {
        "known_exploited": "true" if found.kev else None,
        "malicious": "true" if found.malicious else None,
        "epss": None if found.epss is None else str(found.epss),
        "exploits": " ".join(found.exploits),
        "fixed_in": " ".join(found.fixed_in),
    }
    return vulnerability_of(
        component,
        found.ids[0],
        _analysis(review, found),
        [name for name in others if name != found.ids[0]],
        ratings=[rating_of(found.severity, found.cvss)],
        recommendation=_recommendation(review, found),
        properties=properties_of(facts),
    )


def _analysis(review: PackageReview, found: VulnerabilityReview) -> Analysis:
    what = "a malicious package" if found.malicious else "within the affected versions"
    plain = f"{review.name} {review.version} is {what}"
    if found.decision is None:
        return ImpactAnalysisState.EXPLOITABLE, plain, ()
    told = decision_words(found.decision)
    if not found.decision.counts:
        return ImpactAnalysisState.EXPLOITABLE, f"{plain}; {told}", ()
    state, responses = _DECIDED[found.decision.kind]
    return state, told, responses


def _recommendation(review: PackageReview, found: VulnerabilityReview) -> str | None:
    if review.cleared_by is not None:
        return f"Update {review.name} to {review.cleared_by}, which has no known vulnerability"
    if found.fixed_in:
        return f"Update {review.name} to one of the versions with a fix: {', '.join(found.fixed_in)}"
    return None
