"""Documents by way of the store: conditional questions, ages, resumed scans, offline."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SourceAnswerInvalid, SourceOffline, SourceUnavailable
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer
from tasks.sources.kept import HOUR_S, FreshFor, KeptDocuments, KeptOnly

PYPI = ServiceName.PYPI
NOW = 1_800_000_000.0
ALWAYS_ASK = FreshFor()


class Service:
    """A server of one document with an ETag that follows its text, and what it was asked with."""

    def __init__(self, server: HTTPServer) -> None:
        self.text = '{"n": 1}'
        self.status = 200
        self.validator = "etag"
        self.asked: list[Mapping[str, str]] = []
        self.url = server.url_for("/host")
        server.expect_request("/host/doc").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        if self.status != 200:
            return Response('{"message": "no"}', self.status, content_type="application/json")
        tag = f'"{hash(self.text)}"'
        headers = {"ETag": tag} if self.validator == "etag" else {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
        held = request.headers.get("If-None-Match") or request.headers.get("If-Modified-Since")
        if held in headers.values():
            return Response(status=304, headers=headers)
        return Response(self.text, 200, headers, content_type="application/json")


@pytest.fixture
def service(httpserver: HTTPServer) -> Service:
    return Service(httpserver)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as opened:
        yield opened


def number(document: Any) -> Any:
    return document["n"]


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def get(
    service: Service,
    store: AnswerStore | None,
    terms: FreshFor = ALWAYS_ASK,
    now: float = NOW,
    reduce: Callable[[Any], Any] = number,
) -> tuple[Any, int]:
    """The value, and how many answers came from what was kept."""

    async def run() -> tuple[Any, int]:
        async with HttpClient({PYPI: ServicePolicy(service.url)}, sleep=no_sleep) as client:
            value = await KeptDocuments(client, PYPI, store, terms, lambda: now).get("/doc", reduce)
            return value, client.snapshot()[PYPI].cache_hits

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("validator", "condition"), [("etag", "If-None-Match"), ("last-modified", "If-Modified-Since")]
)
def test_the_second_question_is_conditional_and_304_serves_what_is_kept(
    service: Service, store: AnswerStore, validator: str, condition: str
) -> None:
    service.validator = validator
    assert get(service, store) == (1, 0)
    assert get(service, store, now=NOW + 50) == (1, 1)
    assert [condition in headers for headers in service.asked] == [False, True]
    confirmed = store.get(PYPI, "/doc")
    assert confirmed is not None
    assert (confirmed.value, confirmed.fetched_at) == (1, NOW + 50)


def test_a_changed_document_replaces_what_is_kept(service: Service, store: AnswerStore) -> None:
    get(service, store)
    service.text = '{"n": 2}'
    assert get(service, store) == (2, 0)
    assert get(service, store) == (2, 1)


def test_within_its_hours_an_answer_is_used_unasked(service: Service, store: AnswerStore) -> None:
    get(service, store)
    terms = FreshFor(cache_hours=2)
    assert get(service, store, terms, NOW + 2 * HOUR_S - 1) == (1, 1)
    assert len(service.asked) == 1
    get(service, store, terms, NOW + 2 * HOUR_S)
    assert len(service.asked) == 2


def test_a_resumed_scan_does_not_ask_for_what_it_has_fetched(service: Service, store: AnswerStore) -> None:
    get(service, store)
    assert get(service, store, FreshFor(since=NOW - 5), NOW + 1000) == (1, 1)
    assert len(service.asked) == 1
    get(service, store, FreshFor(since=NOW + 5), NOW + 1000)
    assert len(service.asked) == 2


def test_an_answer_from_the_future_is_asked_for_again(service: Service, store: AnswerStore) -> None:
    get(service, store, now=NOW + 100)
    get(service, store, FreshFor(cache_hours=100, since=NOW - 100), NOW)
    assert len(service.asked) == 2


def test_a_project_that_does_not_exist_is_kept_as_that_and_asked_for_unconditionally(
    service: Service, store: AnswerStore
) -> None:
    service.status = 404
    assert get(service, store) == (None, 0)
    assert get(service, store, FreshFor(cache_hours=1), NOW + 1) == (None, 1)
    service.status = 200
    assert get(service, store) == (1, 0)
    assert "If-None-Match" not in service.asked[-1]


def test_an_error_is_no_answer_and_leaves_what_is_kept_alone(service: Service, store: AnswerStore) -> None:
    get(service, store)
    service.status = 503
    with pytest.raises(SourceUnavailable):
        get(service, store, now=NOW + 10)
    found = store.get(PYPI, "/doc")
    assert found is not None
    assert found.fetched_at == NOW


def test_a_304_that_nobody_asked_for_is_no_answer(service: Service, store: AnswerStore) -> None:
    service.status = 304
    with pytest.raises(SourceAnswerInvalid):
        get(service, store)


def test_what_cannot_be_read_is_not_kept(service: Service, store: AnswerStore) -> None:
    def refuse(_: Any) -> Any:
        raise SourceAnswerInvalid("pypi: no document")

    with pytest.raises(SourceAnswerInvalid):
        get(service, store, reduce=refuse)
    assert store.get(PYPI, "/doc") is None


def test_an_answer_of_another_address_is_neither_used_nor_compared(service: Service, store: AnswerStore) -> None:
    store.put_many(PYPI, {"/doc": KeptAnswer(99, "https://elsewhere.example", NOW, etag='"e"')})
    assert get(service, store, FreshFor(cache_hours=1), NOW + 1) == (1, 0)
    assert "If-None-Match" not in service.asked[0]


def test_without_a_store_every_question_is_asked(service: Service) -> None:
    assert get(service, None) == get(service, None) == (1, 0)


def test_offline_the_kept_answer_serves_whatever_its_address(store: AnswerStore) -> None:
    store.put_many(PYPI, {"/doc": KeptAnswer(7, "https://elsewhere.example", NOW)})
    kept = KeptOnly(PYPI, store, FreshFor(kept_days=30), lambda: NOW + 29 * DAY_S)
    assert asyncio.run(kept.get("/doc", number)) == 7


@pytest.mark.parametrize(
    ("path", "days", "said"),
    [("/other", 1, "no earlier run kept /other"), ("/doc", 31, r"older than 30 days \(sources.pypi.kept_days\)")],
)
def test_offline_what_is_not_kept_or_too_old_could_not_be_checked(
    store: AnswerStore, path: str, days: int, said: str
) -> None:
    store.put_many(PYPI, {"/doc": KeptAnswer(7, "https://elsewhere.example", NOW)})
    kept = KeptOnly(PYPI, store, FreshFor(kept_days=30), lambda: NOW + days * DAY_S)
    with pytest.raises(SourceOffline, match=said):
        asyncio.run(kept.get(path, number))


@given(hours=st.floats(0, 1000), age=st.floats(-1e6, 1e8))
def test_fresh_is_never_older_than_the_hours_and_never_in_the_future(hours: float, age: float) -> None:
    assert FreshFor(cache_hours=hours).fresh(NOW - age, NOW) is (0 <= NOW - (NOW - age) < hours * HOUR_S)
