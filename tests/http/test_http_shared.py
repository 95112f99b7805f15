"""Limits over several processes, in a real Redis server; skipped where there is none."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from tasks.errors import SettingsError, SourceUnavailable
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tests.redis_server import redis_server

pytest.importorskip("redis", reason="the extra vetbook[redis] is not installed")

from tasks.http.shared_redis import RedisLimits

NVD, PYPI = ServiceName.NVD, ServiceName.PYPI
Work = Callable[[Callable[[], RedisLimits]], Awaitable[None]]
Runner = Callable[[Work], None]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.fixture
def run(address: str) -> Runner:
    def on_server(work: Work) -> None:
        async def main() -> None:
            made: list[RedisLimits] = []

            def make() -> RedisLimits:
                made.append(RedisLimits(SecretStr(address)))
                return made[-1]

            await make()._client.flushdb()
            try:
                await work(make)
            finally:
                for limits in made:
                    await limits.aclose()

        asyncio.run(main())

    return on_server


def test_two_processes_share_one_even_rate(run: Runner) -> None:
    async def work(make: Callable[[], RedisLimits]) -> None:
        one, two = make(), make()
        waits = [await limits.reserve(NVD, 6.0, None) for limits in (one, two, one, two)]
        assert [round(wait / 6) for wait in waits] == [0, 1, 2, 3]

    run(work)


def test_a_turn_too_far_away_is_not_taken(run: Runner) -> None:
    async def work(make: Callable[[], RedisLimits]) -> None:
        limits = make()
        await limits.reserve(NVD, 100.0, None)
        for _ in range(2):
            assert await limits.reserve(NVD, 100.0, 30.0) == pytest.approx(100, abs=2)

    run(work)


def test_a_pause_that_one_was_told_holds_for_all(run: Runner) -> None:
    async def work(make: Callable[[], RedisLimits]) -> None:
        one, two = make(), make()
        await one.hold(NVD, 50.0)
        assert await two.reserve(NVD, 0.0, None) == pytest.approx(50, abs=2)
        assert await two.reserve(PYPI, 0.0, None) == 0

    run(work)


def test_slots_are_shared_given_back_and_freed_after_their_lease(run: Runner) -> None:
    async def work(make: Callable[[], RedisLimits]) -> None:
        one, two = make(), make()
        first, second = await one.enter(PYPI, 2, 60), await two.enter(PYPI, 2, 0.15)
        assert first is not None
        assert second is not None
        assert await one.enter(PYPI, 2, 60) is None
        await one.leave(PYPI, first)
        assert await two.enter(PYPI, 2, 60) is not None
        assert await one.enter(PYPI, 2, 60) is None
        await asyncio.sleep(0.2)  # the second one's holder died
        assert await one.enter(PYPI, 2, 60) is not None

    run(work)


def test_a_client_waits_for_a_slot_that_another_process_holds(run: Runner, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/h/x").respond_with_json([])

    async def work(make: Callable[[], RedisLimits]) -> None:
        other = make()
        slot = await other.enter(PYPI, 1, 60)
        assert slot is not None
        looks = 0

        async def sleep(seconds: float) -> None:
            nonlocal looks
            looks += 1
            if looks == 3:
                await other.leave(PYPI, slot)

        policies = {PYPI: ServicePolicy(httpserver.url_for("/h"), max_in_flight=1)}
        async with HttpClient(policies, sleep=sleep, shared=make()) as client:
            assert await client.get_json(PYPI, "/x") == []
        assert looks == 3

    run(work)


def test_a_shared_rate_that_would_take_too_long_is_not_asked(run: Runner, httpserver: HTTPServer) -> None:
    async def work(make: Callable[[], RedisLimits]) -> None:
        for _ in range(3):
            await make().reserve(NVD, 30.0, None)
        policies = {NVD: ServicePolicy(httpserver.url_for("/h"), requests_per_second=1 / 30, max_wait_s=45)}
        async with HttpClient(policies, shared=make()) as client:
            with pytest.raises(SourceUnavailable, match="the shared rate limit would mean waiting"):
                await client.get_json(NVD, "/x")
        assert httpserver.log == []

    run(work)


def test_a_redis_that_does_not_answer_is_one_warning_and_no_secret_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://:pa55word@127.0.0.1:{closed.getsockname()[1]}/0"

        async def work() -> list[Any]:
            limits = RedisLimits(SecretStr(url))
            got = [await limits.reserve(NVD, 6.0, None), await limits.enter(NVD, 1, 5) is not None]
            await limits.hold(NVD, 5)
            await limits.leave(NVD, "slot")
            await limits.aclose()
            return got

        assert asyncio.run(work()) == [0.0, True]
    assert len(caplog.records) == 1
    assert "each process keeps its own limits" in caplog.text
    assert "pa55word" not in caplog.text


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="redis://HOST:PORT/NUMBER"):
        RedisLimits(SecretStr("nonsense"))
