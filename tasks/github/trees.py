"""The files of a repository at one commit, however large it is.

GET /repos/OWNER/NAME/git/trees/SHA?recursive=1 gives at most 100,000 entries or 7 MB and says `truncated` where there
are more; then whole directories are missing, and they are walked (docs.github.com/rest/git/trees).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from tasks.errors import SourceAnswerInvalid, SourceError
from tasks.github.api import GitHubApi
from tasks.github.concurrently import all_of
from tasks.github.errors import AuthenticationFailed, BudgetExhausted, RepositoryInaccessible
from tasks.github.kept import KeptTree, KeptTrees
from tasks.github.model import EVERY_PATH, PathFilter, Repository, TreeEntry
from tasks.github.text import literal, segment
from tasks.http.message import Answer, InvalidAnswer, read_json

__all__ = ["Trees"]

LARGE = 10_000
"""Entries of a truncated answer above which the repository is huge, and whole sub-trees are asked for again. Below, the
server cuts early (some gateways do), and would cut sub-trees too: then levels of directories are asked for."""

DIRECTORIES = 60
"""Directories of one level in one GraphQL query."""

_SYMBOLIC_LINK = "120000"
_SYMBOLIC_LINK_MODE = 0o120000


@dataclass(frozen=True, slots=True)
class _Level:
    """One answer: files and directories (path, sha) with full paths, and whether all are there."""

    files: tuple[TreeEntry, ...]
    directories: tuple[tuple[str, str], ...]
    truncated: bool
    etag: str | None = None


class Trees:
    """Reads trees, and remembers them by commit where kept is given; wanted says which paths matter."""

    def __init__(self, api: GitHubApi, kept: KeptTrees | None = None, wanted: PathFilter = EVERY_PATH) -> None:
        self._api = api
        self._kept = kept
        self._wanted = wanted

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        """Every wanted file by path, without symbolic links and submodules; () for a repository without commits.

        Raises RepositoryInaccessible or another SourceError; never a part of a tree.
        """
        if repository.problem is not None:
            raise RepositoryInaccessible(repository.problem)
        revision = repository.revision
        if revision is None:
            return ()
        kept = self._kept.get(repository) if self._kept is not None else None
        if kept is not None and kept.revision == repository.commit:
            return kept.entries
        held = kept if kept is not None and kept.revision == revision else None
        found = await self._read(repository, revision, held)
        if self._kept is not None and found is not held:
            self._kept.put(repository, found)
        return found.entries

    async def _read(self, repository: Repository, revision: str, held: KeptTree | None) -> KeptTree:
        etag = held.etag if held is not None else None
        level = await self._rest(repository, revision, "", recursive=True, etag=etag)
        if level is None:
            return KeptTree(revision, None, ())
        if held is not None and level is _UNCHANGED:
            return held
        files = await self._walk(repository, revision, level) if level.truncated else level.files
        entries = (entry for entry in files if self._wanted.accepts(entry.path))
        return KeptTree(revision, level.etag, tuple(sorted(entries, key=lambda entry: entry.path)))

    async def _walk(self, repository: Repository, revision: str, cut: _Level) -> Sequence[TreeEntry]:
        if len(cut.files) < LARGE:
            try:
                return await self._by_levels(repository, revision)
            except (AuthenticationFailed, BudgetExhausted):
                raise
            except SourceError:
                # The other way asks in smaller pieces, and says what is wrong where it fails too.
                return await self._by_subtrees(repository, revision, "")
        return await self._by_subtrees(repository, revision, "")

    async def _by_subtrees(self, repository: Repository, sha: str, prefix: str) -> list[TreeEntry]:
        """One level, then each of its directories as a whole where that is not cut."""
        level = await self._rest(repository, sha, prefix, recursive=False)
        if level is None:
            return []
        if level.truncated:
            raise SourceAnswerInvalid(
                f"{repository.full_name}: the folder {prefix or '/'} has more files than GitHub's API lists; not read."
            )
        parts = await all_of(self._subtree(repository, path, sha) for path, sha in level.directories)
        return [*level.files, *(entry for part in parts for entry in part)]

    async def _subtree(self, repository: Repository, path: str, sha: str) -> Sequence[TreeEntry]:
        whole = await self._rest(repository, sha, f"{path}/", recursive=True)
        if whole is None or not whole.truncated:
            return whole.files if whole is not None else ()
        return await self._by_subtrees(repository, sha, f"{path}/")

    async def _by_levels(self, repository: Repository, revision: str) -> list[TreeEntry]:
        found: list[TreeEntry] = []
        paths = [""]
        while paths:
            parts = [paths[start : start + DIRECTORIES] for start in range(0, len(paths), DIRECTORIES)]
            levels = await all_of(self._directories(repository, revision, part) for part in parts)
            found += [entry for level in levels for entry in level.files]
            paths = [path for level in levels for path, _ in level.directories]
        return found

    async def _directories(self, repository: Repository, revision: str, paths: Sequence[str]) -> _Level:
        objects = (
            f"d{number}: object(expression: {literal(f'{revision}:{path}')}) "
            "{ ... on Tree { entries { name type mode oid size } } }"
            for number, path in enumerate(paths)
        )
        owner, name = literal(repository.owner), literal(repository.name)
        answer = await self._api.graphql(
            f"query {{ r0: repository(owner: {owner}, name: {name}) {{ {' '.join(objects)} }} }}"
        )
        held: Any = answer.data.get("r0") or {}
        trees: list[Any] = [held.get(f"d{number}") for number, _ in enumerate(paths)]
        if any(not isinstance(tree, dict) or not isinstance(tree.get("entries"), list) for tree in trees):
            raise SourceAnswerInvalid(f"github: {repository.full_name} was not listed ({answer.reason()}).")
        prefixes = [f"{path}/" if path else "" for path in paths]
        entries = [(prefix, e) for prefix, tree in zip(prefixes, trees, strict=True) for e in tree["entries"]]
        files = tuple(_of_graphql(prefix, e) for prefix, e in entries if e["type"] == "blob" and _is_file(e))
        directories = tuple((f"{prefix}{e['name']}", str(e["oid"])) for prefix, e in entries if e["type"] == "tree")
        return _Level(files, directories, truncated=False)

    async def _rest(
        self, repository: Repository, sha: str, prefix: str, *, recursive: bool, etag: str | None = None
    ) -> _Level | None:
        """A tree by its id; None: no commits; `_UNCHANGED`: what the ETag stands for still holds."""
        base = f"/repos/{segment(repository.owner)}/{segment(repository.name)}/git/trees/{segment(sha, slashes=True)}"
        path = f"{base}?recursive=1" if recursive else base
        headers = {"If-None-Match": etag} if etag else None
        level = await self._api.get(path, _read_level, what=f"The tree of {repository.full_name}", headers=headers)
        return level if level is None or not prefix else _below(prefix, level)


_UNCHANGED = _Level((), (), truncated=False)


def _read_level(answer: Answer) -> _Level:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return _UNCHANGED
    value = read_json(answer)
    if not isinstance(value, dict) or not isinstance(value.get("tree"), list):
        raise InvalidAnswer("the answer is not a tree")
    try:
        files = tuple(_files(value["tree"]))
        directories = tuple((str(e["path"]), str(e["sha"])) for e in value["tree"] if e["type"] == "tree")
    except (KeyError, TypeError) as error:
        raise InvalidAnswer("a tree's entry lacks path, type or sha") from error
    return _Level(files, directories, bool(value.get("truncated")), answer.headers.get("etag"))


def _files(entries: Sequence[Mapping[str, Any]]) -> Iterator[TreeEntry]:
    for entry in entries:
        # A link's content is another path, which is read where it lies.
        if entry["type"] == "blob" and entry.get("mode") != _SYMBOLIC_LINK:
            yield TreeEntry(str(entry["path"]), str(entry["sha"]), entry.get("size"))


def _below(prefix: str, level: _Level) -> _Level:
    files = tuple(replace(entry, path=prefix + entry.path) for entry in level.files)
    directories = tuple((prefix + path, sha) for path, sha in level.directories)
    return replace(level, files=files, directories=directories)


def _is_file(entry: Mapping[str, Any]) -> bool:
    return entry.get("mode") != _SYMBOLIC_LINK_MODE


def _of_graphql(prefix: str, entry: Mapping[str, Any]) -> TreeEntry:
    return TreeEntry(f"{prefix}{entry['name']}", str(entry["oid"]), entry.get("size"))
