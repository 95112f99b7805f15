"""Which files of a repository are read, in which order, and in which batches."""

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.github.model import PathFilter, Repository, TreeEntry
from tasks.ioc.model import Candidate
from tasks.lockfiles.registry import is_lockfile

__all__ = ["FILTER", "Tree", "candidates", "priority_of", "sibling_lookup", "teams_first"]

_BESIDE = frozenset(
    {".txt", ".in", ".json", ".xml", ".toml", ".yaml", ".yml", ".lock", ".cfg", ".pip", ".mod", ".sum", ".work", ""}
    | {".req", ".reqs", ".list", ".lst", ".pin", ".pins", ".constraints", ".requirements"}
)
"""Endings of files that a lockfile may name: requirements that include others, package.json, parent POMs."""


def _matters(path: str) -> bool:
    place = PurePosixPath(path)
    named = any(word in place.name.lower() for word in ("requirement", "constraint"))
    return named or place.suffix.lower() in _BESIDE or is_lockfile(path)


FILTER = PathFilter("lockfiles-3", _matters)
"""What is kept of a tree: lockfiles and whatever they may name."""

LOCKFILE, SBOM, MANIFEST = 9, 7, 5
WANTED_FIRST = 5
"""Added to the priority of files that the user names."""

_RESOLVED_NAMES = ("lock", "shrinkwrap", "freeze", "packages.config", "go.mod", "package.resolved", "pylock")
_SBOM_NAMES = ("bom", "cyclonedx", "spdx")


@dataclass(frozen=True, slots=True)
class Tree:
    """A repository's files by path."""

    repository: Repository
    entries: Mapping[str, TreeEntry]

    @classmethod
    def of(cls, repository: Repository, entries: Iterable[TreeEntry]) -> "Tree":
        """Index the entries."""
        return cls(repository, {entry.path: entry for entry in entries})


def candidates(tree: Tree, *, only_root: bool = False) -> tuple[Candidate, ...]:
    """The lockfiles of a repository, by path; only_root: those in its top folder."""
    found = (entry for path, entry in sorted(tree.entries.items()) if is_lockfile(path))
    return tuple(Candidate(tree.repository, entry) for entry in found if not (only_root and "/" in entry.path))


def priority_of(path: str, wanted: Sequence[str] = ()) -> int:
    """How early a file is read, higher first: resolved versions before SBOMs before manifests; wanted names first."""
    name = PurePosixPath(path).name.lower()
    if any(part in name for part in _RESOLVED_NAMES):
        base = LOCKFILE
    elif any(part in name for part in _SBOM_NAMES):
        base = SBOM
    else:
        base = LOCKFILE if name.endswith(".txt") else MANIFEST
    named = any(path == one or PurePosixPath(path).name == one for one in wanted)
    return base + (WANTED_FIRST if named else 0)


def teams_first(
    repositories: Sequence[Repository], teams: Mapping[str, Sequence[str]]
) -> tuple[list[Repository], dict[str, tuple[str, ...]]]:
    """The repositories of each team, team after team, then the rest; and the teams with those of theirs among them."""
    known = {one.full_name: one for one in repositories}
    present = {team: tuple(name for name in names if name in known) for team, names in teams.items()}
    order = dict.fromkeys([*(name for names in present.values() for name in names), *known])
    return [known[name] for name in order], present


def sibling_lookup(tree: Tree, path: str) -> Callable[[str], str | None]:
    """Answers the object id of a file by its path from the folder of `path`; None where there is none."""
    folder = posixpath.dirname(path)

    def look(relative: str) -> str | None:
        entry = tree.entries.get(posixpath.normpath(posixpath.join(folder, relative)))
        return None if entry is None else entry.sha

    return look
