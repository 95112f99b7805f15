"""Engines are made once, shared, and closed when nobody needs them."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tasks.engine.lending import IDLE_S, Lender


class Engine:
    def __init__(self, terms: str) -> None:
        self.terms, self.closed = terms, 0

    def close(self) -> None:
        self.closed += 1
        if self.terms == "broken":
            raise OSError("disk full")


class Later:
    """A timer that a test lets run out."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        assert seconds == IDLE_S
        self.call, self.daemon, self.waits = call, False, False

    def start(self) -> None:
        assert self.daemon, "a worker must be able to end"
        self.waits = True

    def cancel(self) -> None:
        self.waits = False


class Timers(list[Later]):
    def __call__(self, seconds: float, call: Callable[[], object]) -> Later:
        self.append(Later(seconds, call))
        return self[-1]

    def run_out(self) -> None:
        for one in [one for one in self if one.waits]:
            one.waits = False
            one.call()


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def lender(timers: Timers) -> Lender[str, Engine]:
    return Lender(Engine, timers)


def test_a_lent_engine_is_closed_when_it_has_been_idle(lender: Lender[str, Engine], timers: Timers) -> None:
    with lender.lent("a") as first, lender.lent("a") as second:
        assert first is second
        timers.run_out()
    assert first.closed == 0
    with lender.lent("a") as third:
        assert third is first
        timers.run_out()
    assert first.closed == 0
    timers.run_out()
    assert first.closed == 1
    with lender.lent("a") as another:
        assert another is not first


def test_a_held_engine_stays_until_it_is_closed(lender: Lender[str, Engine], timers: Timers) -> None:
    with lender.lent("a") as engine:
        pass
    assert lender.held("a") is engine
    with lender.lent("a"):
        pass
    timers.run_out()
    assert engine.closed == 0
    lender.close("a")
    lender.close("a")
    assert engine.closed == 1


def test_two_runs_do_not_close_each_other_s_engines(lender: Lender[str, Engine], timers: Timers) -> None:
    with lender.lent("a") as one, lender.lent("b") as other:
        assert one is not other
    with lender.lent("b"):
        timers.run_out()
    assert (one.closed, other.closed) == (1, 0)


def test_a_timer_that_comes_too_late_closes_nothing(lender: Lender[str, Engine], timers: Timers) -> None:
    with lender.lent("a") as engine:
        pass
    late = timers[-1].call
    with lender.lent("a"):
        late()
    assert engine.closed == 0
    lender.close("a")
    late()
    assert engine.closed == 1


def test_batches_that_begin_together_make_one_engine() -> None:
    made: list[str] = []
    begin = threading.Barrier(4)

    def make(terms: str) -> Engine:
        made.append(terms)
        return Engine(terms)

    lender = Lender(make)

    def work() -> None:
        begin.wait(5)
        with lender.lent("a"):
            pass

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(work) for _ in range(4)]:
            one.result()
    lender.close("a")
    assert made == ["a"]


def test_one_that_cannot_be_closed_is_logged(
    lender: Lender[str, Engine], timers: Timers, caplog: pytest.LogCaptureFixture
) -> None:
    with lender.lent("broken"):
        pass
    timers.run_out()
    assert "could not be closed" in caplog.text
    with lender.lent("broken") as engine:
        assert not engine.closed
