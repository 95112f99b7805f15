"""OSV: the index with its pages, and each record asked for once."""

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.advisories.model import Advisory
from tasks.errors import SourceAnswerInvalid, SourceError, SourceUnavailable
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.interface import AdvisoryRef
from tasks.sources.osv import OsvApi


def record(identifier: str, **more: Any) -> dict[str, Any]:
    package = {"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1.0"]}
    return {"id": identifier, "modified": "2024-01-01T00:00:00Z", "affected": [package], **more}


def ref(identifier: str, modified: str = "2024-01-01T00:00:00Z") -> AdvisoryRef:
    return AdvisoryRef(id=identifier, modified=modified)


class Memory:
    """A cache in a dictionary that remembers what it was given."""

    def __init__(self) -> None:
        self.kept: dict[AdvisoryRef, Advisory] = {}
        self.writes = 0

    def get_many(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        return {r.id: self.kept[r] for r in refs if r in self.kept}

    def put_many(self, records: Mapping[AdvisoryRef, Advisory]) -> None:
        self.writes += 1
        self.kept.update(records)


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def ask(
    server: HTTPServer, question: Callable[[OsvApi], Awaitable[Any]], store: Memory | None = None, **policy: Any
) -> Any:
    async def run() -> Any:
        policies = {ServiceName.OSV: ServicePolicy(server.url_for("/osv"), **policy)}
        async with HttpClient(policies, sleep=no_sleep) as client:
            return await question(OsvApi(client, store))

    return asyncio.run(run())


def serve_records(server: HTTPServer, answer: Callable[[str], Response]) -> Counter[str]:
    asked: Counter[str] = Counter()

    def handler(request: Request) -> Response:
        identifier = request.path.rpartition("/")[2]
        asked[identifier] += 1
        return answer(identifier)

    server.expect_request(_RECORDS).respond_with_handler(handler)
    return asked


def found(identifier: str) -> Response:
    return Response(json.dumps(record(identifier)), content_type="application/json")


_RECORDS = re.compile(r"^/osv/v1/vulns/[^/]+$")


def serve_index(server: HTTPServer, answer: Callable[[list[dict[str, Any]]], Any]) -> list[list[dict[str, Any]]]:
    seen: list[list[dict[str, Any]]] = []

    def handler(request: Request) -> Response:
        queries = request.get_json()["queries"]
        seen.append(queries)
        return Response(json.dumps(answer(queries)), content_type="application/json")

    server.expect_request("/osv/v1/querybatch", method="POST").respond_with_handler(handler)
    return seen


def vuln(identifier: str) -> dict[str, str]:
    return {"id": identifier, "modified": "2024-01-01T00:00:00Z"}


def test_index_asks_by_name_in_chunks_of_1000_and_each_name_once(httpserver: HTTPServer) -> None:
    seen = serve_index(
        httpserver, lambda queries: {"results": [{"vulns": [vuln("X-" + q["package"]["name"])]} for q in queries]}
    )
    names = [f"p{n}" for n in range(2300)]
    got = ask(httpserver, lambda api: api.index(names + names[:10]))
    assert sorted(map(len, seen)) == [300, 1000, 1000]
    assert seen[0][0] in [{"package": {"ecosystem": "PyPI", "name": name}} for name in ("p0", "p1000", "p2000")]
    assert got == {name: (ref("X-" + name),) for name in names}


def test_a_name_without_advisories_has_none(httpserver: HTTPServer) -> None:
    serve_index(httpserver, lambda queries: {"results": [{} for _ in queries]})
    assert ask(httpserver, lambda api: api.index(["a", "b"])) == {"a": (), "b": ()}
    assert ask(httpserver, lambda api: api.index([])) == {}


def test_pages_are_followed_for_the_queries_that_have_more(httpserver: HTTPServer) -> None:
    pages: dict[tuple[str, str | None], dict[str, Any]] = {
        ("a", None): {"vulns": [vuln("A-1")], "next_page_token": "t1"},
        ("a", "t1"): {"next_page_token": "t2"},
        ("a", "t2"): {"vulns": [vuln("A-1"), vuln("A-2")]},
        ("b", None): {"vulns": [vuln("B-1")]},
        ("c", None): {"next_page_token": "t9"},
        ("c", "t9"): {"vulns": [vuln("C-1")]},
    }
    seen = serve_index(
        httpserver,
        lambda queries: {"results": [pages[q["package"]["name"], q.get("page_token")] for q in queries]},
    )
    got = ask(httpserver, lambda api: api.index(["a", "b", "c"]))
    assert got == {"a": (ref("A-1"), ref("A-2")), "b": (ref("B-1"),), "c": (ref("C-1"),)}
    assert [len(queries) for queries in seen] == [3, 2, 1]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"results": []},
        {"results": [{}, {}]},
        {"results": [None]},
        {"results": [{"vulns": {}}]},
        {"results": [{"vulns": [{"id": "A-1"}]}]},
        {"results": [{"vulns": ["A-1"]}]},
        {"results": [{"next_page_token": 7}]},
        {"results": [{"next_page_token": "for ever"}]},
    ],
)
def test_an_incomplete_index_is_never_none_found(httpserver: HTTPServer, answer: Any) -> None:
    serve_index(httpserver, lambda queries: answer)
    with pytest.raises(SourceAnswerInvalid, match="querybatch"):
        ask(httpserver, lambda api: api.index(["a"]))


