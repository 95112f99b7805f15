"""Commands in processes of their own: started anew, or forked from one that has done the slow imports already.

Importing Prefect and the product takes a command 2 s, its work 1 s. A forked process does all but the imports, and
calls nothing that was registered with atexit; tests of how a command starts and of its own server start it anew, and
where there is no fork all do.
"""

import functools
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, ForkServerProcess

_SLOW = ("flows.scan.flow", "flows.ioc.flow", "flows.sync.flow", "flows.day_logs", "flows.prefect_end")


class Running(Protocol):
    """The part of subprocess.Popen that tests use."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | Any:
        """Its exit code, or minus the number of the signal that ended it; None before `communicate` has returned."""

    def poll(self) -> int | None:
        """The return code, or None while it runs."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""

    def kill(self) -> None:
        """End it by SIGKILL."""

    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it wrote to standard output and standard error. subprocess.TimeoutExpired."""


def start_anew(
    module: str, words: Sequence[str | Path], folder: Path, environment: Mapping[str, str]
) -> "subprocess.Popen[str]":
    """`python -m module words` in this folder."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_forked(
    module: str, words: Sequence[str | Path], folder: Path, environment: Mapping[str, str], output: Path
) -> Running:
    """The same without its imports; output is a folder for what it writes to standard output and standard error."""
    if not hasattr(os, "fork"):
        return start_anew(module, words, folder, environment)
    output.mkdir(parents=True, exist_ok=True)
    start = Start(module, tuple(map(str, words)), folder, dict(environment), output)
    process = _forks().Process(target=start.run)
    process.start()
    return Forked(process, output)


@functools.cache
def _forks() -> "ForkServerContext":
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_SLOW))
    return context


@dataclass(frozen=True)
class Start:
    """What a process is to run; `run` is called in it, and nothing of the tests is there."""

    module: str
    words: tuple[str, ...]
    folder: Path
    environment: dict[str, str]
    output: Path

    def run(self) -> None:
        """Become the command and end with its exit code."""
        for place, path in enumerate((Path(os.devnull), self.output / "out", self.output / "err")):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC), place)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.chdir(self.folder)
        os.environ.clear()
        os.environ.update(self.environment)
        sys.argv = [self.module, *self.words]
        _read_settings_late()
        raise SystemExit(importlib.import_module(f"{self.module}.__main__").main(list(self.words)))


def _read_settings_late() -> None:
    """Let Prefect read its settings when a command is done with its own imports, which is when Prefect reads them."""
    from prefect.context import refresh_global_settings_context  # noqa: PLC0415  imported before the fork
    from prefect.logging.configuration import setup_logging  # noqa: PLC0415

    from flows.local_server import LocalServer  # noqa: PLC0415

    ready = LocalServer.ready

    def read_and_ready(self: LocalServer) -> None:
        refresh_global_settings_context()
        setup_logging(incremental=False)
        ready(self)

    LocalServer.ready = read_and_ready  # type: ignore[method-assign]


class Forked:
    """A process that writes into files."""

    def __init__(self, process: "ForkServerProcess", output: Path) -> None:
        self._process, self._output = process, output
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | Any:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, sig: int, /) -> None:
        os.kill(self.pid, sig)

    def kill(self) -> None:
        self._process.kill()

    def communicate(self, *, timeout: float | None = None) -> tuple[str, str]:
        self._process.join(timeout)
        if self._process.is_alive():
            raise subprocess.TimeoutExpired("", timeout or 0)
        out, err = ((self._output / name).read_text("utf-8", errors="replace") for name in ("out", "err"))
        return out, err
