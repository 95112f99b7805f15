"""A killed run is marked as crashed by the next one; a live one never is."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
import pytest
from prefect import flow
from prefect.settings import PREFECT_HOME, temporary_settings

from flows.dead_runs import is_dead, noted_run, notes_folder, read_note
from flows.prefect_end import drained
from flows.story.publish import current_run

NEVER_A_PROCESS = 2**22 + 7
"""Above Linux's largest process number."""

KILLED = """
import os, sys
from prefect import flow
from flows.dead_runs import noted_run
@flow
def killed():
    with noted_run():
        print("ready", flush=True)
        sys.stdin.read()
killed()
"""


def write_note(folder: Path, **fields: object) -> Path:
    plain = {"run_id": str(uuid4()), "pid": NEVER_A_PROCESS, "started": 1.0, "host": socket.gethostname(), **fields}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{plain['run_id']}.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    return path


def noted(folder: Path) -> dict[UUID, int]:
    """The process number of every noted run."""
    notes = (read_note(path) for path in folder.glob("*.json"))
    return {note.run_id: note.pid for note in notes if note is not None}


def dead(path: Path) -> bool:
    note = read_note(path)
    assert note is not None
    return is_dead(path, note)


def test_only_a_process_of_this_machine_that_is_gone_is_dead(tmp_path: Path) -> None:
    assert dead(write_note(tmp_path))
    assert not dead(write_note(tmp_path, host="another"))
    assert not dead(write_note(tmp_path, pid=os.getpid(), started=psutil.Process().create_time()))


def test_a_number_that_another_process_has_now_is_that_of_a_dead_one(tmp_path: Path) -> None:
    assert dead(write_note(tmp_path, pid=os.getpid(), started=1.0))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run_id": 1}', '{"run_id": "x", "pid": 1}', "[" * 5000])
def test_a_torn_note_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert read_note(path) is None


def test_a_note_reads_as_it_was(tmp_path: Path) -> None:
    note = read_note(write_note(tmp_path, pid=5, started=2.5, host="h"))
    assert note is not None
    assert {k: v for k, v in asdict(note).items() if k != "run_id"} == {"pid": 5, "started": 2.5, "host": "h"}


def test_outside_of_a_run_nothing_is_noted() -> None:
    with noted_run():
        assert current_run() is None


@pytest.mark.prefect
def test_the_next_run_marks_a_killed_one_and_leaves_a_live_one(
    prefect_server: str, tmp_path: Path, project_root: Path
) -> None:
    environment = {**os.environ, "PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(tmp_path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", KILLED],
            cwd=project_root,
            env={**environment, "PYTHONPATH": str(project_root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            assert any(b"ready" in line for line in process.stdout)
        folder = tmp_path / "vetbook-runs"
        runs = {pid: run_id for run_id, pid in noted(folder).items()}
        processes[0].send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        processes[0].wait(10)

        @flow
        def following() -> set[UUID]:
            with noted_run():
                return set(noted(notes_folder()))

        with temporary_settings({PREFECT_HOME: tmp_path}), drained():
            held = following()
        killed, live = runs[processes[0].pid], runs[processes[1].pid]
        states = {run: httpx.get(f"{prefect_server}/flow_runs/{run}").json()["state"] for run in (killed, live)}
        assert (states[killed]["type"], states[live]["type"]) == ("CRASHED", "RUNNING")
        assert "was killed" in states[killed]["message"]
        assert killed not in held
        assert live in held
        assert len(held) == 2
        assert set(noted(folder)) == {live}
    finally:
        for process in processes:
            process.kill()
            process.communicate()