def test_one_failing_chunk_fails_the_index(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/osv/v1/querybatch").respond_with_data("", 503)
    with pytest.raises(SourceUnavailable, match="HTTP 503"):
        ask(httpserver, lambda api: api.index([f"p{n}" for n in range(2500)]))


def test_records_are_asked_for_once_whoever_needs_them(httpserver: HTTPServer) -> None:
    asked = serve_records(httpserver, found)

    async def question(api: OsvApi) -> Any:
        refs = [ref("A-1"), ref("A-2"), ref("A-1")]
        answers = await asyncio.gather(*(api.advisories(refs) for _ in range(5)))
        return [*answers, await api.advisories([ref("A-2")])]

    answers = ask(httpserver, question)
    assert asked == {"A-1": 1, "A-2": 1}
    assert [set(answer) for answer in answers] == [{"A-1", "A-2"}] * 5 + [{"A-2"}]
    assert answers[0]["A-1"].affected[0].versions == ("1.0",)


@pytest.mark.parametrize(
    "bad",
    [
        Response('{"code": 5, "message": "Bug not found."}', 404, content_type="application/json"),
        Response(json.dumps(record("OTHER-1")), content_type="application/json"),
        Response(json.dumps(record("A-2", affected="all")), content_type="application/json"),
        Response("[]", content_type="application/json"),
    ],
    ids=["gone", "another", "malformed", "list"],
)
def test_a_record_that_cannot_be_had_is_an_error_that_names_it(httpserver: HTTPServer, bad: Response) -> None:
    serve_records(httpserver, lambda identifier: bad if identifier == "A-2" else found(identifier))
    with pytest.raises(SourceAnswerInvalid, match="A-2"):
        ask(httpserver, lambda api: api.advisories([ref("A-1"), ref("A-2"), ref("A-3")]))


def test_what_came_beside_a_failure_is_kept_and_the_failed_one_asked_again(httpserver: HTTPServer) -> None:
    down = True
    asked = serve_records(
        httpserver, lambda identifier: Response("", 500) if down and identifier == "A-2" else found(identifier)
    )
    store = Memory()

    async def question(api: OsvApi) -> Any:
        nonlocal down
        refs = [ref("A-1"), ref("A-2"), ref("A-3")]
        with pytest.raises(SourceError):
            await api.advisories(refs)
        assert {r.id for r in store.kept} == {"A-1", "A-3"}
        down = False
        return await api.advisories(refs)

    assert set(ask(httpserver, question, store, attempts=1)) == {"A-1", "A-2", "A-3"}
    assert asked == {"A-1": 1, "A-2": 2, "A-3": 1}


def test_kept_records_are_used_until_they_change(httpserver: HTTPServer) -> None:
    asked = serve_records(httpserver, found)
    store = Memory()
    refs = [ref("A-1"), ref("A-2")]
    first = ask(httpserver, lambda api: api.advisories(refs), store)
    assert ask(httpserver, lambda api: api.advisories(refs), store) == first
    assert (asked.total(), store.writes) == (2, 1)
    ask(httpserver, lambda api: api.advisories([ref("A-1"), ref("A-2", "2025-01-01T00:00:00Z")]), store)
    assert asked == {"A-1": 1, "A-2": 2}


def test_a_batch_that_is_cancelled_does_not_take_the_others_records(httpserver: HTTPServer) -> None:
    asked = serve_records(httpserver, found)

    async def question(api: OsvApi) -> Any:
        first = asyncio.create_task(api.advisories([ref("A-1")]))
        await asyncio.sleep(0)
        second = asyncio.create_task(api.advisories([ref("A-1")]))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert set(ask(httpserver, question)) == {"A-1"}
    assert asked == {"A-1": 1}


def test_nobody_waiting_for_a_failure_is_no_noise(httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    serve_records(httpserver, lambda _: Response("", 500))

    async def question(api: OsvApi) -> Any:
        batch = asyncio.create_task(api.advisories([ref("A-1")]))
        await asyncio.sleep(0)
        batch.cancel()
        with pytest.raises(SourceUnavailable):
            await api.advisories([ref("A-1")])

    with caplog.at_level(logging.ERROR, "asyncio"):
        ask(httpserver, question, attempts=1)
    assert not caplog.records


def test_an_id_cannot_lead_to_another_address(httpserver: HTTPServer) -> None:
    with pytest.raises(SourceError):
        ask(httpserver, lambda api: api.advisories([ref("../../admin?x=")]), attempts=1)
    assert [request.environ["RAW_URI"] for request, _ in httpserver.log] == ["/osv/v1/vulns/..%2F..%2Fadmin%3Fx%3D"]
