"""Prefect's API for an ad-hoc run: the user's own server if there is one, else a child of ours.

Importing Prefect's server costs seconds of processor time; in a child that time passes while this
process reads the workbook and imports the client. The child's database is the user's own
(PREFECT_HOME), so a later `prefect server start` shows every run.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from filelock import FileLock, Timeout

from flows.users_server import check_server
from tasks.errors import LocalServerError

START_UP_SECONDS = 180
"""A fresh PREFECT_HOME takes 30 s here for its migrations; slow disks take longer."""

_SERVER_SETTINGS = {
    # One event a transaction (the default) keeps the server deaf for 15 s after 200 task runs.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    # Nothing is scheduled on a server that lives as long as one run.
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: the user's own settings win over ours."""
    # An empty PREFECT_API_URL counts as a set one in Prefect and floods the log.
    return {k: v for k, v in {**_SERVER_SETTINGS, **environment}.items() if k != "PREFECT_API_URL"}


def past_proxies(environment: MutableMapping[str, str]) -> None:
    """Let no proxy come between a run and its own server: it cannot reach this machine's loopback."""
    known = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host.strip() for host in known.split(",") if host.strip()]
    if not {"*", "127.0.0.1"} & set(hosts):
        # Python reads the one name first, other libraries the other.
        environment["no_proxy"] = environment["NO_PROXY"] = ",".join((*hosts, "127.0.0.1"))


def _prefect_home() -> Path:
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect").expanduser()


class LocalServer:
    """A context in which PREFECT_API_URL names a server; import Prefect only inside it.

    `with LocalServer() as server:` starts the child and returns at once; `server.ready()` waits until it
    answers. Leaving the context ends the child. Raises LocalServerError when it does not come up.
    """

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._url = os.environ.get("PREFECT_API_URL", "")
        self._lock: FileLock | None = None

    @property
    def is_child(self) -> bool:
        """Whether this run started the server itself."""
        return self._child is not None

    def __enter__(self) -> Self:
        if not self._url:
            os.environ.pop("PREFECT_API_URL", None)
            past_proxies(os.environ)
            self._start()
        return self

    def _start(self) -> None:
        home = _prefect_home()
        try:
            home.mkdir(parents=True, exist_ok=True)
            # Two first runs at once would race the database migrations.
            self._lock = FileLock(home / "vetbook-server.lock")
            self._lock.acquire(timeout=START_UP_SECONDS)
        except (OSError, Timeout) as error:
            raise LocalServerError(
                f"Prefect's folder {home} cannot be used ({error}); set PREFECT_HOME to a folder you can write to"
            ) from error
        self._log = (home / "vetbook-server.log").open("wb")
        command = [sys.executable, "-m", "flows.server_child"]
        root = str(Path(__file__).resolve().parent.parent)
        environment = server_environment(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH")]))
        # Its own process group: Ctrl-C on the terminal is for the run, which ends the child when it is done.
        own_group = {"creationflags": 0x200} if sys.platform == "win32" else {"process_group": 0}
        self._child = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            **own_group,
        )
        assert self._child.stdout is not None  # noqa: S101  it was opened as a pipe above
        # The child says its port before its long imports, so that ours can begin with the right settings.
        self._url = f"http://127.0.0.1:{self._child.stdout.readline().strip().decode()}/api"
        os.environ["PREFECT_API_URL"] = self._url

    def ready(self) -> None:
        """Wait until the server answers; LocalServerError when it does not within START_UP_SECONDS.

        A server of the user's is asked whether it is there, and whether it lets this run in.
        """
        if self._child is None:
            check_server(self._url)
            return
        try:
            self._await_health(time.monotonic() + START_UP_SECONDS)
        finally:
            self._unlock()

    def _await_health(self, until: float) -> None:
        while time.monotonic() < until:
            if self._child is None or self._child.poll() is not None:
                self._not_up("ended while it started")
            try:
                with urllib.request.urlopen(f"{self._url}/health", timeout=10):  # noqa: S310  loopback, our own child
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self._not_up(f"did not start within {START_UP_SECONDS} s")

    @staticmethod
    def _not_up(what: str) -> NoReturn:
        raise LocalServerError(
            f"Prefect's server {what}; "
            f"see {_prefect_home() / 'vetbook-server.log'}, "
            "or start one yourself (prefect server start) and set PREFECT_API_URL"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlock()
        if self._child is None:
            return
        os.environ.pop("PREFECT_API_URL", None)
        self._end(self._child)
        self._log.close()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()

    @staticmethod
    def _end(child: "subprocess.Popen[bytes]") -> None:
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
