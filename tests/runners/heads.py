"""Clusters of this machine that tests connect to, as an operator starts them."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.runners.ray import own_token
from tasks.settings.running import ExecutionSettings, RunnerKind

THREADS = 2
"""Batches at once in each Dask worker."""

_PATIENCE_S = 60


@contextmanager
def dask_head(workers: int) -> Iterator[ExecutionSettings]:
    """A scheduler in this process and so many workers in processes of their own."""
    from distributed import LocalCluster  # noqa: PLC0415  seconds

    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=THREADS, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield ExecutionSettings(task_runner=RunnerKind.DASK, address=cluster.scheduler_address)


@contextmanager
def ray_head(workers: int) -> Iterator[ExecutionSettings]:
    """Ray with so many CPUs; the token that it asks for is in the environment meanwhile."""
    port = _free_port()
    words = ("--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false")
    sizes = (f"--num-cpus={workers}", "--object-store-memory=100000000", "--disable-usage-stats")
    before = dict(os.environ)
    os.environ.update(own_token())
    # pytest's own folders have names too long for the sockets below.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        command = [str(Path(sys.executable).with_name("ray")), "start", *words, *sizes, f"--temp-dir={folder}"]
        with (Path(folder) / "head.log").open("wb") as log:
            head = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await(port, head)
            yield ExecutionSettings(task_runner=RunnerKind.RAY, address=f"127.0.0.1:{port}")
        finally:
            head.terminate()
            head.wait(timeout=_PATIENCE_S)
            os.environ.clear()
            os.environ.update(before)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _await(port: int, head: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and head.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the Ray cluster did not start")
