"""The composition root of the IOC scan: from settings to GitHub read on one event loop, shared by all batches."""

import os
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from tasks.engine.loop import LoopThread
from tasks.errors import SourceError
from tasks.github.access import GitHubAccess, open_organisation
from tasks.github.blobs import BlobLimits
from tasks.github.budget import MOST_IN_FLIGHT, BudgetTerms
from tasks.github.model import RateState, Repository
from tasks.github.organisation import GitHubOrganisation
from tasks.http.metrics import Ledger, measured
from tasks.http.policy import ServiceName
from tasks.ioc.config import BatchStrategy
from tasks.ioc.inventory import Inventory
from tasks.ioc.model import Candidate, Parsed
from tasks.ioc.plan import FILTER, Tree
from tasks.ioc.reading import Reader, Unread, parse
from tasks.ioc.room import Room
from tasks.ioc.terms import IocTerms
from tasks.ioc.trees import read_trees

__all__ = ["IocEngine", "access_of", "credentials_of_environment"]


_PARSED_TIMES = 16
"""Times its own size that a large lockfile may take while it is parsed."""


def access_of(terms: IocTerms, given: GitHubAccess) -> GitHubAccess:
    """How GitHub is asked under these terms, with the given credentials; a given address wins over the settings'."""
    limits = terms.limits
    one_by_one = terms.strategy is BatchStrategy.SEQUENTIAL
    service = terms.lookup.services.get("github")
    deadline = service.deadline_s if service is not None else None
    points = max(1, given.budget.points_per_minute // terms.processes)
    in_flight = max(1, min(limits.requests, MOST_IN_FLIGHT // terms.processes))
    budget = BudgetTerms(limits.buffer, points, terms.max_wait_s, in_flight)
    return replace(
        given,
        base_url=given.base_url or (service.base_url if service is not None else None),
        attempts=terms.config.retry_attempts + 1,
        deadline_s=deadline or given.deadline_s,
        budget=budget,
        limits=BlobLimits(
            files=1 if one_by_one else BlobLimits().files,
            queries=in_flight,
            stream_bytes=terms.config.stream_large_files_threshold,
        ),
        ca_bundle=given.ca_bundle or terms.lookup.ca_bundle,
    )


def credentials_of_environment(terms: IocTerms) -> GitHubAccess:
    """A GitHub App's credentials (GITHUB_APP_*), else the token of GITHUB_TOKEN. SettingsError names what is wrong."""
    found = GitHubAccess.from_environment(os.environ, terms.org)
    # The address is a setting, of which the variable is only one place.
    return replace(found, base_url=None)


class IocEngine:
    """One process's reading: blocking calls, from any thread, that raise SourceError where GitHub cannot answer.

    Credentials come from the environment where none are given.
    """

    def __init__(self, terms: IocTerms, given: GitHubAccess | None = None) -> None:
        self.terms = terms
        self.access = access_of(terms, given or credentials_of_environment(terms))
        self.inventory = Inventory(terms.store / "inventory.sqlite")
        self.cost = Ledger()
        self._room = Room(int(terms.config.max_memory_usage_mb * 1e6 / _PARSED_TIMES))
        self._loop = LoopThread("vetbook-ioc")
        self._stack = AsyncExitStack()
        self._github: GitHubOrganisation = self._loop.run(self._open())

    async def _open(self) -> GitHubOrganisation:
        opened = open_organisation(self.access, folder=self.terms.store, wanted=FILTER)
        return await self._stack.enter_async_context(opened)

    @property
    def requests(self) -> int:
        """Requests that went over the wire so far."""
        return self.cost.of(ServiceName.GITHUB).requests

    def count_elsewhere(self, requests: int) -> None:
        """Count what another process's engine asked for this scan."""
        self.cost.of(ServiceName.GITHUB).requests += requests

    @property
    def rates(self) -> dict[str, RateState]:
        """GitHub's rate limits as last seen."""
        return dict(self._github.rate_states)

    @property
    def waited_s(self) -> float:
        """Seconds spent waiting for a rate limit."""
        return self._github.waited_s

    def repositories(
        self, org: str, *, team: str | None = None, include_archived: bool = False, only: Sequence[str] = ()
    ) -> tuple[Repository, ...]:
        """The repositories, each with its present commit."""
        with measured() as cost:
            try:
                return self._loop.run(
                    self._github.repositories(org, team=team, include_archived=include_archived, only=only)
                )
            finally:
                self.cost.add(cost)

    def teams(self, org: str, team: str | None = None) -> dict[str, tuple[str, ...]]:
        """The repositories (OWNER/NAME) of one team, or of every team, by its slug."""
        with measured() as cost:
            try:
                return self._loop.run(self._github.teams(org, team))
            finally:
                self.cost.add(cost)

    def trees(
        self, repositories: Sequence[Repository], done: Callable[[], None] = lambda: None
    ) -> list[Tree | SourceError]:
        """The files of each repository, or why they could not be listed; authentication and budget end it all."""
        limits, across = self.terms.limits, self.terms.config.enable_cross_repo_batching
        at_once = limits.requests if across else limits.repositories
        with measured() as cost:
            try:
                return self._loop.run(read_trees(self._github, repositories, at_once, done))
            finally:
                self.cost.add(cost)

    def read(self, files: Sequence[Candidate]) -> tuple[list[Parsed | Unread], int]:
        """What each file holds, or why it could not be read, in order; and how many requests that took."""
        large = [one for one in files if one.size > self.terms.config.stream_large_files_threshold]
        small = [one for one in files if one not in large]
        found: dict[Candidate, Parsed | Unread] = {}
        with measured() as cost:
            try:
                found.update(zip(small, self._read(small), strict=True) if small else ())
                for one in large:
                    with self._room.taken(one.size):
                        found.update(zip([one], self._read([one]), strict=True))
            finally:
                self.cost.add(cost)
        return [found[one] for one in files], cost.of(ServiceName.GITHUB).requests

    def _read(self, files: Sequence[Candidate]) -> list[Parsed | Unread]:
        fetched = self._loop.run(Reader(self._github).fetch(files))
        # Parsing happens in the caller's thread: the event loop goes on serving other batches.
        return [one if isinstance(one, Unread) else parse(one) for one in fetched]

    def close(self) -> None:
        """Give up what is under way and release connections, threads and files."""
        try:
            self._loop.close(self._stack.aclose)
        finally:
            self.inventory.close()
