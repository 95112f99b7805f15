"""What changed since an earlier scan: in one line, as the part of a text report, and as plain data."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tasks.history.changes import FindingChange, PackageChange, Reference, ScanChanges
from tasks.history.iocchanges import GoneFinding, IocChanges
from tasks.history.iocmodel import FindingEntry
from tasks.history.scanmodel import PackageEntry
from tasks.text.plain import counted, one_line, section

__all__ = ["since_document", "since_line", "since_lines", "vulnerability_line"]

Changes = ScanChanges | IocChanges
_MOST = 200
"""Lines of one list in the text; the JSON has them all."""


def since_line(changes: Changes) -> str:
    """The changes as one sentence for the end of a run."""
    figures = ", ".join(f"{number:,} {words}" for words, number in _figures(changes) if number)
    return f"Since the last scan ({changes.before.finished_at:%Y-%m-%d %H:%M} UTC): {figures or 'nothing changed'}"


def _figures(changes: Changes) -> Iterator[tuple[str, int]]:
    yield "new", len(changes.new)
    if isinstance(changes, IocChanges):
        yield "gone", len(changes.gone)
        yield "not checked this time", len(changes.not_checked)
        yield "not known last time", len(changes.unknown_before)
        yield "repositories added", len(changes.added)
        yield "repositories no longer listed", len(changes.no_longer_listed)
        return
    yield "fixed", len(changes.fixed)
    yield "not checked this time", len(changes.not_checked)
    yield "with another severity", len(changes.severity)
    yield "newly known to be exploited", len(changes.exploited)
    yield "not known last time", len(changes.unknown_before)
    yield "packages added", len(changes.added)
    yield "packages removed", len(changes.removed)
    yield "packages with another version", len(changes.version_changed)


def since_lines(changes: Changes) -> Iterator[str]:
    """The changes as a person reads them, line by line."""
    yield "CHANGES BETWEEN TWO SCANS"
    yield "========================="
    yield f"From: {_reference(changes.before)}"
    yield f"To:   {_reference(changes.after)}"
    if changes.before.target != changes.after.target:
        yield "Note: the two scans are of different workbooks or organisations"
    lists = _ioc_lists(changes) if isinstance(changes, IocChanges) else _scan_lists(changes)
    said = False
    for title, lines in lists:
        for line in section(f"{title.upper()} ({len(lines)})", _cut(lines)):
            said = True
            yield line
    if not said:
        yield from ("", "Nothing changed")


def _reference(scan: Reference) -> str:
    return f"{one_line(scan.scan_id)} of {scan.finished_at:%Y-%m-%d %H:%M:%S} UTC, {one_line(scan.target)}"


def _cut(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_MOST]
    if len(lines) > _MOST:
        yield f"... and {len(lines) - _MOST:,} more (--json FILE has them all)"


def _scan_lists(changes: ScanChanges) -> Iterator[tuple[str, list[str]]]:
    yield "Newly known to be exploited", [_finding(one) for one in changes.exploited]
    yield "New", [_finding(one) for one in changes.new]
    yield "Not checked this time", [f"{_finding(one)}: {one_line(one.reason or '')}" for one in changes.not_checked]
    yield "Not known last time", [f"{_finding(one)}: {one_line(one.reason or '')}" for one in changes.unknown_before]
    yield "Another severity", [f"{_finding(one)}, was {one.before}" for one in changes.severity]
    yield "Fixed", [_finding(one) for one in changes.fixed]
    yield "Packages added", [_package(one.package) for one in changes.added]
    yield "Packages removed", [f"{_package(one.package)}{_taken_along(one.package)}" for one in changes.removed]
    yield "Versions changed", [_version(one) for one in changes.version_changed]
    yield "Not part of both scans", [_package(one.package) for one in changes.not_compared]


def _ioc_lists(changes: IocChanges) -> Iterator[tuple[str, list[str]]]:
    yield "New", [_indicated(one) for one in changes.new]
    yield "Not checked this time", _vanished(changes.not_checked)
    yield "Not known last time", _vanished(changes.unknown_before)
    yield "Gone", _vanished(changes.gone)
    yield "Repositories added", [one_line(name) for name in changes.added]
    yield "Repositories no longer listed", [one_line(name) for name in changes.no_longer_listed]


def _vanished(findings: Iterable[GoneFinding]) -> list[str]:
    return [f"{_indicated(one.finding)}: {one_line(one.reason)}" for one in findings]


def _indicated(finding: FindingEntry) -> str:
    package = f"{finding.name} {finding.version or '(no version)'}"
    return one_line(f"{finding.repository}: {finding.path}: {package} [{finding.indicator}]")


def vulnerability_line(package: PackageEntry, found: Any) -> str:
    """One vulnerability of a package on one line."""
    score = f", CVSS {found.cvss}" if found.cvss is not None else ""
    marks = [word for word, holds in (("MALICIOUS", found.malicious), ("KNOWN TO BE EXPLOITED", found.kev)) if holds]
    said = f"{package.name} {package.version or ''} (row {package.row}): {', '.join(found.ids)}"
    return one_line(" ".join((said, f"({', '.join((found.severity.value, *marks))}{score})")))


def _finding(change: FindingChange) -> str:
    return vulnerability_line(change.package, change.found)


def _package(package: PackageEntry) -> str:
    return one_line(f"{package.name} {package.version or '(no version)'} (row {package.row})")


def _taken_along(package: PackageEntry) -> str:
    many = counted(len(package.vulnerabilities), "vulnerability", "vulnerabilities")
    return f": {many} went with it, not fixed" if package.vulnerabilities else ""


def _version(change: PackageChange) -> str:
    former = change.former.version if change.former else None
    return one_line(f"{change.package.name}: {former or '(none)'} → {change.package.version or '(none)'}")


# ---- plain data


def since_document(changes: Changes) -> dict[str, Any]:
    """The changes as plain data: everything that the text has, uncut."""
    ends = {"schema": 1, "before": _reference_document(changes.before), "after": _reference_document(changes.after)}
    if isinstance(changes, IocChanges):
        return {
            **ends,
            "new": [_indicated_document(one) for one in changes.new],
            "gone": [{**_indicated_document(one.finding), "reason": one.reason} for one in changes.gone],
            "not_checked": [{**_indicated_document(one.finding), "reason": one.reason} for one in changes.not_checked],
            "unknown_before": [
                {**_indicated_document(one.finding), "reason": one.reason} for one in changes.unknown_before
            ],
            "repositories_added": list(changes.added),
            "repositories_no_longer_listed": list(changes.no_longer_listed),
        }
    return {
        **ends,
        "new": [_finding_document(one) for one in changes.new],
        "fixed": [_finding_document(one) for one in changes.fixed],
        "not_checked": [{**_finding_document(one), "reason": one.reason} for one in changes.not_checked],
        "severity_changed": [{**_finding_document(one), "before": one.before} for one in changes.severity],
        "newly_exploited": [_finding_document(one) for one in changes.exploited],
        "unknown_before": [{**_finding_document(one), "reason": one.reason} for one in changes.unknown_before],
        "packages_added": [_package_document(one) for one in changes.added],
        "packages_removed": [_package_document(one) for one in changes.removed],
        "version_changed": [_package_document(one) for one in changes.version_changed],
        "not_compared": [_package_document(one) for one in changes.not_compared],
    }


def _reference_document(scan: Reference) -> dict[str, Any]:
    finished = scan.finished_at.isoformat().replace("+00:00", "Z")
    return {"scan_id": scan.scan_id, "target": scan.target, "finished_at": finished}


def _finding_document(change: FindingChange) -> dict[str, Any]:
    package, found = change.package, change.found
    return {
        "row": package.row,
        "name": package.name,
        "version": package.version,
        "ids": list(found.ids),
        "cves": list(found.cves),
        "severity": found.severity.value,
        "cvss": found.cvss,
        "kev": found.kev,
        "malicious": found.malicious,
    }


def _package_document(change: PackageChange) -> dict[str, Any]:
    package, former = change.package, change.former
    return {
        "row": package.row,
        "name": package.name,
        "version": package.version,
        "former_version": former.version if former else None,
        "vulnerabilities": len(package.vulnerabilities),
    }


def _indicated_document(finding: FindingEntry) -> dict[str, Any]:
    return {
        "repository": finding.repository,
        "path": finding.path,
        "ecosystem": finding.ecosystem,
        "name": finding.name,
        "version": finding.version,
        "indicator": finding.indicator,
    }
