"""How large batches are, and that every file is in exactly one of them."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.batching.planner import Planner
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.metrics import BatchMetricsCollector
from tasks.ioc.sizing import (
    IocSizes,
    NetworkConditions,
    calculate_optimal_batch_size,
    identify_cross_repo_opportunities,
    prioritize_files,
    terms_of,
)


@dataclass(frozen=True)
class File:
    size: int


SMALL = [File(1000)] * 200
LARGE = [File(3_000_000)] * 20


def test_adaptive_goes_by_true_sizes() -> None:
    assert calculate_optimal_batch_size(SMALL) == 50
    assert calculate_optimal_batch_size(LARGE) == 2


def test_adaptive_shrinks_when_slow_or_short_of_memory_and_grows_when_few_requests_are_left() -> None:
    files = [File(400_000)] * 60
    usual = calculate_optimal_batch_size(files)
    assert calculate_optimal_batch_size(files, network_conditions=NetworkConditions(latency_s=3)) < usual
    assert calculate_optimal_batch_size(files, memory_used=0.9) < usual
    assert calculate_optimal_batch_size(files, rate_limit_remaining=50) > usual


@pytest.mark.parametrize(
    ("strategy", "size"),
    [(BatchStrategy.SEQUENTIAL, 1), (BatchStrategy.CONSERVATIVE, 5), (BatchStrategy.PARALLEL, 10)],
)
def test_plain_strategies(strategy: BatchStrategy, size: int) -> None:
    assert calculate_optimal_batch_size(SMALL, strategy=strategy) == size


def test_aggressive_asks_for_more_within_the_documented_ranges() -> None:
    config = BatchConfig(max_concurrent_requests=40, max_concurrent_repos=8, rate_limit_buffer=0.95)
    terms = terms_of(config, BatchStrategy.AGGRESSIVE)
    assert (terms.requests, terms.repositories, terms.buffer) == (50, 10, 1.0)
    assert terms_of(config, BatchStrategy.SEQUENTIAL).requests == 1


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 20_000_000)), max_size=80),
    st.sampled_from(list(BatchStrategy)),
    st.booleans(),
    st.floats(0, 1),
)
def test_every_file_is_in_exactly_one_batch(
    files: list[tuple[str, int]], strategy: BatchStrategy, across: bool, memory: float
) -> None:
    ordered = sorted(files, key=lambda pair: pair[0])
    items = [File(size) for _, size in ordered]
    config = BatchConfig(enable_cross_repo_batching=across)
    owners = [owner for owner, _ in ordered]
    batches = [batch.items for batch in Planner(items, IocSizes(items, owners, config, strategy), lambda: memory)]
    assert [item for batch in batches for item in batch] == items
    assert all(1 <= len(batch) <= config.max_batch_size for batch in batches)
    if not across:
        place = 0
        for batch in batches:
            assert len(set(owners[place : place + len(batch)])) == 1
            place += len(batch)


def test_cross_repository_batches() -> None:
    files = [("one", File(10)), ("two", File(10))]
    assert identify_cross_repo_opportunities(files) == [files]
    assert identify_cross_repo_opportunities(files, BatchConfig(enable_cross_repo_batching=False)) == []


def test_lockfiles_come_before_manifests_and_named_files_first() -> None:
    paths = ["pom.xml", "bom.json", "a/yarn.lock", "package.json"]
    assert prioritize_files(paths) == ["a/yarn.lock", "bom.json", "pom.xml", "package.json"]
    assert prioritize_files(paths, ["package.json"])[0] == "package.json"


def test_figures_of_the_batches() -> None:
    collector = BatchMetricsCollector()
    collector.record_batch_operation("file_batch", duration=2.5, batch_size=15, success_count=14, cache_hits=8)
    summary = collector.get_performance_summary()
    assert (summary["avg_batch_size"], summary["success_rate"]) == (15.0, 14 / 15)
    assert summary["cache_hit_rate"] == 8 / 15
    with pytest.raises(ValueError, match="no more files"):
        collector.record_batch_operation("x", 1.0, 1, 2)
