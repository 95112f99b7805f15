"""GitHub for programs that want one object to read from, opened when it is first used."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from pydantic import SecretStr

from tasks.errors import SourceError
from tasks.github.access import GitHubAccess, open_organisation
from tasks.github.model import BlobRef, FileContent, Repository, TreeEntry
from tasks.github.organisation import GitHubOrganisation

__all__ = ["AsyncGitHubClient"]


class AsyncGitHubClient:
    """Repositories, trees and files; for one event loop. Call `close()` at the end, or use `async with`.

    token None: GITHUB_TOKEN or a GitHub App of the environment; access replaces both. Raises what `GitHubOrganisation`
    raises.
    """

    def __init__(self, token: str | SecretStr | None = None, access: GitHubAccess | None = None) -> None:
        found = access or GitHubAccess.from_environment()
        given = SecretStr(token) if isinstance(token, str) else token
        self._access = found if given is None else replace(found, token=given, credentials=None)
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._opened: GitHubOrganisation | None = None

    async def __aenter__(self) -> "AsyncGitHubClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        self._opened = None
        await self._stack.aclose()

    async def repositories(
        self, org: str, *, team: str | None = None, include_archived: bool = False, only: Sequence[str] = ()
    ) -> tuple[Repository, ...]:
        """See `GitHubOrganisation.repositories`."""
        github = await self._github()
        return await github.repositories(org, team=team, include_archived=include_archived, only=only)

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        """See `GitHubOrganisation.tree`."""
        return await (await self._github()).tree(repository)

    async def blobs(self, refs: Sequence[BlobRef]) -> Mapping[str, bytes | SourceError]:
        """See `GitHubOrganisation.blobs`."""
        return await (await self._github()).blobs(refs)

    async def get_multiple_file_contents_parallel(
        self, repo: Repository | str, file_paths: Sequence[str], max_concurrent: int = 5
    ) -> Mapping[str, FileContent | SourceError]:
        """See `GitHubOrganisation.get_multiple_file_contents_parallel`."""
        return await (await self._github()).get_multiple_file_contents_parallel(repo, file_paths, max_concurrent)

    async def stream_large_file_content(
        self, repo: Repository | str, file_path: str, chunk_size: int = 8192
    ) -> AsyncIterator[bytes]:
        """See `GitHubOrganisation.stream_large_file_content`."""
        github = await self._github()
        async for chunk in github.stream_large_file_content(repo, file_path, chunk_size):
            yield chunk

    async def _github(self) -> GitHubOrganisation:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(open_organisation(self._access))
            return self._opened
