"""A cluster that the run starts for itself: it works, and leaves nothing behind."""

import os
import signal
import tempfile
from pathlib import Path

import psutil
import pytest
from pytest_httpserver import HTTPServer

from flows.runners.choice import runner_of
from tasks.errors import SettingsError
from tasks.settings.running import ExecutionSettings, RunnerKind
from tests.engine.engine_services import FakeServices
from tests.runners.clusters import look_up, plain_lookup
from tests.runners.heads import dask_head

KINDS = [RunnerKind.DASK, RunnerKind.RAY]


def _of_ray() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("RAY_AUTH", "RAY_USAGE"))}


def _left(kind: RunnerKind) -> set[str]:
    return {str(path) for path in Path(tempfile.gettempdir()).glob(f"vetbook-{kind}-*")}


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize("kind", KINDS)
def test_without_an_address_a_cluster_is_started_and_ended(kind: RunnerKind, tmp_path: Path) -> None:
    services = FakeServices()
    environment, handler, before = _of_ray(), signal.getsignal(signal.SIGTERM), _left(kind)
    children = set(psutil.Process().children(recursive=True))
    execution = ExecutionSettings(task_runner=kind, workers=1)
    found = look_up(execution, plain_lookup(services.sources, tmp_path), tmp_path / "results", [["bad-one"], ["good"]])
    services.close()
    assert [len(review["vulnerabilities"]) for review in found.reviews] == [1, 0]
    assert found.requests == {"pypi": 2, "osv": 2}
    assert (_of_ray(), signal.getsignal(signal.SIGTERM), _left(kind)) == (environment, handler, before)
    _, alive = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - children, timeout=10)
    assert not [one for one in alive if "resource_tracker" not in " ".join(one.cmdline())]


def test_a_dask_cluster_without_workers_is_one_line() -> None:
    with dask_head(0) as empty, pytest.raises(SettingsError, match="it has no workers"), runner_of(empty, 1):
        raise AssertionError("a scan would wait for ever")


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        (RunnerKind.DASK, "tcp://127.0.0.1:1"),
        (RunnerKind.RAY, "127.0.0.1:1"),
        (RunnerKind.RAY, "ray://no-such-host.invalid:10001"),
        (RunnerKind.RAY, "host:port"),
    ],
)
def test_an_address_where_nobody_answers_is_one_line(kind: RunnerKind, address: str) -> None:
    wanted = ExecutionSettings(task_runner=kind, address=address)
    with pytest.raises(SettingsError, match=f"execution.address {address}: no {kind} cluster"), runner_of(wanted, 1):
        raise AssertionError("nothing answers there")


def test_a_ray_cluster_that_turns_us_away_is_one_line(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def turn_away(_: object) -> None:
        raise RuntimeError("Version mismatch: 3.11 and 3.12\nThis process: ...")

    monkeypatch.setattr("prefect_ray.task_runners.RayTaskRunner.__enter__", turn_away)
    wanted = ExecutionSettings(task_runner=RunnerKind.RAY, address=f"127.0.0.1:{httpserver.port}")
    with pytest.raises(SettingsError, match=r"3\.11 and 3\.12\); start it"), runner_of(wanted, 1):
        raise AssertionError("it does not want us")
