"""All advisories of one project held against one version: what affects it, as vulnerabilities, and what clears it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from packaging.version import Version

from tasks.advisories.evaluate import Matcher, entries_for
from tasks.advisories.grouping import group_by_alias
from tasks.advisories.model import Advisory, Assessment, EventKind, Verdict, Vulnerability
from tasks.advisories.severity import highest_score, rating
from tasks.advisories.versions import Target, parse_version, version_key

__all__ = ["ProjectAdvisories", "assess", "smallest_clearing"]

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_MALICIOUS = "MAL-"


def assess(advisories: Iterable[Advisory], project: str, version: str) -> Assessment:
    """Hold all advisories against one version of a PyPI project; see `ProjectAdvisories`."""
    return ProjectAdvisories.of(advisories, project).assess(version)


def smallest_clearing(
    advisories: Iterable[Advisory], project: str, version: str, candidates: Sequence[str]
) -> str | None:
    """The smallest candidate, not below the version, that no advisory affects; see `ProjectAdvisories`."""
    return ProjectAdvisories.of(advisories, project).smallest_clearing(version, candidates)


class _Rule(NamedTuple):
    """One record and what it says, prepared; a withdrawn one affects nothing."""

    advisory: Advisory
    matcher: Matcher


@dataclass(frozen=True, slots=True)
class ProjectAdvisories:
    """All advisories of one PyPI project, prepared once for asking about several of its versions."""

    project: str
    rules: tuple[_Rule, ...]

    @classmethod
    def of(cls, advisories: Iterable[Advisory], project: str) -> "ProjectAdvisories":
        """Records that do not name the project are left out; of several with one id the latest modified counts."""
        latest: dict[str, Advisory] = {}
        for advisory in advisories:
            known = latest.get(advisory.id)
            if known is None or _moment(known) < _moment(advisory):
                latest[advisory.id] = advisory
        own = (a for a in latest.values() if next(entries_for(a, project), None) is not None)
        return cls(project, tuple(_Rule(advisory, Matcher.of(advisory, project)) for advisory in own))

    def assess(self, version: str) -> Assessment:
        """What affects the version. Most severe first: malicious ones, then by severity, score and id."""
        target = Target.of(version)
        verdicts = [(a, None if a.withdrawn else matcher.verdict(target)) for a, matcher in self.rules]
        affecting = (advisory for advisory, verdict in verdicts if verdict is Verdict.AFFECTED)
        found = (_vulnerability(group, self.project) for group in group_by_alias(affecting))
        return Assessment(
            vulnerabilities=tuple(sorted(found, key=_most_severe_first)),
            not_affected=_ids(verdicts, Verdict.NOT_AFFECTED),
            undecidable=_ids(verdicts, Verdict.UNDECIDABLE),
            withdrawn=_ids(verdicts, None),
        )

    def is_clear(self, version: str) -> bool:
        """Whether no advisory affects the version; one that cannot be decided counts against it."""
        target = Target.of(version)
        return all(matcher.verdict(target) is Verdict.NOT_AFFECTED for _, matcher in self.rules)

    def smallest_clearing(self, version: str, candidates: Sequence[str]) -> str | None:
        """The smallest candidate, not below the version, that no advisory affects; None where there is none.

        An advisory that cannot be decided for a candidate counts against it. Candidates that are not PEP 440 are
        passed over; a version that is not PEP 440 cannot be compared, so nothing clears it.
        """
        least = parse_version(version)
        if least is None:
            return None
        matchers = [matcher for _, matcher in self.rules]
        parsed = ((parse_version(text), text) for text in candidates)
        above = sorted((found, text) for found, text in parsed if found is not None and found >= least)
        return next((text for _, text in above if not _stops(matchers, Target.of(text))), None)


def _moment(advisory: Advisory) -> str:
    # Without the "Z", text order is time order whether or not there are fractions of a second.
    return advisory.modified.rstrip("Z")


def _stops(matchers: list[Matcher], target: Target) -> bool:
    for place, matcher in enumerate(matchers):
        if matcher.verdict(target) is not Verdict.NOT_AFFECTED:
            # What stops one version mostly stops the next one too, so it is asked first from now on.
            matchers.insert(0, matchers.pop(place))
            return True
    return False


def _ids(verdicts: Iterable[tuple[Advisory, Verdict | None]], wanted: Verdict | None) -> tuple[str, ...]:
    return tuple(sorted(advisory.id for advisory, verdict in verdicts if verdict is wanted))


def _vulnerability(group: Sequence[Advisory], project: str) -> Vulnerability:
    ids = {advisory.id for advisory in group}
    names = ids.union(*(advisory.aliases for advisory in group))
    cvss = highest_score(vector for advisory in group for vector in _vectors(advisory, project))
    label = max((advisory.label for advisory in group), key=lambda severity: severity.rank)
    return Vulnerability(
        ids=tuple(sorted(ids)),
        aliases=tuple(sorted(names - ids)),
        cves=tuple(sorted(name for name in names if _CVE.fullmatch(name))),
        severity=label if cvss is None else rating(cvss),
        cvss=cvss,
        fixed_in=_fixed_in(group, project),
        summary=next((advisory.summary for advisory in group if advisory.summary), ""),
        malicious=any(name.startswith(_MALICIOUS) for name in names),
    )


def _vectors(advisory: Advisory, project: str) -> Iterator[str]:
    yield from advisory.vectors
    for entry in entries_for(advisory, project):
        yield from entry.vectors


def _fixed_in(group: Iterable[Advisory], project: str) -> tuple[str, ...]:
    fixes: dict[str, tuple[Version, str]] = {}
    for text in (text for advisory in group for text in _fixes(advisory, project)):
        version = parse_version(text)
        if version is not None:
            fixes.setdefault(version_key(text), (version, text))
    return tuple(text for _, text in sorted(fixes.values()))


def _fixes(advisory: Advisory, project: str) -> Iterator[str]:
    for entry in entries_for(advisory, project):
        for events in entry.ranges:
            yield from (event.version for event in events if event.kind is EventKind.FIXED)


def _most_severe_first(found: Vulnerability) -> tuple[bool, int, float, tuple[str, ...]]:
    return not found.malicious, -found.severity.rank, -(found.cvss or 0.0), found.ids
