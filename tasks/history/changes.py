"""What changed between two scans of a workbook: by package and by vulnerability, whatever its records are called.

Silence is not safety: a finding that is gone counts as fixed only where the sources that told of it answered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from packaging.utils import canonicalize_name

from tasks.advisories.model import Severity
from tasks.history.iocmodel import IocDocument
from tasks.history.pairing import paired, same
from tasks.history.scanmodel import PackageEntry, ScanDocument, VulnerabilityEntry
from tasks.review.model import SourceStatus

__all__ = ["FindingChange", "PackageChange", "Reference", "ScanChanges", "compare_scans"]

_ANSWERED = frozenset({SourceStatus.AFFECTED, SourceStatus.NOT_AFFECTED, SourceStatus.NONE_FOUND})
_DECIDING = ("osv", "github", "snyk")
"""The sources whose advisories say what affects a version; the others only add to them."""
_EXPLOITATION = "kev"


@dataclass(frozen=True, slots=True)
class Reference:
    """A scan as a comparison names it; finished_at is aware UTC."""

    scan_id: str
    target: str
    finished_at: datetime

    @classmethod
    def of(cls, document: ScanDocument | IocDocument) -> "Reference":
        """The reference to a document."""
        return cls(document.scan_id, document.target, document.finished_at)


@dataclass(frozen=True, slots=True)
class FindingChange:
    """One vulnerability of one package that came, went or changed.

    before is its former severity where it was known before; reason says why a gone one could not be checked, or why
    nobody knew of this one before.
    """

    package: PackageEntry
    found: VulnerabilityEntry
    before: Severity | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that came, went or has another version; former is how it was, None for a new one."""

    package: PackageEntry
    former: PackageEntry | None = None


@dataclass(frozen=True, slots=True)
class ScanChanges:
    """Everything that changed between two scans, each list most urgent first.

    exploited are vulnerabilities known to be exploited now (KEV) and not before, new ones among them; unknown_before
    are those of which the former scan could not know that they were there, or were exploited: they are no news. A
    removed package takes its findings along, they are not fixed. not_compared are packages that one of the scans was
    not asked for.
    """

    before: Reference
    after: Reference
    new: tuple[FindingChange, ...] = ()
    fixed: tuple[FindingChange, ...] = ()
    not_checked: tuple[FindingChange, ...] = ()
    severity: tuple[FindingChange, ...] = ()
    exploited: tuple[FindingChange, ...] = ()
    unknown_before: tuple[FindingChange, ...] = ()
    added: tuple[PackageChange, ...] = ()
    removed: tuple[PackageChange, ...] = ()
    version_changed: tuple[PackageChange, ...] = ()
    not_compared: tuple[PackageChange, ...] = ()


@dataclass(slots=True)
class _Gathered:
    new: list[FindingChange] = field(default_factory=list)
    fixed: list[FindingChange] = field(default_factory=list)
    not_checked: list[FindingChange] = field(default_factory=list)
    severity: list[FindingChange] = field(default_factory=list)
    exploited: list[FindingChange] = field(default_factory=list)
    unknown_before: list[FindingChange] = field(default_factory=list)
    added: list[PackageChange] = field(default_factory=list)
    removed: list[PackageChange] = field(default_factory=list)
    version_changed: list[PackageChange] = field(default_factory=list)
    not_compared: list[PackageChange] = field(default_factory=list)


def compare_scans(before: ScanDocument, after: ScanDocument) -> ScanChanges:
    """What changed from one scan to a later one. Rows of the same package and version count once."""
    found = _Gathered()
    whole_before, whole_after = before.summary.scope.whole, after.summary.scope.whole
    named = frozenset(canonicalize_name(package.name) for package in before.packages)
    for old, new in paired(before.packages, after.packages, whole=whole_before and whole_after):
        if old is not None and new is not None:
            _compare(found, old, new)
        elif new is not None:
            # Its row may have had another version that this scan of some rows was not asked to tell apart.
            known = canonicalize_name(new.name) in named
            _added(found, new, compared=whole_before and (whole_after or not known))
        elif old is not None:
            _removed(found, old, compared=whole_after)
    return ScanChanges(
        Reference.of(before),
        Reference.of(after),
        new=_most_urgent_first(found.new),
        fixed=_most_urgent_first(found.fixed),
        not_checked=_most_urgent_first(found.not_checked),
        severity=_most_urgent_first(found.severity),
        exploited=_most_urgent_first(found.exploited),
        unknown_before=_most_urgent_first(found.unknown_before),
        added=tuple(found.added),
        removed=tuple(found.removed),
        version_changed=tuple(found.version_changed),
        not_compared=tuple(found.not_compared),
    )


