"""What is counted, and for whom: all together, and each batch its own."""

import asyncio

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.engine.batch_metrics import BatchMetrics
from tasks.errors import SourceError
from tasks.http.client import HttpClient
from tasks.http.message import Change, Validators
from tasks.http.metrics import Ledger, charge, measured
from tasks.http.policy import ServiceName, ServicePolicy

PYPI = ServiceName.PYPI


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def test_each_batch_is_charged_its_own_requests_and_the_client_all(httpserver: HTTPServer) -> None:
    failing = {"/h/retried": 2}

    def answer(request: Request) -> Response:
        left = failing.get(request.path, 0)
        failing[request.path] = left - 1
        return Response("[1]", 503 if left > 0 else 200, content_type="application/json")

    httpserver.expect_request("/h/retried").respond_with_handler(answer)
    httpserver.expect_request("/h/plain").respond_with_handler(answer)

    async def run() -> tuple[Ledger, Ledger, int, float]:
        async with HttpClient({PYPI: ServicePolicy(httpserver.url_for("/h"))}, sleep=no_sleep) as client:

            async def batch(*paths: str) -> Ledger:
                with measured() as cost:
                    await asyncio.gather(*(client.get_json(PYPI, path) for path in paths))
                return cost

            one, two = await asyncio.gather(batch("/retried"), batch("/plain", "/plain"))
            client.count_hit(PYPI)
            total = client.snapshot()[PYPI]
            assert (total.retries, total.cache_hits, total.breaker) == (2, 1, "closed")
            return one, two, total.requests, total.waits_s

    one, two, requests, waits = asyncio.run(run())
    assert (one.total.requests, one.total.retries, two.total.requests, two.total.retries) == (3, 2, 2, 0)
    assert requests == 5
    assert round(one.total.waits_s, 3) == waits
    assert BatchMetrics.of(one).received_bytes == len(b"[1]") * 3
    assert str(BatchMetrics.of(two)).startswith("2 requests, 0 retries, 0.0 s of waits, 0 from the cache")


def test_a_304_is_a_cache_hit_and_a_429_is_counted(httpserver: HTTPServer) -> None:
    httpserver.expect_ordered_request("/h/x").respond_with_data("", 429, {"Retry-After": "0"})
    httpserver.expect_ordered_request("/h/x").respond_with_data("", 304)

    async def run() -> None:
        async with HttpClient({PYPI: ServicePolicy(httpserver.url_for("/h"))}, sleep=no_sleep) as client:
            answer = await client.get_json_if_changed(PYPI, "/x", Validators(etag='"e"'))
            assert answer.change is Change.UNCHANGED
            found = client.snapshot()[PYPI]
            assert (found.requests, found.limited, found.cache_hits) == (2, 1, 1)

    asyncio.run(run())


def test_a_dead_service_s_trip_is_charged_once_and_its_state_shown(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/h/x").respond_with_data("", 503)

    async def run() -> None:
        async with HttpClient({PYPI: ServicePolicy(httpserver.url_for("/h"))}, sleep=no_sleep) as client:
            with measured() as cost:
                results = await asyncio.gather(
                    *(client.get_json(PYPI, "/x") for _ in range(60)), return_exceptions=True
                )
            assert all(isinstance(result, SourceError) for result in results)
            found = client.snapshot()[PYPI]
            assert (found.breaker_trips, found.breaker, cost.total.breaker_trips) == (1, "open", 1)
            assert found.requests <= 20
            assert cost.total.failures == 60

    asyncio.run(run())


def test_what_was_asked_ahead_is_charged_to_whoever_needed_it() -> None:
    ahead = Ledger()
    ahead.of(PYPI).requests = 3
    with measured() as outer:
        with measured() as inner:
            charge(ahead)
        assert outer.total.requests == 0
        charge(inner)
    assert outer.total.requests == 3
    charge(ahead)  # outside any measured work nobody is charged
