"""The upgrade plan: each affected package of a list, most urgent first, its ways out and what stands in the way."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from tasks.advisories.versions import project_name, version_key
from tasks.review.model import PackageReview
from tasks.upgrade.model import Candidate, Pin, Upgrade, UpgradeEntry, UpgradePaths
from tasks.upgrade.paths import same_line

__all__ = ["upgrade_plan"]

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_LAST_PATCH = 999

Bounds = Mapping[str, Sequence[tuple[PackageReview, Requirement]]]
"""The requirements that bound a project, with the package of the list that asks so, by PEP 503 name."""


def upgrade_plan(reviews: Sequence[PackageReview], python: str | None = None) -> tuple[UpgradeEntry, ...]:
    """One entry per affected package version. python is the stated one, such as "3.11"; None: none is.

    Ordered by known exploited (or malicious), EPSS and CVSS; what is decided altogether comes last.
    """
    affected: dict[tuple[str, str], list[PackageReview]] = defaultdict(list)
    for review in reviews:
        if review.vulnerabilities:
            affected[review.project, review.version].append(review)
    bounds = _bounds(reviews, {project for project, _ in affected})
    entries = (_entry(rows, bounds.get(project, ()), python) for (project, _), rows in affected.items())
    return tuple(sorted(entries, key=_most_urgent_first))


def _most_urgent_first(entry: UpgradeEntry) -> tuple[object, ...]:
    settled = entry.decided == entry.vulnerabilities
    exploited = entry.kev or entry.malicious
    return settled, not exploited, -(entry.epss or 0), -(entry.cvss or 0), -entry.severity.rank, entry.name, entry.rows


def _entry(
    rows: Sequence[PackageReview], bounds: Sequence[tuple[PackageReview, Requirement]], python: str | None
) -> UpgradeEntry:
    review = rows[0]
    found = review.open_vulnerabilities or review.vulnerabilities
    worst = max((v.severity for v in found), key=lambda severity: severity.rank)
    paths = _paths(review)
    return UpgradeEntry(
        name=review.name,
        version=review.version,
        rows=tuple(row.row for row in rows),
        vulnerabilities=len(review.vulnerabilities),
        decided=len(review.vulnerabilities) - len(review.open_vulnerabilities),
        severity=worst,
        malicious=any(v.malicious for v in found),
        kev=any(v.kev for v in found),
        epss=max((v.epss for v in found if v.epss is not None), default=None),
        cvss=max((v.cvss for v in found if v.cvss is not None), default=None),
        in_line=_upgrade(paths.in_line, bounds, python),
        over_all=_upgrade(paths.over_all, bounds, python),
        latest_version=review.latest_version,
        latest_affected=review.latest_affected,
        checked=review.upgrade is not None or review.cleared_by is not None,
        not_compared=tuple(i for v in review.vulnerabilities if "osv" not in v.sources for i in v.ids),
    )


def _paths(review: PackageReview) -> UpgradePaths:
    """Those of the review; of one that an earlier version stored, what it says of later versions."""
    if review.upgrade is not None or review.cleared_by is None:
        return review.upgrade or UpgradePaths()
    clear = Candidate(review.cleared_by)
    return UpgradePaths(clear if same_line(review.cleared_by, review.version) else None, clear)


def _upgrade(
    candidate: Candidate | None, bounds: Sequence[tuple[PackageReview, Requirement]], python: str | None
) -> Upgrade | None:
    if candidate is None:
        return None
    return Upgrade(
        candidate.version,
        candidate.prerelease,
        candidate.yanked,
        candidate.requires_python,
        _needs_another(candidate.requires_python, python),
        tuple(_pins(candidate.version, bounds)),
    )


def _needs_another(requires: str | None, python: str | None) -> bool | None:
    if requires is None or python is None:
        return None
    try:
        specifier = SpecifierSet(requires)
    except InvalidSpecifier:
        return None
    # "3.9" means any 3.9: one that asks for 3.9.2 or later runs on it.
    last = f"{python}.{_LAST_PATCH}" if python.count(".") == 1 else python
    return not any(specifier.contains(one, prereleases=True) for one in (python, last))


# ---- pins


def _bounds(reviews: Iterable[PackageReview], projects: set[str]) -> Bounds:
    found: dict[str, list[tuple[PackageReview, Requirement]]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for review in reviews:
        # The same package version in several rows asks for the same.
        if review.facts is None or (review.project, review.version) in seen:
            continue
        seen.add((review.project, review.version))
        for line in review.facts.bounds:
            requirement = _about(line, projects - {review.project})
            if requirement is not None:
                found[project_name(requirement.name)].append((review, requirement))
    return found


def _about(line: str, projects: set[str]) -> Requirement | None:
    """The requirement of a line that is about one of the projects."""
    name = _NAME.match(line)
    if name is None or project_name(name[1]) not in projects:
        return None
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _pins(version: str, bounds: Sequence[tuple[PackageReview, Requirement]]) -> Iterable[Pin]:
    for review, requirement in bounds:
        if not requirement.specifier.contains(version, prereleases=True):
            described = review.facts.described_version if review.facts else None
            same = described is None or version_key(described) == version_key(review.version)
            pin = Pin(review.row, review.name, review.version, str(requirement), review.version)
            yield pin if same or described is None else replace(pin, read_of=described)
