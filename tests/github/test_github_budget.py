"""The budget: limits are kept to, waits are bounded, and going on is always possible."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SettingsError, SourceUnavailable
from tasks.github.api import GitHubApi
from tasks.github.budget import Budget, BudgetTerms
from tasks.github.errors import BudgetExhausted
from tasks.http.client import HttpClient
from tasks.http.message import read_json
from tasks.http.policy import ServiceName, ServicePolicy

EPOCH = 1_767_000_000.0


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def wall(self) -> float:
        return EPOCH + self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def budget(moment: Time, **terms: Any) -> Budget:
    return Budget(BudgetTerms(**terms), clock=moment.clock, wall=moment.wall, sleep=moment.sleep)


def state(remaining: int, limit: int = 5000, reset_in: float = 600, resource: str = "core") -> dict[str, str]:
    values = {"limit": limit, "remaining": remaining, "reset": int(EPOCH + 100 + reset_in), "resource": resource}
    return {f"x-ratelimit-{name}": str(value) for name, value in values.items()}


async def spend(given: Budget, turns: int, bucket: str = "core") -> None:
    for _ in range(turns):
        async with given.turn(bucket):
            pass


def test_no_more_points_than_allowed_in_any_minute() -> None:
    moment = Time()
    sent: list[float] = []

    async def run() -> None:
        given = budget(moment, points_per_minute=10)
        for _ in range(35):
            async with given.turn("core") as at:
                sent.append(at)
            moment.now += 0.5

    asyncio.run(run())
    assert len(sent) == 35
    assert max(sum(1 for other in sent if at - 60 < other <= at) for at in sent) == 10
    assert sent[-1] - sent[0] < 190


def test_retries_count_as_points_too() -> None:
    moment = Time()

    async def run() -> None:
        given = budget(moment, points_per_minute=10)
        await spend(given, 1)
        given.count(9)
        await spend(given, 1)

    asyncio.run(run())
    assert moment.slept == [60.0]


def test_the_share_of_the_quota_is_kept_and_the_wait_is_to_its_renewal() -> None:
    moment = Time()

    async def run() -> None:
        given = budget(moment, rate_limit_buffer=0.8)
        given.observe("core", state(1001))
        await spend(given, 1)
        assert moment.slept == []
        given.observe("core", state(1000))
        # The other bucket is not concerned.
        await spend(given, 1, "graphql")
        assert moment.slept == []
        await spend(given, 1)

    asyncio.run(run())
    assert moment.slept == [601.0]


def test_too_long_a_wait_ends_resumably() -> None:
    moment = Time()

    async def run() -> BudgetExhausted:
        given = budget(moment, max_wait_s=599)
        given.observe("core", state(0))
        with pytest.raises(BudgetExhausted) as caught:
            await spend(given, 1)
        return caught.value

    error = asyncio.run(run())
    assert error.resume_at == datetime.fromtimestamp(EPOCH + 700, UTC)
    assert "0 of 5000 left" in str(error)
    assert "in 600 s, and at most 599 s are to be waited" in str(error)
    assert moment.slept == []


def test_answers_that_overtake_each_other_do_not_raise_the_remainder() -> None:
    moment = Time()
    given = budget(moment)
    for remaining in (4000, 3990, 3995):
        given.observe("core", state(remaining))
    assert given.states["core"].remaining == 3990
    given.observe("core", state(4999, reset_in=4200))
    assert given.states["core"].remaining == 4999
    given.observe("core", state(10))
    assert given.states["core"].remaining == 10
    given.observe("core", {"x-ratelimit-limit": "x"})
    assert given.states["core"].remaining == 10


def test_one_bucket_may_serve_both_interfaces() -> None:
    moment = Time()

    async def run() -> None:
        given = budget(moment, rate_limit_buffer=1.0)
        given.observe("graphql", state(0, resource="core"))
        await spend(given, 1, "graphql")

    asyncio.run(run())
    assert moment.slept == [601.0]


def test_requests_in_flight_are_counted_against_what_is_left() -> None:
    moment = Time()

    async def run() -> None:
        given = budget(moment, rate_limit_buffer=1.0)
        given.observe("core", state(1))
        async with given.turn("core"):
            second = asyncio.create_task(spend(given, 1))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not second.done()
        # It was a 304: nothing was used.
        await second

    asyncio.run(run())
    assert set(moment.slept) == {0.05}


@given(st.lists(st.integers(0, 12), min_size=1, max_size=20), st.integers(1, 100))
def test_never_more_in_flight_than_allowed(delays: list[int], most: int) -> None:
    peak = running = 0

    async def one(given: Budget, delay: int) -> None:
        nonlocal peak, running
        async with given.turn("core"):
            running += 1
            peak = max(peak, running)
            for _ in range(delay):
                await asyncio.sleep(0)
            running -= 1

    async def run() -> None:
        given = budget(Time(), max_in_flight=most)
        await asyncio.gather(*(one(given, delay) for delay in delays))

    asyncio.run(run())
    assert 1 <= peak <= most
    assert running == 0


@pytest.mark.parametrize(
    "terms",
    [
        {"rate_limit_buffer": 0.09},
        {"rate_limit_buffer": 1.01},
        {"points_per_minute": 0},
        {"max_wait_s": -1},
        {"max_in_flight": 0},
        {"max_in_flight": 101},
    ],
)
def test_terms_out_of_range_are_refused(terms: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        BudgetTerms(**terms)


# Over a socket


def ask(
    server: HTTPServer, moment: Time, question: Callable[[GitHubApi], Awaitable[Any]], **terms: Any
) -> tuple[Any, Budget]:
    given = budget(moment, **terms)

    async def run() -> Any:
        policies = {ServiceName.GITHUB: ServicePolicy(server.url_for(""), token=SecretStr("t"), shared_limit=True)}
        async with HttpClient(policies, clock=moment.clock, wall=moment.wall, sleep=moment.sleep) as client:
            return await question(GitHubApi(client, given))

    return asyncio.run(run()), given


async def get(api: GitHubApi) -> Any:
    return await api.get("/x", read_json, what="x")


def script(server: HTTPServer, *answers: Response) -> list[Request]:
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    server.expect_request("/x").respond_with_handler(handler)
    server.expect_request("/graphql").respond_with_handler(handler)
    return seen


GOOD = Response("{}", content_type="application/json")
SECONDARY = '{"message": "You have exceeded a secondary rate limit."}'


@pytest.mark.parametrize("status", [403, 429])
def test_retry_after_is_obeyed(httpserver: HTTPServer, status: int) -> None:
    moment = Time()
    seen = script(httpserver, Response(SECONDARY, status, {"retry-after": "7"}), GOOD)
    found, given = ask(httpserver, moment, get)
    assert (found, moment.slept, len(seen), given.rejected) == ({}, [7.0], 2, 1)


def test_a_secondary_limit_without_a_time_means_a_minute(httpserver: HTTPServer) -> None:
    moment = Time()
    script(httpserver, Response(SECONDARY, 403), GOOD)
    assert ask(httpserver, moment, get)[0] == {}
    assert moment.slept == [60.0]


def test_an_empty_quota_found_out_by_a_403_is_waited_for_or_ends_resumably(httpserver: HTTPServer) -> None:
    moment = Time()
    spent = Response('{"message": "API rate limit exceeded for user ID 1."}', 403, state(0, reset_in=90))
    seen = script(httpserver, spent, GOOD)
    found, given = ask(httpserver, moment, get)
    assert found == {}
    assert moment.slept == [91.0]
    assert given.waited_s == 91.0
    seen.clear()
    with pytest.raises(BudgetExhausted):
        ask(httpserver, Time(), get, max_wait_s=60)
    assert len(seen) == 1


def test_graphql_says_in_an_error_that_the_quota_is_spent(httpserver: HTTPServer) -> None:
    moment = Time()
    limited = '{"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}'
    headers = state(0, reset_in=30, resource="graphql")
    script(httpserver, Response(limited, 200, headers), Response('{"data": {"a": 1}}'))
    answer, _ = ask(httpserver, moment, lambda api: api.graphql("query { a }"))
    assert answer.data == {"a": 1}
    assert moment.slept == [31.0]


def test_a_limit_that_never_ends_is_unavailable(httpserver: HTTPServer) -> None:
    moment = Time()
    seen = script(httpserver, Response(SECONDARY, 403, {"retry-after": "1"}))
    with pytest.raises(SourceUnavailable, match="rate limit after 10 attempts"):
        ask(httpserver, moment, get)
    assert len(seen) == 10


def test_a_lower_limit_than_documented_is_found_by_few_rejections(httpserver: HTTPServer) -> None:
    """Another program uses most of the 900 points: 100 a minute are left."""
    moment = Time()
    granted: list[float] = []
    every: list[float] = []

    def handler(request: Request) -> Response:
        every.append(moment.now)
        if sum(1 for at in every if moment.now - at < 60) > 100:
            return Response(SECONDARY, 403, {"retry-after": "2"})
        granted.append(moment.now)
        moment.now += 0.01
        return GOOD

    httpserver.expect_request("/x").respond_with_handler(handler)

    async def many(api: GitHubApi) -> None:
        for _ in range(300):
            await get(api)

    _, given = ask(httpserver, moment, many)
    assert len(granted) == 300
    assert given.rejected <= 5
    assert moment.now - 100 < 400
