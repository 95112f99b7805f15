"""The server that a run starts for itself, as far as no server is needed to tell."""

import os
from pathlib import Path

import pytest

from flows.local_server import LocalServer, server_environment
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
