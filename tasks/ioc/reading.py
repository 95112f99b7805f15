"""Reading a batch of lockfiles: their contents, the files they name, and the packages in them."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tasks.errors import SourceError, VetbookError
from tasks.github.model import BlobRef, Repository, TreeEntry
from tasks.ioc.model import Candidate, Parsed
from tasks.ioc.plan import Tree
from tasks.lockfiles.registry import MAX_BYTES, parse_lockfile, siblings_of

__all__ = ["Fetched", "GitHub", "Reader", "Unread", "parse"]

_DEPTH = 20
"""Files that include files that include files: more levels than anybody has."""


class GitHub(Protocol):
    """What the scan asks of GitHub; see tasks.github.organisation."""

    async def repositories(
        self, org: str, *, team: str | None = None, include_archived: bool = False, only: Sequence[str] = ()
    ) -> tuple[Repository, ...]:
        """The repositories, each with its present commit."""
        ...

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        """The files of a repository."""
        ...

    async def blobs(self, refs: Sequence[BlobRef]) -> Mapping[str, bytes | SourceError]:
        """Contents by object id, or why one could not be had."""
        ...


@dataclass(frozen=True, slots=True)
class Unread:
    """A file whose content could not be had, and why."""

    sha: str
    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file with its content and the files read with it, by path; siblings as `Parsed` has them."""

    candidate: Candidate
    content: bytes
    beside: Mapping[str, bytes]
    siblings: tuple[tuple[str, str | None], ...]


@dataclass(slots=True)
class _Wanted:
    candidate: Candidate
    tree: Tree
    beside: dict[str, bytes] = field(default_factory=dict)
    siblings: dict[str, str | None] = field(default_factory=dict)
    content: bytes | None = None
    problem: str | None = None

    def relative(self, path: str) -> str:
        return posixpath.relpath(path, posixpath.dirname(self.candidate.entry.path) or ".")

    def asks_for(self, path: str, content: bytes | None) -> list[str]:
        """Files named by one at path that were not looked at yet; they are noted, whether they are there or not."""
        new = [one for one in siblings_of(path, content) if self.relative(one) not in self.siblings]
        for one in new:
            entry = self.tree.entries.get(one)
            self.siblings[self.relative(one)] = entry.sha if entry is not None else None
        return [one for one in new if one in self.tree.entries and one != self.candidate.entry.path]


@dataclass(frozen=True, slots=True)
class Reader:
    """Fetches contents; trees (by OWNER/NAME) come from GitHub, or from what it keeps, where they are not given."""

    github: GitHub
    trees: Mapping[str, Tree] = field(default_factory=dict)

    async def fetch(self, files: Sequence[Candidate]) -> list[Fetched | Unread]:
        """One answer a file, in order. Errors that concern all files (authentication, budget) pass through."""
        repositories = {file.repository.full_name: file.repository for file in files}
        known = {name: await self._tree(one) for name, one in repositories.items()}
        wanted = [_Wanted(file, known[file.repository.full_name]) for file in files]
        pairs = [(one, one.candidate.entry.path) for one in wanted]
        for _ in range(_DEPTH):
            if not pairs:
                break
            pairs = await self._round(pairs)
        return [_answer(one) for one in wanted]

    async def _tree(self, repository: Repository) -> Tree:
        known = self.trees.get(repository.full_name)
        return known if known is not None else Tree.of(repository, await self.github.tree(repository))

    async def _round(self, pairs: Sequence[tuple[_Wanted, str]]) -> list[tuple[_Wanted, str]]:
        """Fetch a path for each file, note its content, and answer which paths that content asks for."""
        for one, path in pairs:
            one.problem = one.problem or _too_large(one.tree.entries[path])
        pairs = [(one, path) for one, path in pairs if one.problem is None]
        refs = [_ref(one.tree, path) for one, path in pairs]
        contents = await self.github.blobs(list({ref.sha: ref for ref in refs}.values()))
        following: list[tuple[_Wanted, str]] = []
        for (one, path), ref in zip(pairs, refs, strict=True):
            content = contents.get(ref.sha)
            if not isinstance(content, bytes):
                one.problem = str(content) if content is not None else f"{path}: GitHub did not answer for it"
                continue
            if path == one.candidate.entry.path:
                one.content = content
            else:
                one.beside[path] = content
            following += ((one, more) for more in one.asks_for(path, content))
        return following


def _too_large(entry: TreeEntry) -> str | None:
    """Why a file is not even asked for; what it weighs is known from the tree."""
    if (entry.size or 0) <= MAX_BYTES:
        return None
    return f"{entry.path}: {entry.size:,} bytes are more than the {MAX_BYTES:,} that are read"


def _ref(tree: Tree, path: str) -> BlobRef:
    entry = tree.entries[path]
    return BlobRef(tree.repository, path, entry.sha, entry.size or 0)


def _answer(one: _Wanted) -> Fetched | Unread:
    candidate = one.candidate
    if one.content is None or one.problem is not None:
        return Unread(candidate.entry.sha, candidate.place, one.problem or "not read")
    return Fetched(candidate, one.content, one.beside, tuple(sorted(one.siblings.items())))


def parse(fetched: Fetched) -> Parsed:
    """The packages of one file; a file that is none of its kind is one with a reason."""
    entry, place = fetched.candidate.entry, fetched.candidate.place
    try:
        packages = tuple(dict.fromkeys(parse_lockfile(entry.path, fetched.content, fetched.beside)))
    except VetbookError as error:
        reason = str(error).removeprefix(f"{entry.path}: ")
        return Parsed(entry.sha, place, fetched.siblings, (), reason)
    except Exception as error:  # noqa: BLE001  a parser's fault on one odd file: that file has failed, others go on
        reason = f"the parser failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        return Parsed(entry.sha, place, fetched.siblings, (), reason)
    return Parsed(entry.sha, place, fetched.siblings, packages)
