"""The IOC scan on a cluster: what it finds, and what it says it cost, is as by threads."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.ioc.flow import ioc
from flows.ioc.request import IocRequest
from flows.opaque import opened
from flows.prefect_end import drained
from tasks.github.errors import AuthenticationFailed
from tasks.reports.findings import IocResult
from tasks.settings.running import ExecutionSettings
from tests.github.fake import FakeGitHub

pytestmark = pytest.mark.prefect


def _lock(number: int) -> bytes:
    packages = {"node_modules/evil": {"version": "6.6.6"}, f"node_modules/more-{number}": {"version": "1.0.0"}}
    return json.dumps({"name": "app", "lockfileVersion": 3, "packages": {"": {"name": "app"}, **packages}}).encode()


@pytest.fixture
def github(httpserver: HTTPServer) -> FakeGitHub:
    made = FakeGitHub(httpserver)
    for number in range(6):
        made.put(f"repo-{number}", {"package-lock.json": _lock(number)})
    return made


def _scan(github: FakeGitHub, execution: ExecutionSettings, folder: Path) -> IocResult:
    folder.mkdir()
    config: dict[str, Any] = {
        "execution": execution.model_dump(mode="json", exclude_none=True),
        "sources": {"github": {"base_url": github.base_url}},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(config))
    (folder / "list.json").write_text(json.dumps([{"ecosystem": "npm", "name": "evil", "versions": ["6.6.6"]}]))
    request = IocRequest(
        org="acme",
        indicators=[folder / "list.json"],
        config=folder / "settings.yaml",
        data_dir=folder / "data",
        batch_strategy="parallel",
        batch_size=2,
    )
    with drained():
        found: IocResult = opened(ioc(request))
    return found


def test_findings_and_counts_are_those_of_threads(
    dask_cluster: ExecutionSettings, github: FakeGitHub, tmp_path: Path
) -> None:
    here = _scan(github, ExecutionSettings(), tmp_path / "here")
    asked = sum(github.calls.values())
    github.calls.clear()
    there = _scan(github, dask_cluster, tmp_path / "there")
    assert len(there.findings) == 6
    assert (there.findings, there.files) == (here.findings, here.files)
    assert there.metrics.batches == here.metrics.batches == 3
    assert there.metrics.requests == {"github": sum(github.calls.values())}
    assert sum(github.calls.values()) == asked


def test_a_token_that_a_worker_may_not_use_ends_the_scan(
    dask_cluster: ExecutionSettings, github: FakeGitHub, tmp_path: Path
) -> None:
    def expire(kind: str, request: Request) -> Response | None:
        expired = github.calls["tree"] == len(github.repositories)
        return Response('{"message": "Bad credentials"}', 401) if expired and kind != "tree" else None

    github.before = expire
    with pytest.raises(AuthenticationFailed, match="does not accept the token"):
        _scan(github, dask_cluster, tmp_path / "there")
