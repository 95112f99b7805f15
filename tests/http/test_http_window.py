"""A rolling window is never overfull, retries and pauses included."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.http.client import HttpClient
from tasks.http.pacer import Pacer
from tasks.http.policy import ServiceName, ServicePolicy

NVD = ServiceName.NVD


def most_within(times: list[float], window_s: float) -> int:
    return max((sum(1 for other in times if at <= other < at + window_s) for at in times), default=0)


@settings(deadline=None)
@given(gaps=st.lists(st.floats(0, 20), max_size=60), in_window=st.integers(1, 6), hold=st.floats(0, 90))
def test_no_window_holds_more_turns_than_allowed(gaps: list[float], in_window: int, hold: float) -> None:
    now = 0.0
    pacer = Pacer(None, lambda: now, in_window, 30.0)
    turns = []
    for number, gap in enumerate(gaps):
        now += gap
        if number == 7:
            pacer.hold(hold)
        turns.append(now + pacer.reserve())
    assert most_within(turns, 30.0) <= in_window
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


def test_a_window_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="requests_in_window must be at least 1"):
        ServicePolicy("https://nvd.example", requests_in_window=0)
