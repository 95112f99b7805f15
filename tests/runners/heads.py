"""A Ray cluster of this machine that tests connect to, as an operator starts it."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.runners.clusters import WORKERS

PATIENCE_S = 60


@contextmanager
def ray_head() -> Iterator[str]:
    """Its address; the token that it asks for is in the environment meanwhile."""
    port = _free_port()
    words = ("--head", "--block", f"--port={port}", "--node-ip-address=127.0.0.1", "--include-dashboard=false")
    sizes = (f"--num-cpus={WORKERS}", "--object-store-memory=100000000", "--disable-usage-stats")
    before = dict(os.environ)
    os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))
    # pytest's own folders have names too long for the sockets below.
    with tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True) as folder:  # noqa: S108
        command = [str(Path(sys.executable).with_name("ray")), "start", *words, *sizes, f"--temp-dir={folder}"]
        with (Path(folder) / "head.log").open("wb") as log:
            head = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await(port, head)
            yield f"127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait(timeout=PATIENCE_S)
            os.environ.clear()
            os.environ.update(before)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _await(port: int, head: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and head.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the Ray cluster did not start")
