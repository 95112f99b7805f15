"""The server that a run starts for itself, as far as no server is needed to tell."""

import base64
import os
import socket
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_AUTH_STRING, temporary_settings
from pytest_httpserver import HTTPServer

from flows.local_server import LocalServer, past_proxies, server_environment
from tasks.errors import LocalServerError


def test_the_recorder_writes_many_events_at_once_unless_the_user_says_otherwise() -> None:
    name = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE"
    assert server_environment({})[name] == "100"
    assert server_environment({name: "7"})[name] == "7"


def test_an_api_address_never_reaches_the_child() -> None:
    assert "PREFECT_API_URL" not in server_environment({"PREFECT_API_URL": ""})


def test_a_home_that_cannot_be_used_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("PREFECT_HOME", str(blocked))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(LocalServerError, match="set PREFECT_HOME"), LocalServer():
        raise AssertionError("nothing starts")
    assert "PREFECT_API_URL" not in os.environ


def _closed_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/api", "nonsense", "http://", "ftp://127.0.0.1:{port}/api"]
)
def test_an_address_where_no_server_answers_is_one_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", address.format(port=_closed_port()))
    with LocalServer() as server, pytest.raises(LocalServerError, match="unset the variable") as told:
        server.ready()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("status", [200, 401, 404, 503])
def test_a_server_of_the_users_that_answers_is_taken(
    status: int, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/api/health").respond_with_data("", status=status)
    httpserver.expect_request("/api/admin/version").respond_with_data("", status=404)
    monkeypatch.setenv("PREFECT_API_URL", httpserver.url_for("/api"))
    with LocalServer() as server:
        server.ready()
        assert not server.is_child
    httpserver.check_assertions()
    assert len(httpserver.log) == 2


def test_a_server_that_wants_another_password_is_one_line(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/api/health").respond_with_data("true")
    known = {"Authorization": f"Basic {base64.b64encode(b'admin:pass').decode()}"}
    httpserver.expect_oneshot_request("/api/admin/version", headers=known).respond_with_data("3")
    httpserver.expect_request("/api/admin/version").respond_with_data("", status=401)
    monkeypatch.setenv("PREFECT_API_URL", httpserver.url_for("/api"))
    with LocalServer() as server:
        with temporary_settings({PREFECT_API_AUTH_STRING: "admin:pass"}):
            server.ready()
        with pytest.raises(LocalServerError, match="set PREFECT_API_AUTH_STRING") as told:
            server.ready()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "intranet.example, .corp"}, "intranet.example,.corp,127.0.0.1"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "a.example,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_a_proxy_never_stands_before_the_own_server(given: dict[str, str], made: str) -> None:
    environment = {"HTTP_PROXY": "http://proxy.example:3128", **given}
    past_proxies(environment)
    assert environment["no_proxy"] == made


def test_a_child_that_ends_while_it_starts_is_not_said_to_be_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with LocalServer() as server, pytest.raises(LocalServerError, match=r"ended while it started; see .*\.log"):
        server.ready()
