"""A Dask cluster: one that is there, or worker processes started for the run. The extra `vetbook[dask]`."""

import contextlib
from collections.abc import Iterator
from typing import Any

from flows.runners.interface import ClusterRunner
from flows.runners.reach import check_reachable
from tasks.settings.running import ExecutionSettings

__all__ = ["open_dask"]


@contextlib.contextmanager
def open_dask(settings: ExecutionSettings, batches: int) -> Iterator[ClusterRunner]:
    """Runs as many batches at once as `batches` for each worker; see `OpenCluster` for what is raised."""
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415  an extra, installed only where it is used

    if settings.address is not None:
        check_reachable(settings.address)
    with DaskTaskRunner(**_where(settings, batches)) as runner:
        workers = len(runner.client.nthreads())
        if not workers:
            raise ConnectionError("it has no workers")
        yield ClusterRunner(runner, batches * workers, workers)


def _where(settings: ExecutionSettings, batches: int) -> dict[str, Any]:
    if settings.address is not None:
        return {"address": settings.address}
    # Batches wait for the network: a thread each, however few processors there are.
    sizes = {"n_workers": settings.workers, "threads_per_worker": batches}
    places = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    # Whoever reaches a scheduler runs what they like: certificates of the run's own keep other users out.
    return {"cluster_kwargs": {**sizes, **places, "protocol": "tls", "security": True}}
