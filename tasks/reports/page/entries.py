"""Findings and packages as lines of a list on the page of a scan."""

from tasks.history.scanmodel import PackageEntry, VulnerabilityEntry
from tasks.reports.page.view import Entry, tone_of

__all__ = ["finding_entry", "named", "severity_words"]


def finding_entry(package: PackageEntry, found: VulnerabilityEntry, detail: str = "") -> Entry:
    """One vulnerability of a package; detail is what is said behind it."""
    return Entry(
        what=named(package),
        ids=found.ids[:3],
        badge=severity_words(found),
        tone=tone_of(found.severity, malicious=found.malicious),
        mark="Exploited" if found.kev else "",
        detail=detail,
    )


def severity_words(found: VulnerabilityEntry) -> str:
    """The severity as people read it; malicious packages have none."""
    return "Malicious" if found.malicious else found.severity.value.capitalize()


def named(package: PackageEntry) -> str:
    """A package with its version, where it has one."""
    return f"{package.name} {package.version or ''}".strip()
