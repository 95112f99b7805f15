"""Cutting work into batches and running so many at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.batching.fixed_size import FixedSize, usual_size
from tasks.batching.interface import BatchTiming, Conditions
from tasks.batching.planner import Planner
from tasks.batching.window import run_windowed


@dataclass
class _Asked:
    """A strategy that answers from a list, whatever is asked, and keeps the conditions it saw."""

    answers: list[int]
    seen: list[Conditions] = field(default_factory=list)

    def next_size(self, conditions: Conditions) -> int:
        self.seen.append(conditions)
        return self.answers[len(self.seen) % len(self.answers)]


@given(st.integers(0, 300), st.lists(st.integers(-5, 40), min_size=1), st.integers(1, 1000))
def test_every_item_is_in_exactly_one_batch_in_order(items: int, answers: list[int], first: int) -> None:
    batches = list(Planner(range(items), _Asked(answers), lambda: 0.0, first))
    assert [item for batch in batches for item in batch.items] == list(range(items))
    assert [batch.number for batch in batches] == list(range(first, first + len(batches)))
    assert all(batch.items for batch in batches)


def test_remaining_counts_down_to_nothing() -> None:
    planner = Planner("abcde", FixedSize(2), lambda: 0.0)
    left = [planner.remaining]
    while planner.next_batch() is not None:
        left.append(planner.remaining)
    assert left == [5, 3, 1, 0]
    assert planner.next_batch() is None


def test_a_strategy_sees_what_is_left_how_batches_went_and_the_memory() -> None:
    strategy = _Asked([1])
    planner = Planner("abc", strategy, lambda: 0.25)
    planner.next_batch()
    timings = [BatchTiming(1, float(n)) for n in range(30)]
    for timing in timings:
        planner.finished(timing)
    planner.next_batch()
    assert strategy.seen == [Conditions(3, (), 0.25), Conditions(2, tuple(timings[-20:]), 0.25)]


@given(st.integers(1, 500), st.integers(1, 500))
def test_fixed_size_is_the_size_or_what_is_left(size: int, remaining: int) -> None:
    assert FixedSize(size).next_size(Conditions(remaining, (), 0.0)) == min(size, remaining)


@pytest.mark.parametrize(
    ("items", "largest", "size"),
    [
        (0, 100, 10),
        (486, 100, 10),
        (1000, 100, 10),
        (1001, 100, 11),
        (50_000, 100, 100),
        (50_000, 1000, 500),
        (486, 4, 4),
    ],
)
def test_usual_size(items: int, largest: int, size: int) -> None:
    assert usual_size(items, largest) == size


@given(st.integers(0, 100_000), st.integers(1, 1000))
def test_usual_size_makes_at_most_a_hundred_batches_unless_the_largest_forbids(items: int, largest: int) -> None:
    size = usual_size(items, largest)
    assert 1 <= size <= largest
    assert size == largest or -(-items // size) <= 100


class _Gauge:
    """Counts how many jobs are under way, from real threads."""

    def __init__(self, meeting: threading.Barrier) -> None:
        self.meeting = meeting
        self.most = self.now = 0
        self._lock = threading.Lock()

    def job(self, number: int) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.meeting.wait(timeout=20)
        with self._lock:
            self.now -= 1
        return number * number


def _numbers(count: int) -> Callable[[], int | None]:
    numbers: Iterator[int] = iter(range(count))
    return lambda: next(numbers, None)


def test_the_window_is_filled_and_never_exceeded_and_yields_every_job_with_its_own_future() -> None:
    gauge = _Gauge(threading.Barrier(3))
    with ThreadPoolExecutor(8) as pool:
        ended = list(run_windowed(_numbers(12), lambda n: pool.submit(gauge.job, n), 3))
    assert sorted(job for job, _ in ended) == list(range(12))
    assert all(future.result() == job * job for job, future in ended)
    assert gauge.most == 3


def test_the_next_job_is_asked_for_only_when_a_place_is_free() -> None:
    asked: list[int] = []
    futures: list[Future[int]] = []

    def next_job() -> int | None:
        if len(asked) == 5:
            return None
        asked.append(len(asked))
        return asked[-1]

    def submit(_: int) -> Future[int]:
        futures.append(Future())
        if len(futures) == 2:
            futures[0].set_result(0)
        return futures[-1]

    ended = run_windowed(next_job, submit, 2)
    assert next(ended)[0] == 0
    assert asked == [0, 1]


def test_jobs_that_end_at_once_or_fail_are_yielded_too() -> None:
    def submit(job: int) -> Future[int]:
        future: Future[int] = Future()
        if job % 2:
            future.set_exception(ValueError(job))
        else:
            future.set_result(job)
        return future

    ended = list(run_windowed(_numbers(5), submit, 2))
    assert [job for job, _ in ended] == [0, 1, 2, 3, 4]
    assert isinstance(ended[1][1].exception(), ValueError)


def test_no_jobs_yield_nothing() -> None:
    assert list(run_windowed(lambda: None, lambda _: Future[int](), 4)) == []


@pytest.mark.parametrize("at_once", [0, -1])
def test_a_window_without_a_place_is_refused_rather_than_dropping_all_work(at_once: int) -> None:
    with pytest.raises(ValueError, match="at_once"):
        next(run_windowed(_numbers(1), lambda _: Future[int](), at_once))
