"""A rolling window is never overfull, retries and pauses included."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.http.client import HttpClient
from tasks.http.pacer import Pacer
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.http.window import OwnWindow, Place
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName

NVD = ServiceName.NVD


def most_within(times: list[float], window_s: float) -> int:
    return max((sum(1 for other in times if at <= other < at + window_s) for at in times), default=0)


@settings(deadline=None)
@given(gaps=st.lists(st.floats(0, 20), max_size=60), in_window=st.integers(1, 6), hold=st.floats(0, 90))
def test_no_window_is_planned_to_hold_more_turns_than_allowed(gaps: list[float], in_window: int, hold: float) -> None:
    now = 0.0
    pacer = Pacer(None, lambda: now, in_window, 30.0)
    turns = []
    for number, gap in enumerate(gaps):
        now += gap
        if number == 7:
            pacer.hold(hold)
        turns.append(now + pacer.reserve())
    # A plan to the second: adding up floats may round it a little down.
    assert most_within(turns, 29.999) <= in_window
    assert turns == sorted(turns)


def test_retries_count_and_wait_for_the_window(httpserver: HTTPServer) -> None:
    now = 0.0
    arrived: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        for _ in range(20):
            await asyncio.sleep(0)
        now = max(now, until)

    def answer(_: Request) -> Response:
        arrived.append(now)
        return Response("[]", 503 if len(arrived) % 3 else 200, content_type="application/json")

    httpserver.expect_request("/h/x").respond_with_handler(answer)

    async def run() -> list[Any]:
        policy = ServicePolicy(httpserver.url_for("/h"), requests_in_window=5, max_in_flight=1, breaker_failures=99)
        async with HttpClient({NVD: policy}, clock=lambda: now, sleep=sleep) as client:
            return [await client.get_json(NVD, "/x") for _ in range(5)]

    assert asyncio.run(run()) == [[]] * 5
    assert len(arrived) == 15
    assert most_within(arrived, 30.0) <= 5


@settings(deadline=None)
@given(
    gaps=st.lists(st.floats(0, 20), max_size=60),
    lasting=st.lists(st.floats(0, 40), min_size=60, max_size=60),
    share=st.floats(0, 1),
    most=st.integers(1, 6),
)
def test_a_service_never_counts_more_than_the_window_allows_wherever_between_start_and_end_it_counts(
    gaps: list[float], lasting: list[float], share: float, most: int
) -> None:
    now = 0.0
    window = OwnWindow(most, 30.0, lambda: now)
    under_way: list[tuple[float, Place]] = []
    counted: list[float] = []

    def pass_until(moment: float) -> None:
        nonlocal now
        for end, place in sorted(under_way, key=lambda each: each[0]):
            if end <= moment:
                now = max(now, end)
                window.give_back(place)
                under_way.remove((end, place))
        now = max(now, moment)

    for gap, duration in zip(gaps, lasting, strict=False):
        pass_until(now + gap)
        while (place := window.take()).wait_s > 0:
            pass_until(now + place.wait_s)
        counted.append(now + share * duration)
        under_way.append((now + duration, place))
    assert most_within(counted, 30.0) <= most


def test_a_slow_answer_in_flight_does_not_let_the_next_window_overflow() -> None:
    """A request that got its turn early and waited for its place in flight is sent late: it counts from then."""
    now = 0.0
    arrived: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        for _ in range(50):
            await asyncio.sleep(0)
        now = max(now, until)

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            arrived.append(now)
            await sleep(12.0)
            return httpx.Response(200, json=[])

    async def run() -> list[Any]:
        policy = ServicePolicy("http://nvd.test", requests_in_window=5, max_in_flight=2)
        async with HttpClient({NVD: policy}, clock=lambda: now, sleep=sleep, transport=Slow()) as client:
            return await asyncio.gather(*(client.get_json(NVD, "/x") for _ in range(20)))

    assert asyncio.run(run()) == [[]] * 20
    assert most_within(arrived, 30.0) <= 5


def test_processes_that_use_one_file_share_its_window(tmp_path: Path) -> None:
    now = 1_000_000.0
    stores = [CveResults(tmp_path / "cves.sqlite", clock=lambda: now) for _ in range(2)]
    windows = [store.window(CveSourceName.NVD, 5, 30.0) for store in stores]
    sent: list[float] = []
    for number in range(40):
        window = windows[number % 3 % 2]
        while (place := window.take()).wait_s > 0:
            assert place.wait_s <= 31.0
            now += place.wait_s
        sent.append(now)
        now += 0.3
        window.give_back(place)
    assert most_within(sent, 30.0) <= 5
    assert (windows[0].free, windows[1].free) == (0, 0)
    now += 31.0
    assert (windows[0].free, windows[1].free) == (5, 5)
    now -= 90.0
    assert windows[0].take().wait_s == 0.0, "a clock that was set back locks nobody out"
    for store in stores:
        store.close()


def test_a_file_that_cannot_be_used_leaves_the_process_s_own_window(tmp_path: Path) -> None:
    (tmp_path / "cves.sqlite").mkdir()
    store = CveResults(tmp_path / "cves.sqlite")
    window = store.window(CveSourceName.NVD, 2, 30.0)
    assert [window.take().wait_s > 0 for _ in range(3)] == [False, False, True]
    store.close()


def test_a_window_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="requests_in_window must be at least 1"):
        ServicePolicy("https://nvd.example", requests_in_window=0)
