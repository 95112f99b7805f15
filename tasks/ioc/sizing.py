"""How large a batch is and what goes into it, by strategy, true sizes, latency, quota and memory.

Sizes in files, bytes and seconds. `calculate_optimal_batch_size`, `prioritize_files` and
`identify_cross_repo_opportunities` are what users call; the flow and the coordinator cut their batches with them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from tasks.batching.interface import BatchStrategy as SizeStrategy
from tasks.batching.interface import Conditions
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.plan import priority_of

__all__ = [
    "IocSizes",
    "NetworkConditions",
    "Sized",
    "Terms",
    "calculate_optimal_batch_size",
    "identify_cross_repo_opportunities",
    "prioritize_files",
    "terms_of",
]

BATCH_BYTES = 8_000_000
"""Bytes of files in one batch at most: two answers of GitHub's GraphQL interface, and little to repeat after a kill."""

_SLOW_S = 1.0
_MUCH_MEMORY = 0.8
_FEW_LEFT = 200


class Sized(Protocol):
    """A file whose size is known; bytes."""

    @property
    def size(self) -> int:
        """Bytes; 0 where not known."""
        ...


File = TypeVar("File", bound=Sized)


@dataclass(frozen=True, slots=True)
class NetworkConditions:
    """What was measured lately: seconds an answer took, and the share of requests that failed (0.0 to 1.0)."""

    latency_s: float = 0.0
    error_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a strategy allows: requests in flight, repositories and batches at a time, and its part of the quota."""

    requests: int
    repositories: int
    batches: int
    buffer: float


def terms_of(config: BatchConfig, strategy: BatchStrategy) -> Terms:
    """The limits of a strategy. Aggressive doubles, within the documented ranges; conservative asks for little."""
    requests, repositories, buffer = (
        config.max_concurrent_requests,
        config.max_concurrent_repos,
        config.rate_limit_buffer,
    )
    if strategy is BatchStrategy.SEQUENTIAL:
        return Terms(1, 1, 1, buffer)
    if strategy is BatchStrategy.CONSERVATIVE:
        return Terms(min(3, requests), 1, 1, round(max(0.1, buffer - 0.2), 3))
    if strategy is BatchStrategy.AGGRESSIVE:
        more = min(50, requests * 2), min(10, repositories * 2)
        return Terms(*more, more[1], round(min(1.0, buffer + 0.1), 3))
    return Terms(requests, repositories, repositories, buffer)


def calculate_optimal_batch_size(
    files: Sequence[Sized],
    rate_limit_remaining: int | None = None,
    network_conditions: NetworkConditions | None = None,
    config: BatchConfig | None = None,
    strategy: BatchStrategy = BatchStrategy.ADAPTIVE,
    memory_used: float = 0.0,
) -> int:
    """How many of the files, from the first on, make the next batch; at least 1 while there are any, else 0.

    memory_used is a share of the limit. Adaptive fills a batch up to 8 MB: smaller while answers are slow, fail,
    or memory is short; larger when few requests are left, as then each should bring more.
    """
    config = config or BatchConfig()
    if strategy is BatchStrategy.SEQUENTIAL:
        return min(1, len(files))
    if strategy is BatchStrategy.CONSERVATIVE:
        return min(len(files), max(1, config.default_batch_size // 2), config.max_batch_size)
    if strategy is BatchStrategy.PARALLEL:
        return min(len(files), config.default_batch_size, config.max_batch_size)
    conditions = network_conditions or NetworkConditions()
    fitting = _fitting(files, int(BATCH_BYTES * _factor(conditions, rate_limit_remaining, memory_used)))
    if strategy is BatchStrategy.AGGRESSIVE:
        fitting = _fitting(files, 2 * BATCH_BYTES) if memory_used <= _MUCH_MEMORY else fitting
    return min(len(files), max(config.min_batch_size, min(fitting, config.max_batch_size)))


def _factor(conditions: NetworkConditions, remaining: int | None, memory_used: float) -> float:
    factor = 1.0
    if conditions.latency_s > _SLOW_S or conditions.error_rate > 0.2:  # noqa: PLR2004  one request in five
        factor *= 0.5
    if remaining is not None and remaining < _FEW_LEFT:
        factor *= 2.0
    return factor * (0.25 if memory_used > _MUCH_MEMORY else 1.0)


def _fitting(files: Sequence[Sized], most: int) -> int:
    """How many files from the first on fit into so many bytes; at least 1."""
    total = 0
    for number, file in enumerate(files):
        total += file.size
        if total > most and number:
            return number
    return max(1, len(files))


def prioritize_files(file_paths: Iterable[str], priority_files: Sequence[str] = ()) -> list[str]:
    """The paths, those first that say most: files that are named, then lockfiles, SBOMs, manifests; stable."""
    return sorted(file_paths, key=lambda path: -priority_of(path, priority_files))


def identify_cross_repo_opportunities(
    files: Sequence[tuple[str, File]], config: BatchConfig | None = None
) -> list[list[tuple[str, File]]]:
    """Batches of (repository, file) that together hold files of more than one repository.

    With cross-repository batching switched off there is none.
    """
    config = config or BatchConfig()
    if not config.enable_cross_repo_batching:
        return []
    rest = list(files)
    batches: list[list[tuple[str, File]]] = []
    while rest:
        size = calculate_optimal_batch_size([file for _, file in rest], config=config)
        batches.append(rest[:size])
        rest = rest[size:]
    return [batch for batch in batches if len({repository for repository, _ in batch}) > 1]


@dataclass(slots=True)
class IocSizes(SizeStrategy):
    """The size of each next batch of a list of files, for `tasks.batching.planner.Planner`.

    owners names each file's repository: with cross-repository batching off, a batch ends where a repository does.
    """

    files: Sequence[Sized]
    owners: Sequence[str]
    config: BatchConfig
    strategy: BatchStrategy
    quota: int | None = None

    def next_size(self, conditions: Conditions) -> int:
        """Files in the next batch, by what was measured of the ones before."""
        start = len(self.files) - conditions.remaining
        timings = [timing.seconds / max(1, timing.items) for timing in conditions.finished[-5:]]
        network = NetworkConditions(latency_s=sum(timings) / len(timings) if timings else 0.0)
        ahead = self.files[start : start + self.config.max_batch_size]
        size = calculate_optimal_batch_size(
            ahead, self.quota, network, self.config, self.strategy, conditions.memory_used
        )
        return size if self.config.enable_cross_repo_batching else min(size, self._in_repository(start))

    def _in_repository(self, start: int) -> int:
        owner = self.owners[start]
        return next(self._others(start, owner), len(self.owners) - start)

    def _others(self, start: int, owner: str) -> Iterator[int]:
        yield from (place for place, other in enumerate(self.owners[start:]) if other != owner)
