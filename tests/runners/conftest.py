"""One Dask and one Ray cluster for the session, each of two worker processes that tests may kill."""

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from tasks.settings.running import ExecutionSettings, RunnerKind
from tests.end_to_end.harness import Services
from tests.redis_server import redis_server
from tests.runners.heads import dask_head, ray_head

WORKERS = 2


@pytest.fixture(scope="session")
def dask_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    with dask_head(WORKERS) as settings:
        yield settings


@pytest.fixture(scope="session")
def ray_cluster(prefect_server: str) -> Iterator[ExecutionSettings]:
    with ray_head(WORKERS) as settings:
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
