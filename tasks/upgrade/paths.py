"""The smallest versions that clear everything known: in the installed version's release line, and over all.

A release line is everything with the same epoch and first number (2.x). Stable versions go before pre-releases, those
before yanked ones: what is second best is taken only where there is nothing better, and says what it is.
"""

from collections.abc import Callable

from packaging.version import Version

from tasks.advisories.assess import ProjectAdvisories
from tasks.advisories.versions import parse_version
from tasks.sources.interface import ProjectFacts
from tasks.upgrade.model import Candidate, UpgradePaths

__all__ = ["same_line", "upgrade_paths"]


def same_line(one: str, other: str) -> bool:
    """Whether two versions are of one release line; what is no PEP 440 version is of none."""
    left, right = parse_version(one), parse_version(other)
    return left is not None and right is not None and (left.epoch, left.major) == (right.epoch, right.major)


def upgrade_paths(known: ProjectAdvisories, installed: str, facts: ProjectFacts) -> UpgradePaths:
    """The ways out for an installed version; both None where it is no PEP 440 version or nothing later is clear."""
    version = parse_version(installed)
    if version is None:
        return UpgradePaths()
    over_all = _smallest(known, facts, lambda found: found > version)
    if over_all is None or same_line(over_all.version, installed):
        return UpgradePaths(over_all, over_all)
    # Another line's is better or there is none here: a pre-release or a yanked one of this line may still be.
    line = (version.epoch, version.major)
    in_line = _smallest(known, facts, lambda found: found > version and (found.epoch, found.major) == line)
    return UpgradePaths(in_line, over_all)


def _smallest(known: ProjectAdvisories, facts: ProjectFacts, wanted: Callable[[Version], bool]) -> Candidate | None:
    kinds = ((facts.stable_versions, False), (facts.pre_releases, False), (facts.yanked_versions, True))
    for texts, yanked in kinds:
        versions = [text for text in texts if (found := parse_version(text)) is not None and wanted(found)]
        clear = known.smallest_clearing("0.dev0", versions)
        if clear is not None:
            return _candidate(clear, facts, yanked=yanked)
    return None


def _candidate(text: str, facts: ProjectFacts, *, yanked: bool) -> Candidate:
    found = parse_version(text)
    return Candidate(text, found is not None and found.is_prerelease, yanked, facts.pythons.get(text))
