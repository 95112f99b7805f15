"""One Dask and one Ray cluster for the session, each of two worker processes that tests may kill."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytest_httpserver import HTTPServer

from tasks.settings.model import ExecutionSettings, RunnerKind
from tests.end_to_end.harness import Services
from tests.runners.clusters import WORKERS
from tests.runners.ray_head import ray_head


@contextmanager
def _dask() -> Iterator[str]:
    from distributed import LocalCluster  # noqa: PLC0415  seconds

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=WORKERS, threads_per_worker=WORKERS, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="session")
def dask_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    with _dask() as address:
        yield ExecutionSettings(task_runner=RunnerKind.DASK, address=address)


@pytest.fixture(scope="session")
def ray_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    with ray_head() as address:
        yield ExecutionSettings(task_runner=RunnerKind.RAY, address=address)


@pytest.fixture(params=[RunnerKind.DASK, RunnerKind.RAY])
def cluster(request: pytest.FixtureRequest) -> ExecutionSettings:
    found: ExecutionSettings = request.getfixturevalue(f"{request.param}_cluster")
    return found


@pytest.fixture
def services() -> Iterator[Services]:
    with HTTPServer(threaded=True) as server:
        made = Services(server)
        made.begin()
        yield made
        made.hold = lambda _: None
        made.gate = lambda _: None
