"""Whole lookups with an engine: what later runs ask for, offline, resumed scans, secrets, services that are down."""

import gc
import json
import logging
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.engine.batch_metrics import BatchMetrics
from tasks.engine.engine import Engine
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.engine.terms import policies, tokens
from tasks.errors import SettingsError, SourceOffline
from tasks.http.metrics import measured
from tasks.http.policy import ServiceName
from tasks.review.model import PackageKey, PackageReview, ReviewStatus, SourceName
from tasks.review.recurring import Known
from tasks.settings.load import load_settings
from tests.engine.engine_services import FakeServices

NAMES = ("bad-one", "good", "new")


@pytest.fixture
def services() -> Iterator[FakeServices]:
    running = FakeServices()
    yield running
    running.close()


def settings(services: FakeServices, **flags: Any) -> Any:
    sources = {**services.sources, **flags.pop("sources", {})}
    return load_settings(None, {}, {"sources": sources, **flags}).settings


def lookup(services: FakeServices, folder: Path, *, offline: bool = False, **flags: Any) -> LookupSettings:
    store = folder / "store" / "advisories.sqlite"
    return lookup_settings(settings(services, **flags), offline=offline, store=store)


def key(name: str, version: str = "1.0") -> PackageKey:
    return PackageKey(name=name, project=name, version=version, version_text=version)


def run(found: LookupSettings, names: tuple[str, ...] = NAMES, *, ahead: bool = False) -> tuple[PackageReview, ...]:
    engine = Engine(found)
    try:
        refs = engine.index(names)
        engine.expect([ref for own in refs.values() for ref in own])
        if ahead:
            engine.expect_projects(names)
        return engine.review_batch([key(name) for name in names], refs, None)
    finally:
        engine.close()


def findings(reviews: tuple[PackageReview, ...]) -> list[Any]:
    return [(r.name, r.status, r.latest_version, [v.ids for v in r.vulnerabilities]) for r in reviews]


EXPECTED = [
    ("bad-one", ReviewStatus.REVIEWED, "1.2", [("PYSEC-bad-one",)]),
    ("good", ReviewStatus.REVIEWED, "1.2", []),
    ("new", ReviewStatus.REVIEWED, "1.2", []),
]


def test_the_second_run_only_asks_whether_things_changed(services: FakeServices, tmp_path: Path) -> None:
    assert findings(run(lookup(services, tmp_path))) == EXPECTED
    first = services.asked.copy()
    assert first == {"pypi": 3, "osv": 2}
    assert findings(run(lookup(services, tmp_path), ahead=True)) == EXPECTED
    assert services.asked - first == {"pypi": 3, "osv": 1}
    assert services.revalidated == 3


def test_within_the_hours_set_it_asks_for_nothing_at_all(services: FakeServices, tmp_path: Path) -> None:
    run(lookup(services, tmp_path))
    before = services.asked.copy()
    hours: dict[str, Any] = {
        "processing": {"pypi_cache_hours": 1},
        "sources": {"osv": {**services.sources["osv"], "cache_hours": 1}},
    }
    reviews = run(lookup(services, tmp_path, **hours))
    assert findings(reviews) == EXPECTED
    assert services.asked == before


def test_a_scan_that_goes_on_does_not_ask_twice(services: FakeServices, tmp_path: Path) -> None:
    began = datetime.now(UTC).replace(tzinfo=None) - timedelta(seconds=5)
    run(lookup(services, tmp_path), NAMES[:2])
    run(lookup(services, tmp_path).resuming(began), NAMES)
    assert services.asked["pypi"] == 3


def test_trying_failed_packages_again_asks_only_for_what_failed(services: FakeServices, tmp_path: Path) -> None:
    engine = Engine(lookup(services, tmp_path))
    keys = [key(name) for name in NAMES]
    services.down.add("osv")
    assert all(r.status is ReviewStatus.FAILED for r in engine.review_batch(keys, {}, "osv: down"))
    assert services.asked["pypi"] == 3
    services.down.clear()
    assert findings(engine.review_batch(keys, engine.index(NAMES), None)) == EXPECTED
    engine.close()
    assert services.asked["pypi"] == 3


def test_offline_earlier_runs_answer_with_their_date(services: FakeServices, tmp_path: Path) -> None:
    run(lookup(services, tmp_path))
    before = services.asked.copy()
    services.close()
    found = lookup(services, tmp_path, offline=True)
    reviews = run(found, (*NAMES, "unseen"), ahead=True)
    assert findings(reviews[:3]) == EXPECTED
    checked = reviews[0].sources[SourceName.OSV].checked_at
    assert checked is not None
    assert abs(datetime.now(UTC).replace(tzinfo=None) - checked) < timedelta(minutes=1)
    assert reviews[3].status is ReviewStatus.FAILED
    assert "no earlier run kept" in str(reviews[3].reason)
    assert services.asked == before


def test_offline_with_nothing_kept_nothing_could_be_checked(services: FakeServices, tmp_path: Path) -> None:
    engine = Engine(lookup(services, tmp_path, offline=True))
    with pytest.raises(SourceOffline):
        engine.index(NAMES)
    (review,) = engine.review_batch([key("good")], {}, "osv: no earlier run kept it")
    engine.close()
    assert review.status is ReviewStatus.FAILED
    assert not services.asked


