"""Clusters that tests share, each of two worker processes that they may kill."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from flows.runners.choice import runner_of
from tasks.settings.running import ExecutionSettings, RunnerKind
from tests.end_to_end.harness import Services
from tests.redis_server import redis_server
from tests.runners.heads import dask_head, ray_head

WORKERS = 2


@pytest.fixture(scope="session")
def dask_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    with dask_head(WORKERS) as settings:
        yield settings


@pytest.fixture(scope="module")
def ray_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    """Ray starts its processes anew for each connection, seconds: one is kept open, and those of the runs join it."""
    with ray_head(WORKERS) as settings, runner_of(settings, 1):
        yield settings


@pytest.fixture(params=[RunnerKind.DASK, RunnerKind.RAY])
def cluster(request: pytest.FixtureRequest) -> ExecutionSettings:
    found: ExecutionSettings = request.getfixturevalue(f"{request.param}_cluster")
    return found


@pytest.fixture(scope="session")
def redis_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as address:
        yield address


@pytest.fixture
def services() -> Iterator[Services]:
    with HTTPServer(threaded=True) as server:
        made = Services(server)
        made.begin()
        yield made
        made.hold = lambda _: None
        made.gate = lambda _: None
