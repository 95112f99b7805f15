"""The model as part of a lookup: chosen by settings and environment, asked inside the batch, kept, and reported."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from flows.scan.flow import ScanOutcome
from flows.scan.outcome import exit_code
from tasks.checkpoints.batches import BatchRequest, BatchResult
from tasks.engine.engine import Engine, close_engine, engine_for
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.errors import ExitCode, SettingsError
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_document
from tasks.history.scanmodel import ScanDocument
from tasks.http.policy import ServiceName
from tasks.lookup import reviewed as review_request
from tasks.opinion.choice import AskedModel, asked_model
from tasks.reports.result import RunMetrics, ScanResult, result_document, scan_document
from tasks.reports.scanreport import scan_report_lines
from tasks.review.model import Concern, PackageKey, PackageReview, ReviewStatus
from tasks.settings.load import load_settings
from tasks.settings.services import AiSettings, ModelProvider
from tests.engine.engine_services import FakeServices
from tests.opinion.opinion_samples import KEY, ModelServer, completion, shown

OPENAI = {"OPENAI_API_KEY": KEY, "OPENAI_MODEL": "gpt-x"}
AZURE = {
    "AZURE_OPENAI_KEY": KEY,
    "AZURE_OPENAI_ENDPOINT": "https://me.openai.azure.com/",
    "AZURE_OPENAI_MODEL": "my-gpt",
    "AZURE_OPENAI_API_VERSION": "2025-01-01-preview",
}
KEYS = (
    PackageKey(name="bad-one", project="bad-one", version=None, version_text="see note", problem="no version"),
    PackageKey(name="good", project="good", version="1.0", version_text="1.0"),
)


def chosen(environment: dict[str, str], **settings: Any) -> AskedModel | None:
    return asked_model(AiSettings(**settings), environment)


# ---- which model


def test_without_a_key_no_model_is_asked() -> None:
    assert chosen({}) is None
    assert chosen({"OPENAI_MODEL": "gpt-x", "AZURE_OPENAI_MODEL": "y", "AZURE_OPENAI_ENDPOINT": "https://x"}) is None
    assert chosen({**OPENAI, "OPENAI_API_KEY": "  "}) is None
    assert chosen({**OPENAI, **AZURE}, enabled=False) is None


def test_a_key_without_a_model_asks_nobody_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    assert chosen({"OPENAI_API_KEY": KEY}) is None
    assert "OPENAI_API_KEY is set, but no model is named; set ai.model or OPENAI_MODEL" in caplog.text
    assert KEY not in caplog.text


def test_the_environment_names_openai_or_azure() -> None:
    openai = chosen(OPENAI)
    assert openai is not None
    assert (openai.provider, openai.base_url, openai.model) == (
        ModelProvider.OPENAI,
        "https://api.openai.com/v1",
        "gpt-x",
    )
    azure = chosen({**OPENAI, **AZURE})
    assert azure is not None
    assert azure.identity == ("azure", "https://me.openai.azure.com", "my-gpt", "2025-01-01-preview")
    compatible = chosen({**OPENAI, "OPENAI_BASE_URL": "http://localhost:1/v1/"})
    assert compatible is not None
    assert compatible.base_url == "http://localhost:1/v1"


def test_settings_go_before_the_environment_and_a_local_server_needs_no_key() -> None:
    model = chosen({**AZURE, **OPENAI}, provider="openai", base_url="http://gateway/v1", model="mine")
    assert model is not None
    assert model.identity == ("openai", "http://gateway/v1", "mine", "")
    local = chosen({}, enabled=True, base_url="http://localhost:11434/v1", model="llama3.1:8b")
    assert local is not None
    assert local.model == "llama3.1:8b"


@pytest.mark.parametrize(
    ("environment", "settings", "named"),
    [
        ({}, {}, "OPENAI_MODEL"),
        ({"AZURE_OPENAI_KEY": KEY, "AZURE_OPENAI_MODEL": "m"}, {}, "AZURE_OPENAI_ENDPOINT"),
        ({**OPENAI, "OPENAI_MODEL": "=cmd|' /C calc'!A0"}, {}, "OPENAI_MODEL"),
        ({**OPENAI, "OPENAI_BASE_URL": "file:///etc"}, {}, "OPENAI_BASE_URL"),
    ],
)
def test_a_model_that_is_insisted_on_must_be_named_well(
    environment: dict[str, str], settings: dict[str, Any], named: str
) -> None:
    assert chosen(environment, **settings) is None
    with pytest.raises(SettingsError, match=named) as found:
        chosen(environment, enabled=True, **settings)
    assert KEY not in str(found.value)


@pytest.mark.parametrize("wrong", [{"model": "a | 🚨 SECURITY RISK"}, {"base_url": "ftp://x"}, {"max_requests": 0}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AiSettings(**wrong)


def test_the_section_is_read_like_every_other(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("ai: {enabled: on, model: m, max_tokens: 1000}\n", encoding="utf-8")
    loaded = load_settings(file, {"VETBOOK_AI__BASE_URL": "http://localhost:1/v1", "VETBOOK_AI__MAX_REQUESTS": "3"})
    assert loaded.warnings == ()
    model = lookup_settings(loaded.settings, offline=False, store=None, environment={}).ai
    assert model is not None
    assert (model.base_url, model.max_tokens, model.max_requests) == ("http://localhost:1/v1", 1000, 3)


# ---- in a lookup


@pytest.fixture
def services() -> Iterator[FakeServices]:
    running = FakeServices()
    yield running
    running.close()


@pytest.fixture
def model(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> ModelServer:
    for name, value in {**OPENAI, "OPENAI_BASE_URL": httpserver.url_for("/v1")}.items():
        monkeypatch.setenv(name, value)
    return ModelServer(httpserver)


def lookup(services: FakeServices, folder: Path, *, offline: bool = False, **ai: Any) -> LookupSettings:
    settings = load_settings(None, {}, {"sources": services.sources, "ai": ai}).settings
    return lookup_settings(settings, offline=offline, store=folder / "store" / "advisories.sqlite")


def batch(found: LookupSettings, *keys: PackageKey, index_problem: str | None = None) -> BatchResult:
    """One batch as its task runs it; index_problem: the index could not be had."""
    wanted = keys or KEYS
    engine = engine_for(found)
    try:
        refs = {} if index_problem else dict(engine.index([key.project for key in wanted]))
        request = BatchRequest(scan_id="s", number=1, keys=wanted, refs=refs, lookup=found, index_problem=index_problem)
        return review_request(request)
    finally:
        close_engine(found)


def test_the_batch_asks_the_model_and_its_stored_result_holds_no_key(
    services: FakeServices, model: ModelServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    found = lookup(services, tmp_path)
    result = batch(found)
    open_row, settled = result.reviews
    assert open_row.opinion is not None
    assert open_row.opinion.ids == ("PYSEC-bad-one",)
    assert settled.opinion is None
    assert len(model.requests) == 1
    stored = json.dumps(result.model_dump(mode="json"))
    assert BatchResult.model_validate_json(stored) == result
    kept = b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir())
    assert KEY.encode() not in kept
    assert KEY not in stored + found.model_dump_json() + repr(found) + caplog.text
    assert result.metrics.requests >= 4, "what the model cost is in the batch's figures"


def test_the_same_question_is_not_paid_for_twice(services: FakeServices, model: ModelServer, tmp_path: Path) -> None:
    first = batch(lookup(services, tmp_path))
    again = batch(lookup(services, tmp_path))
    assert again.reviews[0].opinion == first.reviews[0].opinion
    assert len(model.requests) == 1
    offline = batch(lookup(services, tmp_path, offline=True))
    assert offline.reviews[0].opinion == first.reviews[0].opinion
    other = batch(lookup(services, tmp_path, model="another"))
    assert other.reviews[0].opinion is not None
    assert other.reviews[0].opinion.model == "another"
    assert len(model.requests) == 2


def test_offline_nobody_is_asked_and_it_is_said(services: FakeServices, model: ModelServer, tmp_path: Path) -> None:
    batch(lookup(services, tmp_path, enabled=False))
    result = batch(lookup(services, tmp_path, offline=True))
    assert result.reviews[0].opinion_problem == "--offline forbids asking it"
    assert model.requests == []


def test_where_osv_is_down_the_model_is_shown_what_an_earlier_run_kept(
    services: FakeServices, model: ModelServer, tmp_path: Path
) -> None:
    row = PackageKey(name="bad-one", project="bad-one", version="1.0", version_text="1.0")
    other = PackageKey(name="bad-two", project="bad-two", version="1.0", version_text="1.0")
    earlier = batch(lookup(services, tmp_path, enabled=False), row)
    assert [v.ids for v in earlier.reviews[0].vulnerabilities] == [("PYSEC-bad-one",)]
    services.down.add("osv")
    result = batch(lookup(services, tmp_path), row, other, index_problem="osv: down")
    known, unknown = result.reviews
    assert (known.status, unknown.status) == (ReviewStatus.FAILED, ReviewStatus.FAILED)
    assert known.opinion is not None
    assert known.recommendation is not None
    assert known.recommendation.text.endswith("check first | 📋 Run again; nothing is known to be safe")
    (package,) = shown(model.requests[0]).values()
    assert package["records"][0]["ranges"] == [[["introduced", "0"], ["fixed", "1.1"]]]
    assert (unknown.opinion, unknown.opinion_problem) == (None, None), "nothing to show, nothing asked"


def test_switched_off_or_unheard_the_reviews_are_those_without_a_model(
    services: FakeServices, model: ModelServer, tmp_path: Path
) -> None:
    model.instead = lambda _: completion("I am sorry")
    off = batch(lookup(services, tmp_path / "off", enabled=False))
    unheard = batch(lookup(services, tmp_path / "on"))
    assert (off.reviews[0].opinion, off.reviews[0].opinion_problem) == (None, None)

    def timeless(review: PackageReview) -> Any:
        plain = review.model_dump(mode="json", exclude={"opinion_problem"})
        return json.loads(json.dumps(plain), object_hook=lambda d: {k: v for k, v in d.items() if k != "checked_at"})

    assert list(map(timeless, unheard.reviews)) == list(map(timeless, off.reviews))
    assert unheard.reviews[0].opinion_problem is not None


def test_the_batches_key_knows_the_model_and_not_the_key(
    services: FakeServices, model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [lookup(services, tmp_path, **ai).answers_digest for ai in ({}, {"model": "other"}, {"enabled": False})]
    assert len(set(digests)) == 3
    monkeypatch.setenv("OPENAI_API_KEY", "another-key")
    assert lookup(services, tmp_path).answers_digest == digests[0]
    assert lookup(services, tmp_path, max_seconds=7).answers_digest == digests[0], "budgets are no other question"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert lookup(services, tmp_path).answers_digest == digests[2]
    assert model.requests == []


def test_a_password_in_the_models_address_is_used_and_not_stored(
    services: FakeServices, model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", model.server.url_for("/v1").replace("http://", "http://me:pa55word@"))
    monkeypatch.delenv("OPENAI_API_KEY")
    found = lookup(services, tmp_path, enabled=True)
    assert "pa55word" not in found.model_dump_json() + repr(found)
    assert batch(found).reviews[0].opinion is not None
    assert model.requests[0].authorization is not None
    assert model.requests[0].authorization.password == "pa55word"  # noqa: S105  a test's own


def test_the_models_figures_are_told_and_old_opinions_go(
    services: FakeServices, model: ModelServer, tmp_path: Path
) -> None:
    found = lookup(services, tmp_path)
    engine = Engine(found)
    try:
        engine.review_batch(KEYS, dict(engine.index(["bad-one", "good"])), None)
        assert engine.metrics()[ServiceName.AI].requests == 1
    finally:
        engine.close()
    assert len(model.requests) == 1


# ---- reports


def test_result_and_report_show_the_opinion_as_the_models(
    services: FakeServices, model: ModelServer, tmp_path: Path
) -> None:
    reviews = batch(lookup(services, tmp_path)).reviews
    now = datetime.fromisoformat("2026-03-04T05:06:07")
    result = ScanResult("s", Path("book.xlsx"), now, now, reviews, RunMetrics())
    document = result_document(result)
    first, second = document["packages"]
    assert first["opinion"] | {"asked_at": ""} == {
        "concern": "raise",
        "confidence": 0.8,
        "ids": ["PYSEC-bad-one"],
        "reason": "old",
        "model": "gpt-x",
        "asked_at": "",
    }
    assert "opinion" not in second
    assert "opinion_problem" not in second
    parsed = parse_document(DocumentKind.SCAN, json.loads(json.dumps(document)), "the result")
    assert isinstance(parsed, ScanDocument)
    assert parsed.packages[0].opinion is not None
    assert parsed.packages[0].opinion.concern is Concern.RAISE
    lines = "\n".join(scan_report_lines(scan_document(result), None))
    assert "SECOND OPINIONS OF A LANGUAGE MODEL (not verdicts)" in lines
    assert "gpt-x (confidence 80 %): likely affected by PYSEC-bad-one, check first; its words: old" in lines
    assert len(model.requests) == 1


def test_a_model_that_is_not_heard_is_in_the_result_and_in_no_exit_code() -> None:
    review = PackageReview.model_validate(
        {"name": "a", "project": "a", "version": "1", "status": "reviewed", "opinion_problem": "HTTP 500"}
    )
    now = datetime.fromisoformat("2026-03-04T05:06:07")
    result = ScanResult("s", Path("b.xlsx"), now, now, (review,), RunMetrics())
    (package,) = result_document(result)["packages"]
    assert package["opinion_problem"] == "HTTP 500"
    assert exit_code(ScanOutcome(result), "low") is ExitCode.DONE
