"""Reading repositories and files in batches, in one process and on the caller's event loop."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import psutil

from tasks.batching.planner import Planner
from tasks.errors import SourceError
from tasks.github.model import BlobRef, FileContent, Repository, TreeEntry
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.inventory import Inventory
from tasks.ioc.metrics import BatchMetrics, BatchMetricsCollector
from tasks.ioc.model import Candidate, Parsed
from tasks.ioc.plan import Tree, candidates, priority_of, sibling_lookup
from tasks.ioc.reading import Fetched, Reader, Unread, parse
from tasks.ioc.requests import BatchRequest, BatchResult
from tasks.ioc.sizing import IocSizes, terms_of
from tasks.ioc.trees import read_trees
from tasks.lockfiles.registry import is_lockfile

__all__ = ["BatchCoordinator", "GitHubClient"]


class GitHubClient(Protocol):
    """What the coordinator asks of GitHub; `tasks.github.organisation.GitHubOrganisation` is one."""

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


class BatchCoordinator:
    """Reads many files with few requests; an asynchronous context manager, or call `cleanup()` at the end.

    cache_manager (an `Inventory`) keeps what lockfiles hold between runs; metrics_collector may be the caller's own.
    AuthenticationFailed and BudgetExhausted are raised; any other failure is in the result of the file it concerns.
    """

    def __init__(
        self,
        github_client: GitHubClient,
        cache_manager: Inventory | None = None,
        config: BatchConfig | None = None,
        metrics_collector: BatchMetricsCollector | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._github = github_client
        self._cache = cache_manager
        self._config = config or BatchConfig()
        self._collector = metrics_collector if metrics_collector is not None else BatchMetricsCollector()
        self._clock = clock
        self._process = psutil.Process()

    async def __aenter__(self) -> "BatchCoordinator":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cleanup()

    async def process_repositories_batch(
        self, repositories: Sequence[Repository], strategy: BatchStrategy | None = None
    ) -> dict[str, list[BatchResult]]:
        """Every lockfile of the repositories with its packages, by OWNER/NAME.

        A repository that cannot be listed has one result with the error and an empty file_path.
        """
        chosen = strategy or self._config.default_strategy
        terms, across = terms_of(self._config, chosen), self._config.enable_cross_repo_batching
        trees = await read_trees(self._github, repositories, terms.requests if across else terms.repositories)
        found: dict[str, list[BatchResult]] = {one.full_name: [] for one in repositories}
        files: list[Candidate] = []
        for repository, tree in zip(repositories, trees, strict=True):
            if isinstance(tree, SourceError):
                found[repository.full_name].append(BatchResult(BatchRequest(repository, ""), error=tree))
            else:
                files += candidates(tree)
        known = {tree.repository.full_name: tree for tree in trees if isinstance(tree, Tree)}
        for result in await self._read(self._ordered(files), known, chosen):
            found[result.request.repo.full_name].append(result)
        return found

    async def process_files_batch(
        self,
        repo: Repository,
        file_paths: Sequence[str],
        priority_files: Sequence[str] = (),
        strategy: BatchStrategy | None = None,
    ) -> dict[str, BatchResult]:
        """The content of each path, in the order in which they were read: named ones first. Missing ones are errors."""
        tree = Tree.of(repo, await self._github.tree(repo))
        present = [Candidate(repo, tree.entries[path]) for path in dict.fromkeys(file_paths) if path in tree.entries]
        ordered = self._ordered(present, priority_files)
        chosen = strategy or self._config.default_strategy
        results = await self._read(ordered, {repo.full_name: tree}, chosen, contents=True)
        found = {result.request.file_path: result for result in results}
        for path in file_paths:
            if path not in found:
                error = SourceError(f"{repo.full_name}: {path} is not there")
                found[path] = BatchResult(BatchRequest(repo, path), error=error)
        return found

    def get_batch_metrics(self) -> BatchMetrics:
        """What the batches so far cost."""
        return self._collector.metrics()

    async def cleanup(self) -> None:
        """Close what is kept open; the GitHub client is the caller's."""
        if self._cache is not None:
            self._cache.close()

    def _ordered(self, files: list[Candidate], wanted: Sequence[str] = ()) -> list[Candidate]:
        if not (self._config.enable_file_prioritization or wanted):
            return files
        return sorted(files, key=lambda one: -priority_of(one.entry.path, wanted))

    async def _read(
        self,
        files: Sequence[Candidate],
        trees: Mapping[str, Tree],
        strategy: BatchStrategy,
        *,
        contents: bool = False,
    ) -> list[BatchResult]:
        began = self._clock()
        sizes = IocSizes(files, [one.repository.full_name for one in files], self._config, strategy)
        gate = asyncio.Semaphore(terms_of(self._config, strategy).batches)

        async def one(batch: Sequence[Candidate]) -> list[BatchResult]:
            async with gate:
                return await self._batch(batch, trees, contents)

        planned = [batch.items for batch in Planner(files, sizes, self._memory_used)]
        answers = await asyncio.gather(*(one(batch) for batch in planned))
        self._collector.elapsed_s += self._clock() - began
        return [result for answer in answers for result in answer]

    async def _batch(self, files: Sequence[Candidate], trees: Mapping[str, Tree], contents: bool) -> list[BatchResult]:
        began = self._clock()
        known = {} if contents else self._known(files, trees)
        asked = [one for one in files if one not in known]
        fetched = await Reader(self._github, trees).fetch(asked) if asked else []
        parsed = await asyncio.to_thread(lambda: [_parsed(one) for one in fetched])
        if self._cache is not None:
            self._cache.put(one for one in parsed if one is not None)
        seconds = self._clock() - began
        new = {
            file: _result(file, answer, found, seconds)
            for file, answer, found in zip(asked, fetched, parsed, strict=True)
        }
        results = [new[one] if one in new else _from_cache(one, known[one]) for one in files]
        succeeded = sum(result.error is None for result in results)
        self._collector.record_batch_operation("file_batch", seconds, len(files), succeeded, len(known), bool(asked))
        return results

    def _known(self, files: Sequence[Candidate], trees: Mapping[str, Tree]) -> dict[Candidate, Parsed]:
        if self._cache is None:
            return {}
        found: dict[Candidate, Parsed] = {}
        for one in files:
            look = sibling_lookup(trees[one.repository.full_name], one.entry.path)
            parsed = self._cache.get(one.entry.sha, one.place, look)
            if parsed is not None:
                found[one] = parsed
        return found

    def _memory_used(self) -> float:
        return float(self._process.memory_info().rss) / (self._config.max_memory_usage_mb * 1e6)


def _parsed(one: Fetched | Unread) -> Parsed | None:
    return parse(one) if isinstance(one, Fetched) and is_lockfile(one.candidate.entry.path) else None


def _request(file: Candidate) -> BatchRequest:
    path = file.entry.path
    return BatchRequest(file.repository, path, priority_of(path), file.size, file.entry.sha)


def _result(file: Candidate, answer: Fetched | Unread, parsed: Parsed | None, seconds: float) -> BatchResult:
    request = _request(file)
    if isinstance(answer, Unread):
        return BatchResult(request, error=SourceError(answer.reason), processing_time=seconds)
    content = FileContent(answer.content, file.entry.sha, len(answer.content))
    error = SourceError(f"{request.file_path}: {parsed.reason}") if parsed is not None and parsed.reason else None
    packages = parsed.packages if parsed is not None else ()
    return BatchResult(request, content, error, processing_time=seconds, packages=packages)


def _from_cache(file: Candidate, parsed: Parsed) -> BatchResult:
    error = SourceError(f"{file.entry.path}: {parsed.reason}") if parsed.reason else None
    return BatchResult(_request(file), error=error, from_cache=True, packages=parsed.packages)
