"""The files of many repositories, some at a time; a repository that cannot be read is named, not fatal."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from tasks.errors import SourceError
from tasks.github.errors import AuthenticationFailed, BudgetExhausted
from tasks.github.model import Repository, TreeEntry
from tasks.ioc.plan import Tree

__all__ = ["TreeSource", "read_trees"]


class TreeSource(Protocol):
    """Where the files of a repository are listed; `tasks.github.organisation.GitHubOrganisation` is one."""

    async def tree(self, repository: Repository) -> tuple[TreeEntry, ...]:
        """The files of a repository; SourceError where it cannot be read."""
        ...


async def read_trees(
    source: TreeSource, repositories: Sequence[Repository], at_once: int, done: Callable[[], None] = lambda: None
) -> list[Tree | SourceError]:
    """Each repository's tree, in order, or why it could not be had; done is called after each.

    Raises AuthenticationFailed and BudgetExhausted: what they say holds for all that would come.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(repository: Repository) -> Tree | SourceError:
        async with gate:
            try:
                return Tree.of(repository, await source.tree(repository))
            except (AuthenticationFailed, BudgetExhausted):
                raise
            except SourceError as error:
                return error
            finally:
                done()

    return await asyncio.gather(*(one(repository) for repository in repositories))
