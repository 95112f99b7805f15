"""An IOC scan as CycloneDX: each package that was found with the places it is in, and what could not be read."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.impact_analysis import ImpactAnalysisState
from cyclonedx.model.vulnerability import Vulnerability

from tasks.exports.bom import COULD_NOT_CHECK, Analysis, component_of, vulnerability_of, write_bom
from tasks.ioc.model import Finding
from tasks.lockfiles.purl import purl_of
from tasks.reports.findings import IocResult

__all__ = ["write_ioc_bom"]

_POSSIBLE = "the version is not stated, or cannot be compared with the indicator's: to be looked at"


def write_ioc_bom(path: Path, result: IocResult) -> None:
    """Write the CycloneDX file, whole or not at all; CheckpointError when it cannot be written.

    States: exploitable (an indicator names this version) and in_triage (cannot be compared, or could not be read).
    """
    places: defaultdict[str, list[Finding]] = defaultdict(list)
    for one in (*result.findings, *result.possible):
        places[_purl(one)].append(one)
    components = {purl: _component(purl, found) for purl, found in places.items()}
    entries: dict[str, Vulnerability] = {}
    for one in (*result.findings, *result.possible):
        entry = _entry(one, components[_purl(one)])
        entries.setdefault(entry.bom_ref.value or "", entry)
    unread = [_unread(where, reason) for where, reason in _gaps(result)]
    write_bom(
        path,
        result.target,
        result.finished_at,
        (*components.values(), *(component for component, _ in unread)),
        (*entries.values(), *(entry for _, entry in unread)),
        result.notes,
    )


def _purl(one: Finding) -> str:
    return one.purl or purl_of(one.ecosystem, one.name, one.version)


def _component(purl: str, found: Sequence[Finding]) -> Component:
    first = found[0]
    component = component_of(purl, first.name, first.version, {"ecosystem": first.ecosystem})
    where = sorted({f"{one.repository}/{one.path}" for one in found})
    # Without references of their own the library sorts places by chance.
    occurrences = [Occurrence(location=place, bom_ref=f"{purl} in {place}") for place in where]
    component.evidence = ComponentEvidence(occurrences=occurrences)
    return component


def _entry(one: Finding, component: Component) -> Vulnerability:
    certain = f"{one.name} {one.version or ''} is named by {one.source}"
    analysis: Analysis = (ImpactAnalysisState.EXPLOITABLE, certain, ())
    if not one.certain:
        analysis = ImpactAnalysisState.IN_TRIAGE, _POSSIBLE, ()
    note = one.note or f"{one.name} ({one.ecosystem}) is known to be malicious"
    return vulnerability_of(component, one.indicator, analysis, description=note)


def _gaps(result: IocResult) -> Iterator[tuple[str, str]]:
    for repository in result.failed_repositories:
        yield repository.repository, repository.reason or "could not be read"
    for file in result.failed_files:
        yield f"{file.repository}/{file.path}", file.reason or "could not be read"


def _unread(where: str, reason: str) -> tuple[Component, Vulnerability]:
    component = Component(name=where, type=ComponentType.FILE, bom_ref=f"file:{where}")
    analysis = ImpactAnalysisState.IN_TRIAGE, f"could not be read: {reason}", ()
    return component, vulnerability_of(component, COULD_NOT_CHECK, analysis)
