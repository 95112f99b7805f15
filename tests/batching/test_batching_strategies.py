"""The strategies that choose a size, what they look at, and how a batch is cut short or taken apart."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.batching.fixed_size import FixedSize
from tasks.batching.interface import BatchTiming, Conditions
from tasks.batching.memory import MemoryLimits
from tasks.batching.memory_adaptive import MemoryAdaptive
from tasks.batching.planner import Planner
from tasks.batching.pressure import LONGEST_WAIT_S, Pressure
from tasks.batching.strategies import start_size, strategy_for
from tasks.batching.time_based import TimeBased
from tasks.batching.timebox import work_apart, work_within
from tasks.settings.processing import BatchConfiguration, Strategy

DONE = (BatchTiming(10, 5.0),)


def _sizes(strategy: MemoryAdaptive, memory: Sequence[float]) -> list[int]:
    return [strategy.next_size(Conditions(1000, DONE, used)) for used in memory]


def test_memory_adaptive_halves_under_pressure_holds_near_the_threshold_and_grows_back() -> None:
    strategy = MemoryAdaptive(16, 2, 20, 0.8)
    assert _sizes(strategy, [0.75, 0.9, 0.9, 0.9, 0.9, 0.81]) == [16, 8, 4, 2, 2, 2]
    assert _sizes(strategy, [0.8, 0.75, 0.69, 0.2, 0.2, 0.2, 0.2, 0.2]) == [2, 2, 3, 4, 6, 9, 13, 19]
    assert _sizes(strategy, [0.2, 0.2]) == [20, 20]


def test_the_first_batch_has_the_start_size_unless_memory_is_short() -> None:
    assert MemoryAdaptive(10, 1, 100, 0.8).next_size(Conditions(50, (), 0.1)) == 10
    assert MemoryAdaptive(10, 1, 100, 0.8).next_size(Conditions(50, (), 0.9)) == 5


@given(st.integers(1, 50), st.integers(0, 50), st.integers(1, 200), st.lists(st.floats(0, 1.5), max_size=30))
def test_memory_adaptive_stays_within_its_bounds(smallest: int, more: int, start: int, memory: list[float]) -> None:
    strategy = MemoryAdaptive(start, smallest, smallest + more, 0.8)
    assert all(smallest <= size <= smallest + more for size in _sizes(strategy, memory))


@pytest.mark.parametrize(
    ("finished", "size"),
    [
        ((), 10),
        (((10, 10.0),), 40),
        (((10, 1.0),), 40),
        (((40, 40.0), (40, 80.0)), 53),
        (((40, 4000.0),), 1),
        (((100, 0.0),), 300),
    ],
)
def test_time_based_takes_what_the_rate_does_in_most_of_the_interval(
    finished: tuple[tuple[int, float], ...], size: int
) -> None:
    strategy = TimeBased(start=10, smallest=1, largest=300, interval_s=100)
    timings = tuple(BatchTiming(*timing) for timing in finished)
    assert strategy.next_size(Conditions(10_000, timings, 0.0)) == size


@given(st.lists(st.tuples(st.integers(1, 500), st.floats(0, 1e6)), max_size=20), st.integers(1, 86_400))
def test_time_based_stays_within_its_bounds(finished: list[tuple[int, float]], interval: int) -> None:
    timings = tuple(BatchTiming(*timing) for timing in finished)
    assert 2 <= TimeBased(5, 2, 50, interval).next_size(Conditions(10_000, timings, 0.0)) <= 50


@pytest.mark.parametrize(
    ("strategy", "kind"),
    [
        (Strategy.FIXED_SIZE, FixedSize),
        (Strategy.MEMORY_ADAPTIVE, MemoryAdaptive),
        (Strategy.TIME_BASED, TimeBased),
    ],
)
def test_the_settings_choose(strategy: Strategy, kind: type) -> None:
    assert isinstance(strategy_for(BatchConfiguration(strategy=strategy), 486), kind)


def test_a_size_that_is_named_is_used_as_it_is() -> None:
    assert start_size(BatchConfiguration(default_batch_size=500, max_batch_size=100), 486) == 500
    assert start_size(BatchConfiguration(), 50_000) == 100


V2 = {
    "proc/self/cgroup": "0::/user.slice/app\n",
    "sys/fs/cgroup/user.slice/app/memory.max": "max\n",
    "sys/fs/cgroup/user.slice/app/memory.current": "500\n",
    "sys/fs/cgroup/user.slice/memory.max": "1000\n",
    "sys/fs/cgroup/user.slice/memory.current": "900\n",
    "sys/fs/cgroup/user.slice/memory.stat": "anon 5\ninactive_file 400\nactive_file 7\n",
}
V1 = {
    "proc/self/cgroup": "9:name=systemd:/x\n4:cpu,memory:/docker/abc\n0::/\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "5\n",
    "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "2000\n",
    "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "1500\n",
    "sys/fs/cgroup/memory/docker/abc/memory.stat": "total_inactive_file 100\n",
}
IN_A_CONTAINER = {
    "proc/self/cgroup": "4:memory:/docker/abc\n",
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000\n",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
}


@pytest.mark.parametrize(
    ("files", "machine", "used"),
    [
        (V2, 0.2, 0.5),
        (V2, 0.6, 0.6),
        (V1, 0.2, 0.7),
        (IN_A_CONTAINER, 0.2, 0.5),
        ({}, 0.2, 0.2),
        ({"proc/self/cgroup": "rubbish\n:::\n0::/gone\n"}, 0.2, 0.2),
        ({**V2, "sys/fs/cgroup/user.slice/memory.max": "lots"}, 0.2, 0.2),
    ],
)
def test_memory_in_use_is_that_of_the_nearest_limit(
    tmp_path: Path, files: dict[str, str], machine: float, used: float
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert MemoryLimits(tmp_path, lambda: machine).used() == used


def test_this_machine_has_a_limit_too() -> None:
    assert 0 < MemoryLimits().used() < 2


class _Memory:
    def __init__(self, *shares: float) -> None:
        self.shares, self.slept, self.relieved = list(shares), 0.0, 0

    def used(self) -> float:
        return self.shares.pop(0) if len(self.shares) > 1 else self.shares[0]

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    def relieve(self) -> None:
        self.relieved += 1

    @property
    def pressure(self) -> Pressure:
        return Pressure(0.8, self.used, self.sleep, self.relieve)


def test_pressure_is_relieved_once_and_waited_out() -> None:
    memory = _Memory(0.5, 0.9, 0.9, 0.7)
    pressure = memory.pressure
    assert not pressure.too_high(wait=True)
    assert not pressure.too_high(wait=True)
    assert (memory.relieved, memory.slept) == (1, 1.0)


def test_pressure_that_stays_is_waited_for_once_and_then_lived_with() -> None:
    memory = _Memory(0.9)
    pressure = memory.pressure
    assert [pressure.too_high(wait=True) for _ in range(5)] == [True] * 5
    assert (memory.relieved, memory.slept) == (1, LONGEST_WAIT_S)


def test_pressure_without_waiting_only_says_so() -> None:
    memory = _Memory(0.9)
    assert memory.pressure.too_high(wait=False)
    assert memory.slept == 0


class _Worker:
    """Takes so many seconds an item."""

    def __init__(self, each: Callable[[int], float]) -> None:
        self.each, self.now = each, 0.0

    def work(self, items: Sequence[int]) -> list[int]:
        self.now += sum(map(self.each, items))
        return [-item for item in items]


@pytest.mark.parametrize("seconds", [None, 1e9])
def test_with_time_enough_everything_is_done(seconds: float | None) -> None:
    worker = _Worker(lambda _: 1.0)
    assert work_within(range(100), worker.work, seconds, lambda: worker.now) == tuple(-n for n in range(100))


@given(st.floats(0.1, 50), st.integers(1, 200), st.integers(1, 300))
def test_the_work_ends_near_its_time_with_at_least_one_slice_done(each: float, items: int, seconds: int) -> None:
    worker = _Worker(lambda _: each)
    done = work_within(range(items), worker.work, float(seconds), lambda: worker.now)
    assert done == tuple(-n for n in range(len(done)))
    assert len(done) >= min(items, 8)
    # Slices are a quarter of what is left, so only the first can take much too long.
    assert worker.now <= max(seconds + each, 8 * each) + 1e-6


def test_an_item_that_fails_by_itself_spoils_no_other() -> None:
    def work(items: Sequence[int]) -> list[int]:
        if 13 in items or 14 in items:
            raise ValueError(items)
        return [-item for item in items]

    answers = work_apart(range(40), work, lambda item, error: 1000 + item)
    assert answers == tuple(1000 + n if n in (13, 14) else -n for n in range(40))


def test_what_is_to_pass_through_does() -> None:
    def work(_: Sequence[int]) -> list[int]:
        raise KeyError

    with pytest.raises(KeyError):
        work_apart([1, 2], work, lambda item, error: item, (KeyError,))
    assert work_apart([1, 2], work, lambda item, error: item, (ValueError,)) == (1, 2)


@given(st.integers(0, 60), st.lists(st.integers(1, 9), min_size=1), st.lists(st.integers(0, 8), min_size=1))
def test_items_given_back_come_next_and_none_is_lost(items: int, sizes: list[int], left: list[int]) -> None:
    class Sizes:
        turn = 0

        def next_size(self, conditions: Conditions) -> int:
            self.turn += 1
            return sizes[self.turn % len(sizes)]

    planner = Planner(range(items), Sizes(), lambda: 0.0)
    done: list[int] = []
    for turn, batch in enumerate(planner):
        keep = max(1, len(batch.items) - left[turn % len(left)])
        done += batch.items[:keep]
        planner.give_back(batch.items[keep:])
        assert batch.number == turn + 1
    assert done == list(range(items))
