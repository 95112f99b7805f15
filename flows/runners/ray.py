"""A Ray cluster: one that is there, or one of this machine started for the run. The extra `vetbook[ray]`."""

import contextlib
import functools
import logging
import os
import secrets
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flows.runners.interface import ClusterRunner
from flows.runners.reach import check_reachable
from tasks.settings.running import ExecutionSettings

__all__ = ["open_ray", "own_token"]

QUEUED = 2
"""Batches for each process: one that it works at, and one that waits, so that it never does."""

_STORE_BYTES = 100_000_000
"""Ray would set aside a third of the memory for what tasks hand over; ours hand over kilobytes."""

_QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}


@contextlib.contextmanager
def open_ray(settings: ExecutionSettings, batches: int) -> Iterator[ClusterRunner]:  # noqa: ARG001  as `OpenCluster`
    """Runs one batch at a time in each of Ray's processes, one for each CPU; see `OpenCluster` for what is raised."""
    with contextlib.ExitStack() as stack:
        where = _started(stack, settings) if settings.address is None else {"address": settings.address}
        # Only now: it reads its variables when it is imported.
        import ray  # noqa: PLC0415  an extra, installed only where it is used
        from prefect_ray.task_runners import RayTaskRunner  # noqa: PLC0415  as above

        if settings.address is not None:
            check_reachable(settings.address)
        try:
            with _signals_kept():
                runner = stack.enter_context(RayTaskRunner(init_kwargs={**_QUIET, **where}))
        except (RuntimeError, ray.exceptions.RayError) as error:
            # A token that is not the cluster's, other versions of Python or Ray: several lines, of which one says it.
            raise ConnectionError(str(error).strip().partition("\n")[0]) from error
        cpus = int(ray.cluster_resources().get("CPU", 0))
        if not cpus:
            raise ConnectionError("it has no CPU to run tasks on")
        yield ClusterRunner(runner, QUEUED * cpus, cpus)


def _started(stack: contextlib.ExitStack, settings: ExecutionSettings) -> dict[str, Any]:
    """What starts a cluster for this run alone, with a token of its own; its logs go with it."""
    # Sockets below this folder may have names of some 100 bytes at most: the system's own one is long on macOS.
    short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108
    folder = tempfile.TemporaryDirectory(prefix="vetbook-ray-", dir=short, ignore_cleanup_errors=True)
    token = {name: os.environ.get(name, value) for name, value in own_token().items()}
    stack.enter_context(_environment({**token, "RAY_USAGE_STATS_ENABLED": "0"}))
    return {
        "address": "local",
        "num_cpus": settings.workers,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
        "_temp_dir": stack.enter_context(folder),
    }


@functools.cache
def own_token() -> Mapping[str, str]:
    """Variables that keep others out, for Ray listens on all addresses; always the same: it reads them only once."""
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables for the processes started inside, gone afterwards."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Starting Ray replaces what SIGTERM does, and with it the exit code of an interrupted run."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
