"""Asking ahead: bounded, once per name, errors to whoever needed the answer, and the cost too."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.http.metrics import ServiceBooks, measured
from tasks.http.policy import ServiceName
from tasks.sources import ahead as ahead_module
from tasks.sources.ahead import Ahead


class Fetches:
    """Counts what is asked for; answers when told, or at once."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.asked: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.books = ServiceBooks(ServiceName.PYPI)
        if at_once:
            self.open.set()

    async def __call__(self, name: str) -> str:
        self.asked[name] += 1
        self.books.count(requests=1)
        await self.open.wait()
        if name == "bad":
            raise LookupError(name)
        return name.upper()


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def run(work: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work()

    return asyncio.run(main())


def test_only_as_many_as_there_is_room_for_are_fetched_before_they_are_wanted() -> None:
    async def work() -> None:
        fetches = Fetches()
        ahead = Ahead(fetches)
        ahead.expect([f"n{i}" for i in range(10)], lambda _: 3)
        await settled()
        assert set(fetches.asked) == {"n0", "n1", "n2"}
        assert await ahead.get("n0") == "N0"
        await settled()
        assert set(fetches.asked) == {"n0", "n1", "n2", "n3"}

    run(work)


def test_room_may_shrink_to_nothing_while_work_goes_on() -> None:
    async def work() -> None:
        fetches = Fetches()
        room = [2]
        ahead = Ahead(fetches)
        names = [f"n{i}" for i in range(6)]
        ahead.expect(names, lambda _: room[0])
        await settled()
        room[0] = 0
        assert [await ahead.get(name) for name in names] == [name.upper() for name in names]
        assert fetches.asked == Counter(names)

    run(work)


@settings(max_examples=60, deadline=None)
@given(
    names=st.lists(st.sampled_from("abcdef"), max_size=12),
    others=st.lists(st.sampled_from("abcxyz"), max_size=4),
    room=st.integers(0, 5),
    at_once=st.booleans(),
)
def test_every_expected_name_is_fetched_once_and_everybody_is_answered(
    names: list[str], others: list[str], room: int, at_once: bool
) -> None:
    async def work() -> None:
        fetches = Fetches()
        ahead = Ahead(fetches)
        ahead.expect(names, lambda _: room)
        if at_once:
            got = await asyncio.gather(*(ahead.get(name) for name in names))
        else:
            got = [await ahead.get(name) for name in names]
        assert got == [name.upper() for name in names]
        assert fetches.asked == Counter(set(names))
        for name in others:
            assert await ahead.get(name) == name.upper()
        assert sum(fetches.asked.values()) == len(set(names)) + len(others)

    run(work)


def test_an_error_goes_to_who_asks_and_the_next_asks_anew() -> None:
    async def work() -> None:
        fetches = Fetches()
        ahead = Ahead(fetches)
        ahead.expect(["bad", "bad", "good"], lambda _: 5)
        await settled()
        for count in (1, 2):
            with pytest.raises(LookupError):
                await ahead.get("bad")
            assert fetches.asked["bad"] == count
        assert await ahead.get("good") == "GOOD"

    run(work)


def test_one_who_gives_up_does_not_end_it_for_the_other() -> None:
    async def work() -> None:
        fetches = Fetches(at_once=False)
        ahead = Ahead(fetches)
        ahead.expect(["a", "a"], lambda _: 5)
        first = asyncio.create_task(ahead.get("a"))
        second = asyncio.create_task(ahead.get("a"))
        await settled()
        first.cancel()
        await settled()
        fetches.open.set()
        assert await second == "A"
        assert fetches.asked["a"] == 1

    run(work)


def test_the_cost_is_that_of_the_work_that_needed_it() -> None:
    async def work() -> None:
        ahead = Ahead(Fetches())
        with measured() as caller:
            ahead.expect(["a", "b"], lambda _: 5)
            await settled()
        with measured() as batch:
            await ahead.get("a")
        assert (caller.total.requests, batch.total.requests) == (0, 1)

    run(work)


def test_more_is_asked_for_while_somebody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "STALLED_S", 0.01)

    async def work() -> None:
        fetches = Fetches(at_once=False)
        ahead = Ahead(fetches)
        names = [f"n{i}" for i in range(12)]
        ahead.expect(names, lambda stalled: 6 if stalled else 2)
        first = asyncio.create_task(ahead.get("n0"))
        await settled()
        assert sum(fetches.asked.values()) == 3
        while sum(fetches.asked.values()) < 7:  # noqa: ASYNC110  counted by what runs beside
            await asyncio.sleep(0.005)
        await settled()
        assert sum(fetches.asked.values()) == 7
        fetches.open.set()
        assert await first == "N0"
        assert [await ahead.get(name) for name in names[1:]] == [name.upper() for name in names[1:]]
        assert fetches.asked == Counter(names)

    run(work)
