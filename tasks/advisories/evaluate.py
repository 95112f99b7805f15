"""Whether an advisory affects one version of one project, by OSV's evaluation rules on PEP 440.

Source: OSV schema, "Evaluation" (https://ossf.github.io/osv-schema/#evaluation): a version is affected if it is listed
in `versions` or lies within any of the ranges, of any `affected` entry that names the package.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from tasks.advisories.model import Advisory, Affected, Verdict
from tasks.advisories.ranges import RangeRule
from tasks.advisories.versions import Target, project_name, version_key

__all__ = ["Matcher", "entries_for", "evaluate"]

PYPI = "PyPI"


def entries_for(advisory: Advisory, project: str, ecosystem: str = PYPI) -> Iterator[Affected]:
    """The entries of an advisory that name the project; names are compared by PEP 503, ecosystems without suffix."""
    wanted = project_name(project)
    for entry in advisory.affected:
        if entry.ecosystem.partition(":")[0] == ecosystem and project_name(entry.name) == wanted:
            yield entry


@dataclass(frozen=True, slots=True)
class Matcher:
    """What an advisory says about one project, prepared for asking many versions.

    An entry with neither versions nor ranges (or with GIT ranges only, which need the repository) names no version,
    so by the schema's rules it affects none.
    """

    listed: frozenset[str]
    ranges: tuple[RangeRule, ...]

    @classmethod
    def of(cls, advisory: Advisory, project: str, ecosystem: str = PYPI) -> "Matcher":
        """Prepare an advisory for a project; a withdrawn one, or one of other projects, affects nothing."""
        entries = () if advisory.withdrawn else tuple(entries_for(advisory, project, ecosystem))
        return cls(
            frozenset(chain.from_iterable(map(_keys, entries))),
            tuple(RangeRule.of(events) for entry in entries for events in entry.ranges),
        )

    def verdict(self, target: Target) -> Verdict:
        """AFFECTED if anything says so, else UNDECIDABLE if anything cannot say, else NOT_AFFECTED.

        A local build (1.0+cpu) that no rule names while its public release (1.0) is affected is UNDECIDABLE: OSV
        compares versions as they are, yet a rebuilt release mostly carries the faults of what it was built from.
        """
        said = self._as_it_is(target)
        if said is Verdict.NOT_AFFECTED and target.public and self._as_it_is(target.public) is Verdict.AFFECTED:
            return Verdict.UNDECIDABLE
        return said

    def _as_it_is(self, target: Target) -> Verdict:
        if target.key in self.listed:
            return Verdict.AFFECTED
        verdicts = {rule.verdict(target) for rule in self.ranges}
        if target.version is None and self.listed:
            verdicts.add(Verdict.UNDECIDABLE)
        for verdict in (Verdict.AFFECTED, Verdict.UNDECIDABLE):
            if verdict in verdicts:
                return verdict
        return Verdict.NOT_AFFECTED


def _keys(entry: Affected) -> Iterable[str]:
    return entry.versions if entry.keyed else map(version_key, entry.versions)


def evaluate(advisory: Advisory, project: str, version: str, ecosystem: str = PYPI) -> Verdict:
    """What one advisory says about one version of a project; never raises, whatever the texts hold.

    A version is listed if its text or its PEP 440 value is (1.0 is 1.0.0 is v1.0). Events that are not PEP 440 make
    the answer UNDECIDABLE where it hangs on them. A version that is not PEP 440 is AFFECTED if listed letter by
    letter or if every version is affected, else UNDECIDABLE. Withdrawn records and other packages: NOT_AFFECTED.
    """
    return Matcher.of(advisory, project, ecosystem).verdict(Target.of(version))
