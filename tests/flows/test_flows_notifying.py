"""Notifications over real sockets: findings once, failures with their run, and nothing that fails a run or leaks."""

import logging
from pathlib import Path
from typing import Any

import pytest
from prefect import flow
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import BaseModel, SecretStr, ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from blocks.notifications import Notifications
from flows.notifying import notify_findings, notify_problem, tell_failure
from flows.prefect_end import drained
from tasks.notifying.news import News
from tasks.settings.keeping import NotificationSettings

SECRET = "s3cret-token"  # noqa: S105  a made-up one
NEWS = (News(frozenset({"demo GHSA-1"}), "demo 1.0: CRITICAL GHSA-1"),)


class TestStandard(BlockStandardTestSuite):
    """What Prefect asks of every block."""

    @pytest.fixture
    def block(self) -> type[Notifications]:
        return Notifications


@pytest.fixture
def taken(httpserver: HTTPServer) -> list[dict[str, Any]]:
    """What a service of our own has been told."""
    found: list[dict[str, Any]] = []

    def take(request: Request) -> Response:
        found.append(request.get_json())
        return Response("ok")

    httpserver.expect_request(f"/{SECRET}", method="POST").respond_with_handler(take)
    return found


@pytest.fixture
def settings(prefect_server: str, httpserver: HTTPServer) -> NotificationSettings:
    """Settings that name a saved block whose address is the service's."""
    address = f"json://{httpserver.host}:{httpserver.port}/{SECRET}"
    Notifications(urls=SecretStr(address)).save("on-call", overwrite=True)
    return NotificationSettings(block="on-call")


def test_the_address_is_secret_and_must_be_one() -> None:
    block = Notifications(urls=SecretStr(f"json://localhost/{SECRET}"))
    assert SECRET not in repr(block) + str(block.model_dump()) + block.model_dump_json()
    for bad in ("", f"json://localhost {SECRET}", "nothing"):
        with pytest.raises(ValidationError) as refused:
            Notifications(urls=SecretStr(bad))
        assert SECRET not in str(refused.value)


@pytest.mark.prefect
def test_findings_are_told_once(settings: NotificationSettings, taken: list[dict[str, Any]], tmp_path: Path) -> None:
    for _ in range(2):
        notify_findings(settings, tmp_path, "a.xlsx", NEWS)
    assert [(one["title"], one["message"]) for one in taken] == [
        ("1 new critical finding: a.xlsx", "demo 1.0: CRITICAL GHSA-1")
    ]


@pytest.mark.prefect
def test_what_was_not_taken_is_told_by_the_next_run(
    settings: NotificationSettings, httpserver: HTTPServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    httpserver.expect_ordered_request(f"/{SECRET}").respond_with_data("down", 503)
    httpserver.expect_ordered_request(f"/{SECRET}").respond_with_data("ok")
    with caplog.at_level(logging.DEBUG):
        notify_findings(settings, tmp_path, "a.xlsx", NEWS)
    assert "did not take" in caplog.text
    assert SECRET not in "".join(r.getMessage() for r in caplog.records if r.name.startswith(("flows", "apprise")))
    notify_findings(settings, tmp_path, "a.xlsx", NEWS)
    assert len(httpserver.log) == 2
    httpserver.check_assertions()


@pytest.mark.prefect
def test_a_block_that_is_not_there_is_a_warning(
    prefect_server: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notify_findings(NotificationSettings(block="missing"), tmp_path, "a.xlsx", NEWS)
    assert "No notification was sent" in caplog.text


def test_without_a_block_nobody_is_asked(tmp_path: Path) -> None:
    notify_findings(NotificationSettings(), tmp_path, "a.xlsx", NEWS)
    notify_problem(NotificationSettings(), "t", "p")
    assert list(tmp_path.iterdir()) == []


class Asked(BaseModel):
    config: Path


@pytest.mark.prefect
def test_a_failed_run_is_told_with_its_name_and_reason(
    settings: NotificationSettings, taken: list[dict[str, Any]], tmp_path: Path
) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("notifications: {block: on-call}\n")

    @flow(name="scan", flow_run_name="a.xlsx", on_failure=[tell_failure])
    def failing(request: Asked) -> None:
        raise ValueError("no such sheet at https://user:pass@host")

    with pytest.raises(ValueError, match="no such sheet"), drained():
        failing(Asked(config=config))
    (told,) = taken
    assert told["title"] == "scan a.xlsx: Failed"
    assert "no such sheet" in told["message"]
    assert "pass@" not in told["message"]
