"""The client against servers that cut, stall, refuse and limit: connections, concurrency, breaker."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tasks.errors import SourceError, SourceUnavailable
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy

PYPI = ServiceName.PYPI
GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


class Time:
    """A clock that only sleeping moves; sleepers wake in the order of their time."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        # Whatever else can run now runs first; then time jumps.
        for _ in range(20):
            await asyncio.sleep(0)
        self.now = max(self.now, until)


Handler = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Raw:
    """A server that does with each request what its handler says, and counts connections and requests."""

    handler: Handler
    connections: int = 0
    requests: int = 0
    address: str = ""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                await self.handler(self.requests, reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def raw(handler: Handler) -> AsyncIterator[Raw]:
    server = Raw(handler)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        server.address = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server


def against(handler: Handler, question: Callable[[HttpClient], Awaitable[Any]], **policy: Any) -> tuple[Any, Raw]:
    async def run() -> tuple[Any, Raw]:
        moment = Time()
        async with raw(handler) as server:
            policies = {PYPI: ServicePolicy(server.address, **policy)}
            async with HttpClient(policies, clock=moment.clock, sleep=moment.sleep, random=lambda: 0.5) as client:
                return await question(client), server

    return asyncio.run(run())


async def get(client: HttpClient) -> Any:
    return await client.get_json(PYPI, "/x")


async def cut_before(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def cut_inside(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n[1,")
    await writer.drain()
    writer.close()


async def garbage(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("bad", [cut_before, cut_inside, garbage])
def test_a_cut_connection_is_asked_again_on_a_new_one(bad: Handler) -> None:
    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number <= 2:
            await bad(number, reader, writer)
        else:
            writer.write(GOOD)

    answer, server = against(handler, get)
    assert answer == []
    assert (server.requests, server.connections) == (3, 3)


def test_a_stalled_answer_ends_with_the_deadline() -> None:
    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A byte now and then defeats the read time-out; the deadline must hold.
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        for _ in range(100):
            writer.write(b"[")
            await asyncio.sleep(0.01)

    async def question(client: HttpClient) -> None:
        with pytest.raises(SourceUnavailable, match=r"no complete answer within 0\.1 s"):
            await get(client)

    _, server = against(handler, question, deadline_s=0.1, attempts=1)
    assert server.requests == 1


def test_a_silent_service_is_given_up_after_the_read_timeout() -> None:
    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async def question(client: HttpClient) -> None:
        with pytest.raises(SourceUnavailable, match=r"nothing came for 0\.05 s after 2 attempts"):
            await get(client)

    _, server = against(handler, question, read_timeout_s=0.05, attempts=2)
    assert server.requests == 2


def test_one_connection_serves_many_requests() -> None:
    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GOOD)

    async def question(client: HttpClient) -> None:
        for _ in range(5):
            await get(client)

    _, server = against(handler, question)
    assert (server.requests, server.connections) == (5, 1)


def test_never_more_in_flight_than_allowed_and_the_limit_is_used() -> None:
    flying, peak = 0, 0

    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal flying, peak
        flying += 1
        peak = max(peak, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        writer.write(GOOD)

    async def question(client: HttpClient) -> Any:
        await asyncio.gather(*(get(client) for _ in range(200)))
        return client.snapshot()[PYPI]

    figures, server = against(handler, question, max_in_flight=12)
    assert peak == figures.peak_in_flight == server.connections == 12


def test_a_dead_address_is_asked_at_most_20_times() -> None:
    async def run() -> Any:
        moment = Time()
        async with raw(cut_before) as server:
            address = server.address
        policies = {PYPI: ServicePolicy(address)}
        async with HttpClient(policies, clock=moment.clock, sleep=moment.sleep) as client:
            answers = await asyncio.gather(*(get(client) for _ in range(300)), return_exceptions=True)
            return answers, client.snapshot()[PYPI]

    answers, figures = asyncio.run(run())
    assert all(isinstance(answer, SourceUnavailable) for answer in answers)
    assert figures.requests <= 20
    assert (figures.failures, figures.breaker_trips) == (300, 1)
    assert "no connection" in str(answers[-1])


class Weather(httpx.AsyncBaseTransport):
    """Answers 503, HTML or an error for some paths' first two tries, as a seed decides; else after some turns."""

    def __init__(self, seed: int, rate: float, tries: int = 2, status: int = 503) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - reproducible weather
        self._rate, self._tries, self._status = rate, tries, status
        self._bad: dict[str, bool] = {}
        self.asked: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.asked[path] += 1
        for _ in range(self._dice.randrange(5)):
            await asyncio.sleep(0)
        if self._bad.setdefault(path, self._dice.random() < self._rate) and self.asked[path] <= self._tries:
            if self._dice.random() < 0.3:
                raise httpx.ReadError("cut")
            return httpx.Response(self._status, text="<html>")
        return httpx.Response(200, json={"path": path})


def through(transport: httpx.AsyncBaseTransport, names: int, together: int, **policy: Any) -> Any:
    """Ask for that many names, so many at a time; the answers or errors, and the figures."""

    async def run() -> Any:
        moment = Time()
        dice = random.Random(1)  # noqa: S311 - reproducible jitter
        answers: list[Any] = []
        policies = {PYPI: ServicePolicy("http://pypi.test", **policy)}
        async with HttpClient(
            policies, clock=moment.clock, sleep=moment.sleep, random=dice.random, transport=transport
        ) as client:
            for at in range(0, names, together):
                batch = (client.get_json(PYPI, f"/{number}") for number in range(at, min(at + together, names)))
                answers += await asyncio.gather(*batch, return_exceptions=True)
            return answers, client.snapshot()[PYPI]

    return asyncio.run(run())


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("together", [10, 50, 400])
def test_bad_weather_never_opens_the_breaker_nor_loses_an_answer(seed: int, together: int) -> None:
    answers, figures = through(Weather(seed, rate=0.35), 400, together)
    assert answers == [{"path": f"/{number}"} for number in range(400)]
    assert figures.breaker_trips == 0


@pytest.mark.parametrize("together", [1, 10, 400])
@pytest.mark.parametrize("status", [503, 500, 200])
def test_a_dead_service_is_left_alone_after_20_requests(together: int, status: int) -> None:
    dead = Weather(1, rate=1.0, tries=10**6, status=status)
    answers, _ = through(dead, 400, together)
    assert all(isinstance(answer, SourceError) for answer in answers)
    assert dead.asked.total() <= 20


class Crowded(httpx.AsyncBaseTransport):
    """Answers 429 while more than so many requests are in flight."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._flying = 0
        self.rejected = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._flying += 1
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            if self._flying > self._most:
                self.rejected += 1
                return httpx.Response(429, headers={"Retry-After": "1"})
            return httpx.Response(200, json=[])
        finally:
            self._flying -= 1


@pytest.mark.parametrize("most", [1, 3, 10, 25])
def test_the_limit_of_a_service_is_found_and_kept(most: int) -> None:
    crowded = Crowded(most)
    answers, _ = through(crowded, 3000, 500)
    assert answers == [[]] * 3000
    assert crowded.rejected < 600


class Switch(httpx.AsyncBaseTransport):
    """Up or down; answers while open is set."""

    def __init__(self) -> None:
        self.up = True
        self.asked = 0
        self.open = asyncio.Event()
        self.open.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        await self.open.wait()
        return httpx.Response(200 if self.up else 503, json=[])


def test_after_a_while_one_request_finds_out_whether_the_service_is_back() -> None:
    async def run() -> None:
        moment, service = Time(), Switch()
        service.up = False
        async with HttpClient(
            {PYPI: ServicePolicy("http://pypi.test")},
            clock=moment.clock,
            sleep=moment.sleep,
            random=lambda: 0.0,
            transport=service,
        ) as client:
            await asyncio.gather(*(get(client) for _ in range(50)), return_exceptions=True)
            before = service.asked
            moment.now += 29.0
            with pytest.raises(SourceUnavailable, match=r"not asked.*HTTP 503.*circuit open for 30 s"):
                await get(client)
            assert service.asked == before
            moment.now += 1.0
            await asyncio.gather(*(get(client) for _ in range(50)), return_exceptions=True)
            assert service.asked == before + 1
            service.up = True
            moment.now += 30.0
            first = await asyncio.gather(*(get(client) for _ in range(50)), return_exceptions=True)
            assert [] in first
            assert await asyncio.gather(*(get(client) for _ in range(50))) == [[]] * 50

    asyncio.run(run())


def test_a_cancelled_probe_leaves_room_for_the_next() -> None:
    async def run() -> None:
        moment, service = Time(), Switch()
        service.up = False
        async with HttpClient(
            {PYPI: ServicePolicy("http://pypi.test")}, clock=moment.clock, sleep=moment.sleep, transport=service
        ) as client:
            await asyncio.gather(*(get(client) for _ in range(50)), return_exceptions=True)
            service.up = True
            moment.now += 30.0
            service.open.clear()
            probe = asyncio.create_task(get(client))
            for _ in range(20):
                await asyncio.sleep(0)
            with pytest.raises(SourceUnavailable, match="not asked"):
                await get(client)
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)
            service.open.set()
            assert await get(client) == []

    asyncio.run(run())


def test_a_spent_quota_holds_everybody_back_until_its_reset() -> None:
    calls: list[float] = []

    async def run() -> None:
        moment = Time()

        class Quota(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                calls.append(moment.now)
                if moment.now < 60:
                    return httpx.Response(403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "60"})
                return httpx.Response(200, json=[])

        async with HttpClient(
            {PYPI: ServicePolicy("http://api.test")},
            clock=moment.clock,
            wall=moment.clock,
            sleep=moment.sleep,
            random=lambda: 0.0,
            transport=Quota(),
        ) as client:
            assert await get(client) == []
            assert await get(client) == []

    asyncio.run(run())
    assert calls == [0.0, 60.0, 60.0]


def test_an_even_rate_and_its_longest_wait() -> None:
    calls: list[float] = []

    async def run() -> Any:
        moment = Time()

        class Clocked(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                calls.append(moment.now)
                return httpx.Response(200, json=[])

        policy = ServicePolicy("http://nvd.test", requests_per_second=1 / 6, max_wait_s=13.0)
        async with HttpClient({PYPI: policy}, clock=moment.clock, sleep=moment.sleep, transport=Clocked()) as client:
            return await asyncio.gather(*(get(client) for _ in range(5)), return_exceptions=True)

    answers = asyncio.run(run())
    assert calls == [0.0, 6.0, 12.0]
    assert answers[:3] == [[], [], []]
    assert [str(answer) for answer in answers[3:]] == [
        "pypi (nvd.test) was not asked: its rate limit would mean waiting 18 s, allowed are 13 s; run again later."
    ] * 2


def test_what_waited_for_a_place_in_flight_beyond_its_turn_does_not_go_in_a_bunch() -> None:
    calls: list[float] = []

    async def run() -> Any:
        moment = Time()

        class FirstSlow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                calls.append(moment.now)
                if len(calls) == 1:
                    await moment.sleep(30.0)
                return httpx.Response(200, json=[])

        policy = ServicePolicy("http://snyk.test", requests_per_second=1, max_in_flight=1)
        async with HttpClient({PYPI: policy}, clock=moment.clock, sleep=moment.sleep, transport=FirstSlow()) as client:
            return await asyncio.gather(*(get(client) for _ in range(8)))

    assert asyncio.run(run()) == [[]] * 8
    assert min(later - earlier for earlier, later in pairwise(calls)) >= 1.0


def test_cancelling_gives_the_place_in_flight_back() -> None:
    both = asyncio.Event()

    async def handler(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number == 2:
            both.set()
        if number <= 2:
            await asyncio.Event().wait()
        writer.write(GOOD)

    async def question(client: HttpClient) -> Any:
        stuck = [asyncio.create_task(get(client)) for _ in range(4)]
        await both.wait()
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        return await asyncio.wait_for(get(client), 10)

    answer, server = against(handler, question, max_in_flight=2)
    assert (answer, server.requests) == ([], 3)
