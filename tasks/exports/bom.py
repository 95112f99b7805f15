"""What the CycloneDX exports share: components, entries for vulnerabilities, and the document around them.

Version 1.6 of https://cyclonedx.org/docs/1.6/json/, by cyclonedx-python-lib. The same result gives the same bytes.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from cyclonedx.model import Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.impact_analysis import ImpactAnalysisResponse, ImpactAnalysisState
from cyclonedx.model.tool import ToolRepository
from cyclonedx.model.vulnerability import (
    BomTarget,
    Vulnerability,
    VulnerabilityAnalysis,
    VulnerabilityRating,
    VulnerabilityReference,
    VulnerabilitySeverity,
    VulnerabilitySource,
)
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from tasks.advisories.model import Severity
from tasks.exports.interface import stable_id
from tasks.http.policy import user_agent
from tasks.reports.files import write_text
from tasks.reports.page.links import advisory_url

__all__ = ["COULD_NOT_CHECK", "Analysis", "component_of", "properties_of", "rating_of", "vulnerability_of", "write_bom"]

COULD_NOT_CHECK = "COULD-NOT-CHECK"
"""Stands where an advisory's id would stand, for what could not be checked at all."""

_PREFIX = "vetbook:"
_SEVERITIES = {
    Severity.CRITICAL: VulnerabilitySeverity.CRITICAL,
    Severity.HIGH: VulnerabilitySeverity.HIGH,
    Severity.MEDIUM: VulnerabilitySeverity.MEDIUM,
    Severity.LOW: VulnerabilitySeverity.LOW,
}
Analysis = tuple[ImpactAnalysisState, str, tuple[ImpactAnalysisResponse, ...]]
"""A state, why, and what is going to be done."""


def component_of(purl: str, name: str, version: str | None, properties: Mapping[str, str | None]) -> Component:
    """A library; its purl (with the version's text where that is no part of the purl) is its reference."""
    reference = purl if version is None or "@" in purl else f"{purl}#{version}"
    return Component(
        name=name,
        version=version,
        bom_ref=reference,
        purl=_purl(purl),
        properties=properties_of(properties),
    )


def _purl(purl: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(purl)
    except ValueError:
        # Names from outside need not make a valid package URL; the reference and the name still say which it is.
        return None


def properties_of(values: Mapping[str, str | None]) -> list[Property]:
    """Facts that the format has no field for, in our own namespace; those without a value are left out."""
    return [Property(name=f"{_PREFIX}{name}", value=value) for name, value in values.items() if value]


def rating_of(severity: Severity, score: float | None) -> VulnerabilityRating:
    """A severity and, where there is one, its CVSS base score (0 to 10)."""
    return VulnerabilityRating(
        severity=_SEVERITIES.get(severity, VulnerabilitySeverity.UNKNOWN),
        score=None if score is None else Decimal(str(score)),
    )


def vulnerability_of(
    target: Component,
    identifier: str,
    analysis: Analysis,
    aliases: Iterable[str] = (),
    **more: object,
) -> Vulnerability:
    """One advisory, or what could not be checked, of one component; more are fields of the library's class."""
    state, detail, responses = analysis
    reference = target.bom_ref.value or target.name
    return Vulnerability(
        bom_ref=str(stable_id(reference, identifier)),
        id=identifier,
        source=_source(identifier),
        references=[VulnerabilityReference(id=alias, source=_source(alias)) for alias in aliases],
        analysis=VulnerabilityAnalysis(state=state, detail=detail, responses=responses),
        affects=[BomTarget(ref=reference)],
        **more,  # type: ignore[arg-type]  # named as the library names them
    )


def _source(identifier: str) -> VulnerabilitySource:
    page = advisory_url(identifier)
    if page is None:
        return VulnerabilitySource(name=user_agent().partition("/")[0])
    host = page.removeprefix("https://").partition("/")[0]
    names = {"github.com": "GitHub", "nvd.nist.gov": "NVD", "osv.dev": "OSV", "security.snyk.io": "SNYK"}
    return VulnerabilitySource(name=names.get(host, host), url=XsUri(page))


def write_bom(
    path: Path,
    subject: str,
    at: datetime,
    components: Iterable[Component],
    vulnerabilities: Iterable[Vulnerability],
    notes: Iterable[str] = (),
) -> None:
    """Write the document as JSON, whole or not at all; CheckpointError when it cannot be written.

    subject is what was looked at; at (naive UTC) is the only part that differs between equal results.
    """
    root = Component(name=subject, type=ComponentType.APPLICATION, bom_ref=str(stable_id("subject", subject)))
    bom = Bom(
        components=components,
        vulnerabilities=vulnerabilities,
        metadata=BomMetaData(
            component=root,
            tools=_tools(),
            timestamp=at.replace(tzinfo=UTC),
            properties=[Property(name=f"{_PREFIX}note", value=note) for note in notes],
        ),
        serial_number=stable_id("not yet known"),
    )
    bom.register_dependency(root, bom.components)
    plain = json.loads(JsonV1Dot6(bom).output_as_string())
    timestamp = plain["metadata"].pop("timestamp")
    plain["serialNumber"] = f"urn:uuid:{stable_id('document', json.dumps(plain, sort_keys=True))}"
    plain["metadata"]["timestamp"] = timestamp
    write_text(path, (json.dumps(plain, indent=1, ensure_ascii=False), "\n"))


def _tools() -> ToolRepository:
    name, _, version = user_agent().partition("/")
    return ToolRepository(components=[Component(name=name, version=version or None, type=ComponentType.APPLICATION)])
