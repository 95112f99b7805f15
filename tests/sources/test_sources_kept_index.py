"""The kept advisory index, offline advisories, and how many records stay in memory."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceOffline
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.review.reviewer import utc_now
from tasks.sources import osv
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer
from tasks.sources.interface import AdvisoryRef
from tasks.sources.kept import FreshFor
from tasks.sources.kept_index import KeptAdvisories, KeptIndex
from tasks.sources.osv import OsvApi
from tasks.sources.record_store import RecordStore

NOW = 1_800_000_000.0
HERE = "https://osv.example"
REF = AdvisoryRef(id="PYSEC-1", modified="2024-01-01T00:00:00Z")


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as opened:
        yield opened


@pytest.fixture
def records(tmp_path: Path) -> Iterator[RecordStore]:
    with RecordStore(tmp_path / "advisories.sqlite") as opened:
        yield opened


def index(answers: AnswerStore, terms: FreshFor | None = None, now: float = NOW, address: str = HERE) -> KeptIndex:
    return KeptIndex(answers, terms or FreshFor(), address, lambda: now)


def advisory(identifier: str) -> Advisory:
    package = {"package": {"ecosystem": "PyPI", "name": "a"}, "versions": ["1.0"]}
    return parse_advisory({"id": identifier, "modified": REF.modified, "affected": [package]})


def test_entries_come_back_with_their_time_empty_ones_too(answers: AnswerStore) -> None:
    index(answers).keep({"a": (REF,), "b": ()})
    assert index(answers).usable(["a", "b", "c"]) == {"a": (REF,), "b": ()}
    asked_at = index(answers).asked_at("b")
    assert asked_at is not None
    assert asked_at.isoformat() == "2027-01-15T08:00:00"
    assert index(answers).asked_at("c") is None


def test_only_young_entries_of_the_same_address_are_used_unasked(answers: AnswerStore) -> None:
    index(answers).keep({"a": (REF,)})
    terms = FreshFor(cache_hours=1, kept_days=30)
    assert index(answers).fresh(["a"]) == {}
    assert index(answers, terms, NOW + 60).fresh(["a"]) == {"a": (REF,)}
    assert index(answers, terms, NOW + 60, "https://mirror.example").fresh(["a"]) == {}
    assert index(answers, terms, NOW + 3601).fresh(["a"]) == {}
    assert index(answers, terms, NOW + 29 * DAY_S, "https://mirror.example").usable(["a"]) == {"a": (REF,)}
    assert index(answers, terms, NOW + 31 * DAY_S).usable(["a"]) == {}


@pytest.mark.parametrize("value", [None, "x", [["only-id"]], [[1, 2]], {"a": 1}, [None]])
def test_a_damaged_entry_is_not_kept_rather_than_empty(answers: AnswerStore, value: object) -> None:
    answers.put_many(ServiceName.OSV, {"index/a": KeptAnswer(value, HERE, NOW)})
    assert index(answers, FreshFor(cache_hours=1), NOW + 1).fresh(["a"]) == {}
    assert index(answers).usable(["a"]) == {}


def test_offline_advisories_are_those_kept_and_nothing_else(answers: AnswerStore, records: RecordStore) -> None:
    index(answers).keep({"a": (REF,), "b": ()})
    records.put_many({REF: advisory("PYSEC-1")})
    kept = KeptAdvisories(index(answers), records)
    assert asyncio.run(kept.index(["a", "b", "c"])) == {"a": (REF,), "b": ()}
    assert set(asyncio.run(kept.advisories([REF]))) == {"PYSEC-1"}
    with pytest.raises(SourceOffline, match="no earlier run kept the advisories of c"):
        asyncio.run(kept.index(["c"]))
    newer = AdvisoryRef(id="PYSEC-1", modified="2025-01-01T00:00:00Z")
    other = AdvisoryRef(id="PYSEC-2", modified="2025-01-01T00:00:00Z")
    with pytest.raises(SourceOffline, match="no earlier run kept PYSEC-1 and 1 more"):
        asyncio.run(kept.advisories([newer, other]))


def test_an_online_run_within_the_hours_asks_for_the_rest_only(
    httpserver: HTTPServer, answers: AnswerStore, records: RecordStore
) -> None:
    asked: list[list[str]] = []

    def query(request: Request) -> Response:
        names = [q["package"]["name"] for q in request.get_json()["queries"]]
        asked.append(names)
        results = ",".join('{"vulns": [{"id": "PYSEC-1", "modified": "2024-01-01T00:00:00Z"}]}' for _ in names)
        return Response('{"results": [' + results + "]}", content_type="application/json")

    httpserver.expect_request("/osv/v1/querybatch").respond_with_handler(query)

    async def run(names: list[str]) -> tuple[object, int, object]:
        async with HttpClient({ServiceName.OSV: ServicePolicy(httpserver.url_for("/osv"))}) as client:
            terms = FreshFor(cache_hours=1)
            source = OsvApi(client, records, KeptIndex(answers, terms, client.address(ServiceName.OSV)))
            found = await source.index(names)
            return found, client.snapshot()[ServiceName.OSV].cache_hits, source.asked_at(names[0])

    assert asyncio.run(run(["a"])) == ({"a": (REF,)}, 0, None)
    found, hits, asked_at = asyncio.run(run(["a", "b"]))
    assert (found, hits) == ({"a": (REF,), "b": (REF,)}, 1)
    assert asked_at is not None
    assert asked_at <= utc_now()  # type: ignore[operator]  # a time, as the line above says
    assert asked == [["a"], ["b"]]


def test_memory_holds_few_records_where_a_store_holds_all(
    httpserver: HTTPServer, records: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osv, "KNOWN_MOST", 3)
    refs = [AdvisoryRef(id=f"PYSEC-{n}", modified=REF.modified) for n in range(10)]
    records.put_many({ref: advisory(ref.id) for ref in refs})

    async def run() -> None:
        async with HttpClient({ServiceName.OSV: ServicePolicy(httpserver.url_for("/osv"))}) as client:
            source = OsvApi(client, records)
            for some in (refs, refs[:5], refs[4:], refs[::-1]):
                assert list(await source.advisories(some)) == [ref.id for ref in some]
                assert len(source._known) == 3
            source.forget()
            assert len(source._known) == 0
            assert len(await source.advisories(refs)) == 10

    asyncio.run(run())
