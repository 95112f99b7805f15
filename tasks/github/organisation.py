"""An organisation on GitHub: its repositories, their trees, and the contents of files.

Listing costs one request for 100 repositories, a tree one per changed repository, and files one per some 50 of them.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from tasks.errors import SourceAnswerInvalid, SourceError
from tasks.github.api import Credentials, GitHubApi
from tasks.github.blobs import BlobLimits, Blobs, Content, raw_path
from tasks.github.budget import Budget
from tasks.github.concurrently import all_of
from tasks.github.kept import KeptTrees
from tasks.github.listing import Listing
from tasks.github.model import EVERY_PATH, BlobRef, FileContent, PathFilter, RateState, Repository, TreeEntry
from tasks.github.query import FileQuestion, blob_id
from tasks.github.trees import Trees
from tasks.http.client import HttpClient

__all__ = ["GitHubOrganisation"]


class GitHubOrganisation:
    """Reads from GitHub through the one HTTP client; belongs to the event loop it is first used on.

    Every method may raise BudgetExhausted (resumable: see resume_at), AuthenticationFailed (at once, for every call
    after the first too) or another SourceError. kept remembers trees between runs; wanted leaves other paths out of
    every tree (give KeptTrees its name).
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        budget: Budget | None = None,
        credentials: Credentials | None = None,
        kept: KeptTrees | None = None,
        wanted: PathFilter = EVERY_PATH,
        limits: BlobLimits = BlobLimits(),  # noqa: B008 - frozen
    ) -> None:
        self._api = GitHubApi(client, budget or Budget(), credentials)
        self._client = client
        self._listing = Listing(self._api)
        self._trees = Trees(self._api, kept, wanted)
        self._blobs = Blobs(self._api, limits)

    @property
    def rate_states(self) -> Mapping[str, RateState]:
        """The primary limit's buckets as last seen, by resource ("core", "graphql")."""
        return self._api.budget.states

    @property
    def waited_s(self) -> float:
        """Seconds spent waiting for a quota, a pause or the rate per minute."""
        return self._api.budget.waited_s

    async def repositories(
        self, org: str, *, team: str | None = None, include_archived: bool = False, only: Sequence[str] = ()
    ) -> tuple[Repository, ...]:
        """The organisation's (or user's) repositories, or a team's by its slug, or only those named NAME or OWNER/NAME.

        Archived ones are left out, except where include_archived, or where they are named.
        """
        await self._api.learn_limits()
        if only:
            return await self._listing.named(org, only)
        found = await (self._listing.of_team(org, team) if team else self._listing.of_organisation(org))
        return tuple(repository for repository in found if include_archived or not repository.archived)

    async def teams(self, org: str, team: str | None = None) -> dict[str, tuple[str, ...]]:
        """The repositories (OWNER/NAME) of one team, or of every team the token may see, by its slug."""
        slugs = [team] if team is not None else await self._listing.teams(org)
        names = await all_of(self._listing.names_of_team(org, slug) for slug in slugs)
        return dict(zip(slugs, names, strict=True))

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        """Every wanted file of the repository, complete however large it is; no request where its commit is kept."""
        return await self._trees.tree(repository)

    async def blobs(self, refs: Sequence[BlobRef], limits: BlobLimits | None = None) -> Mapping[str, Content]:
        """Contents by object id, or why one was not read; each is asked for once, however many repositories hold it."""
        found: dict[str, Content] = {}
        waiting = list(refs)
        while waiting:
            # A copy in another repository is the next chance for a file that could not be read in the first.
            chosen = {ref.sha: ref for ref in reversed(waiting)}
            waiting = [ref for ref in waiting if chosen[ref.sha] is not ref]
            asked = list(chosen.values())
            contents = await self._blobs.read([_question(ref) for ref in asked], limits)
            found.update(zip(chosen, contents, strict=True))
            waiting = [ref for ref in waiting if isinstance(found[ref.sha], SourceError)]
            waiting = [ref for ref in waiting if ref.repository != chosen[ref.sha].repository]
        return found

    async def get_multiple_file_contents_parallel(
        self, repo: Repository | str, file_paths: Sequence[str], max_concurrent: int = 5
    ) -> Mapping[str, FileContent | SourceError]:
        """Each path's content in its default branch, or why it could not be read; repo is OWNER/NAME or a Repository.

        At most max_concurrent requests are in flight; each asks for many files.
        """
        paths = list(dict.fromkeys(file_paths))
        questions = [_named(repo, path) for path in paths]
        contents = await Blobs(self._api, BlobLimits(queries=max(1, max_concurrent))).read(questions)
        return {path: _content(content) for path, content in zip(paths, contents, strict=True)}

    async def stream_large_file_content(
        self, repo: Repository | str, file_path: str, chunk_size: int = 8192
    ) -> AsyncIterator[bytes]:
        """A file's content in chunks of chunk_size bytes, out of a temporary file: memory holds one chunk.

        Nothing is yielded before the whole file has arrived, so a cut connection never yields a part.
        """
        if chunk_size < 1:
            raise ValueError("chunk_size must be at least 1 byte")
        question = _named(repo, file_path)
        with tempfile.TemporaryDirectory(prefix="vetbook-") as folder:
            target = Path(folder) / "content"
            await self._api.download(raw_path(question), target, what=f"{question.full_name}: {file_path}")
            with target.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, chunk_size):
                    yield chunk


def _question(ref: BlobRef) -> FileQuestion:
    repository = ref.repository
    return FileQuestion(
        repository.owner, repository.name, repository.revision or "HEAD", ref.path, ref.sha, ref.size or 0
    )


def _named(repo: Repository | str, path: str) -> FileQuestion:
    if isinstance(repo, Repository):
        return FileQuestion(repo.owner, repo.name, repo.revision or "HEAD", path)
    owner, slash, name = repo.partition("/")
    if not (owner and slash and name):
        raise SourceAnswerInvalid(f"{repo!r} names no repository; write OWNER/NAME.")
    return FileQuestion(owner, name, "HEAD", path)


def _content(content: Content) -> FileContent | SourceError:
    if isinstance(content, SourceError):
        return content
    return FileContent(content, blob_id(content, ""), len(content))