def _most_urgent_first(changes: Iterable[FindingChange]) -> tuple[FindingChange, ...]:
    return tuple(sorted(changes, key=lambda change: change.found.urgency, reverse=True))


def _added(found: _Gathered, new: PackageEntry, *, compared: bool) -> None:
    if not compared:
        found.not_compared.append(PackageChange(new))
        return
    found.added.append(PackageChange(new))
    for vulnerability in new.vulnerabilities:
        _note_new(found, new, vulnerability)


def _removed(found: _Gathered, old: PackageEntry, *, compared: bool) -> None:
    (found.removed if compared else found.not_compared).append(PackageChange(old, old))


def _compare(found: _Gathered, old: PackageEntry, new: PackageEntry) -> None:
    if (old.version or "") != (new.version or ""):
        found.version_changed.append(PackageChange(new, old))
    for was, now in same(old.vulnerabilities, new.vulnerabilities):
        if not was:
            _note_come(found, old, new, now)
        elif not now:
            _note_gone(found, new, was)
        else:
            _note_kept(found, old, new, was, now)


def _note_new(found: _Gathered, package: PackageEntry, vulnerability: VulnerabilityEntry) -> None:
    change = FindingChange(package, vulnerability)
    found.new.append(change)
    if vulnerability.kev:
        found.exploited.append(change)


def _note_come(
    found: _Gathered, former: PackageEntry, package: PackageEntry, now: Sequence[VulnerabilityEntry]
) -> None:
    silent = _silence(former, now)
    if silent:
        found.unknown_before.append(FindingChange(package, _worst(now), reason=silent))
    else:
        _note_new(found, package, _worst(now))


def _note_gone(found: _Gathered, package: PackageEntry, was: Sequence[VulnerabilityEntry]) -> None:
    worst, silent = _worst(was), _silence(package, was)
    (found.not_checked if silent else found.fixed).append(FindingChange(package, worst, worst.severity, silent))


def _silence(package: PackageEntry, told: Sequence[VulnerabilityEntry]) -> str | None:
    """Why a package's answers do not say that it lacks what another scan was told of; None where they do."""
    tellers = {source for one in told for source in one.sources if source in _DECIDING} or {"osv"}
    return "; ".join(why for source in sorted(tellers) if (why := _why_silent(package, source))) or None


def _why_silent(package: PackageEntry, source: str) -> str | None:
    """Why a source does not say that a finding is not there; None where it does."""
    answer = package.sources.get(source)
    if answer is None:
        return package.reason or f"{source} was not asked"
    if answer.status in _ANSWERED:
        return f"{source}: only OSV's copy was at hand" if answer.second_hand else None
    reason = answer.reason or package.reason or answer.status.value.replace("_", " ")
    return reason if reason.startswith(f"{source}:") else f"{source}: {reason}"


def _note_kept(
    found: _Gathered,
    former: PackageEntry,
    package: PackageEntry,
    was: Sequence[VulnerabilityEntry],
    now: Sequence[VulnerabilityEntry],
) -> None:
    old, new = _severity(was), _severity(now)
    change = FindingChange(package, _worst(now), old)
    # A severity that is not known any more has not become another one: nobody told it this time.
    if old is not new and new is not Severity.UNKNOWN:
        found.severity.append(change)
    if any(one.kev for one in now) and not any(one.kev for one in was):
        if _EXPLOITATION in (*former.not_consulted, *former.gaps):
            found.unknown_before.append(replace(change, reason=f"{_EXPLOITATION}: no answer in the earlier scan"))
        else:
            found.exploited.append(change)


def _severity(found: Sequence[VulnerabilityEntry]) -> Severity:
    return max((one.severity for one in found), key=lambda severity: severity.rank)


def _worst(found: Sequence[VulnerabilityEntry]) -> VulnerabilityEntry:
    return max(found, key=lambda one: one.urgency)
