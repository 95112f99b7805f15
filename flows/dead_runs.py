"""Runs whose process was killed: Prefect goes on showing them as running until the next run says that they crashed.

Each ad-hoc run leaves a note in Prefect's folder and holds a lock on it; the system frees that lock when the process
dies, however it dies. A note of this machine whose lock is free and whose process is gone is that of a dead run.
Runs of deployments are their worker's business.
"""

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Crashed

from flows.story.publish import current_run, forgiving, is_deployed
from tasks.errors import MergeError
from tasks.files.locks import WorkbookLock

_log = logging.getLogger(__name__)
_FOLDER = "vetbook-runs"
_MOST = 50
_KEPT_S = 30 * 86_400
"""A run that this server does not know may be another server's: its note stays for so many seconds."""

_LARGEST_BYTES = 4096
_SAME_START_S = 2.0


@dataclass(frozen=True, slots=True)
class RunNote:
    """Which process runs a flow run: its number, its start (seconds since 1970) and its machine."""

    run_id: UUID
    pid: int
    started: float
    host: str


def notes_folder() -> Path:
    """Where notes lie: in the folder of Prefect's own database, which an ad-hoc run's server uses."""
    return Path(get_current_settings().home) / _FOLDER


@contextlib.contextmanager
def noted_run() -> Iterator[None]:
    """Inside a flow run: mark earlier dead runs as crashed, then note this one until it ends.

    Nothing here fails the run.
    """
    run_id, folder = current_run(), notes_folder()
    if run_id is None:
        yield
        return
    mark_dead_runs(folder)
    with contextlib.ExitStack() as stack:
        if not is_deployed():
            _note(stack, folder, run_id)
        yield


def _note(stack: contextlib.ExitStack, folder: Path, run_id: UUID) -> None:
    path = folder / f"{run_id}.json"
    note = RunNote(run_id, os.getpid(), psutil.Process().create_time(), socket.gethostname())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_lock_of(path).acquire())
        path.write_text(json.dumps({**asdict(note), "run_id": str(run_id)}), encoding="utf-8")
    except (OSError, MergeError) as error:
        _log.info("Should this process be killed, Prefect will show its run as running (%s)", error)
        return
    stack.callback(_forget, path)


def _lock_of(path: Path) -> WorkbookLock:
    return WorkbookLock(path, scan_id=path.stem)


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def mark_dead_runs(folder: Path) -> None:
    """Set every dead run of this machine to Crashed, where the server still believes that it runs."""
    dead = [(path, note) for path in _paths(folder) if (note := read_note(path)) is not None and is_dead(path, note)]
    if not dead:
        return
    with forgiving("Killed runs"), get_client(sync_client=True) as client:
        for path, note in dead:
            _mark(client, path, note)


def _paths(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.json"))[:_MOST]
    except OSError:
        return []


def read_note(path: Path) -> RunNote | None:
    """The note in a file; None when it is torn or none of ours."""
    try:
        with path.open("rb") as file:
            plain = json.loads(file.read(_LARGEST_BYTES))
        return RunNote(UUID(plain["run_id"]), int(plain["pid"]), float(plain["started"]), str(plain["host"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def is_dead(path: Path, note: RunNote) -> bool:
    """Whether the noted process is certainly gone: on this machine, not among the processes, its lock free."""
    if note.host != socket.gethostname() or _runs(note):
        return False
    try:
        with _lock_of(path).acquire():
            return True
    except (MergeError, OSError):
        return False


def _runs(note: RunNote) -> bool:
    try:
        return abs(psutil.Process(note.pid).create_time() - note.started) < _SAME_START_S
    except psutil.NoSuchProcess:
        return False
    except (psutil.Error, OverflowError, ValueError):
        return True


def _mark(client: SyncPrefectClient, path: Path, note: RunNote) -> None:
    try:
        state = client.read_flow_run(note.run_id).state
    except ObjectNotFound:
        if time.time() - path.stat().st_mtime > _KEPT_S:
            _forget(path)
        return
    if state is None or not state.is_final():
        message = f"Its process ({note.pid} on {note.host}) was killed; finished batches are kept."
        client.set_flow_run_state(note.run_id, Crashed(message=message), force=True)
        _log.info("An earlier run (%s) was killed: Prefect shows it as crashed now", note.run_id)
    _forget(path)