def test_a_batch_reports_what_it_cost(services: FakeServices, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine(lookup(services, tmp_path, performance={"log_batch_metrics": True}))
    refs = engine.index(NAMES)
    engine.expect_projects(NAMES)
    with caplog.at_level(logging.INFO), measured() as cost:
        engine.review_batch([key(name) for name in NAMES[:2]], refs, None)
    engine.close()
    found = BatchMetrics.of(cost)
    assert (found.requests, found.retries, found.cache_hits) == (3, 0, 0)
    assert found.received_bytes > 100
    assert "Packages bad-one to good: 3 requests, 0 retries" in caplog.text
    assert json.loads(found.model_dump_json())["requests"] == 3


def test_a_service_that_is_down_for_good_gets_few_requests_and_changes_nothing_else(
    services: FakeServices, tmp_path: Path
) -> None:
    services.down.add("pypi")
    names = tuple(f"p{n}" for n in range(200))
    reviews = run(lookup(services, tmp_path), names, ahead=True)
    assert all(review.status is ReviewStatus.FAILED for review in reviews)
    assert services.asked["pypi"] <= 20
    assert services.asked["osv"] == 1


def test_where_memory_is_short_advisories_made_ready_are_given_up(services: FakeServices, tmp_path: Path) -> None:
    engine, others = Engine(lookup(services, tmp_path)), _held()
    refs = engine.index(["bad-one"])
    try:
        for _ in range(3):
            engine.review_batch([key("bad-one")], refs, None)
        assert _held() == others + 1
        engine._relieve()
        assert _held() == others
        (review,) = engine.review_batch([key("bad-one")], refs, None)
        assert len(review.vulnerabilities) == 1
    finally:
        engine.close()


def _held() -> int:
    gc.collect()
    return sum(isinstance(one, Known) for one in gc.get_objects())


def test_above_the_memory_limit_all_packages_are_looked_up(services: FakeServices, tmp_path: Path) -> None:
    names = tuple(f"p{n}" for n in range(300))
    found = lookup(services, tmp_path, performance={"max_memory_usage": "64MB"})
    reviews = run(found, names, ahead=True)
    assert [review.status for review in reviews] == [ReviewStatus.REVIEWED] * 300
    assert services.asked["pypi"] == 300


def test_tokens_come_from_the_environment_and_stay_out_of_everything_else(
    services: FakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVD_API_KEY", "nvd-s3cret")
    monkeypatch.setenv("GITHUB_TOKEN", "gh-s3cret")
    found = lookup(services, tmp_path)
    made = policies(found, {"NVD_API_KEY": "nvd-s3cret", "GITHUB_TOKEN": "gh-s3cret"})
    assert made[ServiceName.NVD].request_headers()["apiKey"] == "nvd-s3cret"
    assert made[ServiceName.NVD].requests_in_window == 50
    assert made[ServiceName.GITHUB].request_headers()["Authorization"] == "Bearer gh-s3cret"
    assert "s3cret" not in f"{found!r}{found.model_dump_json()}{made!r}"
    run(found)
    assert not any(b"s3cret" in head for head in services.headers)
    assert tokens({"GITHUB_TOKEN": "  "}) == {}
    assert policies(found, {})[ServiceName.NVD].requests_in_window == 5


def test_a_password_in_an_address_is_used_and_never_stored(
    services: FakeServices, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = services.url.replace("http://", "http://user:pa55word@") + "/pypi"
    flags: dict[str, Any] = {"sources": {"pypi": {"base_url": address}}}
    found = lookup(services, tmp_path, **flags)
    with caplog.at_level(logging.DEBUG):
        run(found)
    assert any(b"authorization: Basic" in head or b"Authorization: Basic" in head for head in services.headers)
    held = settings(services, **flags)
    for shown in (repr(found), str(found), found.model_dump_json(), repr(held), held.model_dump_json(), caplog.text):
        assert "pa55word" not in shown
    assert "pa55word" not in "".join(p.read_bytes().decode("latin-1") for p in (tmp_path / "store").iterdir())
    assert found.answers_digest == lookup(services, tmp_path).answers_digest
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301  as a task runner on another machine gets it
    restored = LookupSettings.model_validate_json(found.model_dump_json())
    assert restored.credentials == {}


def test_certificates_that_cannot_be_used_are_refused_by_name(services: FakeServices, tmp_path: Path) -> None:
    bundle = tmp_path / "company.pem"
    bundle.write_text("no certificate")
    engine = Engine(lookup(services, tmp_path, sources={"ca_bundle": str(bundle)}))
    with pytest.raises(SettingsError, match=r"sources\.ca_bundle .*company\.pem cannot be used"):
        engine.index(NAMES)
    engine.close()


def test_limits_of_a_service_reach_its_policy(services: FakeServices, tmp_path: Path) -> None:
    section = {"deadline_s": 7, "max_in_flight": 3, "max_wait_s": 4}
    found = policies(lookup(services, tmp_path, sources={"nvd": section}), {})[ServiceName.NVD]
    assert (found.deadline_s, found.max_in_flight, found.max_wait_s) == (7, 3, 4)
