"""Signals, two runs at once, strategies and checkpoint commands, as their users meet them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import pytest

from flows.scan.stopping import GRACE_S
from tasks.checkpoints.model import ScanState
from tasks.checkpoints.store import CheckpointStore
from tests.end_to_end.harness import Command, Services
from tests.end_to_end.held import PACKAGES, Held, many_packages, one_by_one

LONGEST_S = 14.0
"""10 s are promised; a machine that runs several tests at once gets some more."""


@pytest.fixture
def book(command: Command, services: Services) -> Path:
    return many_packages(command, services)


def _newest(command: Command) -> tuple[ScanState, int, str]:
    head = next(CheckpointStore(command.data / "checkpoints").heads())
    return head.state, head.completed_packages, head.checkpoint_id


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_abandons_a_batch_that_does_not_end_and_writes_a_checkpoint(
    command: Command, alone: Command, services: Services, book: Path, number: int, code: int
) -> None:
    own_server = number == signal.SIGTERM
    held = Held(services, alone if own_server else command, book, 2)
    children = psutil.Process(held.process.pid).children(recursive=True)
    assert bool(children) is own_server
    ended, err, took = held.stop(number)
    assert ended == code, err
    assert took < LONGEST_S
    assert "--resume-auto" in err
    assert "Traceback" not in err
    assert _newest(command)[:2] == (ScanState.INTERRUPTED, 6)
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]


def test_the_first_signal_lets_a_batch_end_that_can(command: Command, services: Services, book: Path) -> None:
    held = Held(services, command, book, 1)
    held.process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    held.let_go()
    ended, err, took = held.end()
    assert ended == 143, err
    assert took < LONGEST_S
    state, done, _ = _newest(command)
    # On a machine that is busy elsewhere, the time that running batches get may be over before theirs is.
    assert (state, done) == (ScanState.INTERRUPTED, 6) or (done == 3 and took > GRACE_S)
    ran = command.run("--input", book, "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == done // 3
    assert max(services.asked[f"pypi pkg-{place}"] for place in range(done)) == 1


def test_the_second_signal_ends_it_at_once_and_loses_nothing(command: Command, services: Services, book: Path) -> None:
    held = Held(services, command, book, 2)
    held.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    ended, err, took = held.stop(signal.SIGINT)
    assert ended == 130, err
    assert took < 3
    assert "--resume-auto" in err
    assert len(list((command.data / "results").glob("*/batch-*"))) == 2


def test_a_scan_that_runs_is_not_gone_on_with_by_another(command: Command, services: Services, book: Path) -> None:
    held = Held(services, command, book, 2)
    second = Command(command.folder, command.root, command.environment)
    refused = second.run("--input", book, "--resume-auto", "--lock-timeout", "0.5", **services.environment())
    assert refused.code == 2
    assert "is running" in refused.err
    assert "--start-fresh" in refused.err
    held.let_go()
    ended, err, _ = held.end()
    assert ended == 0, err


def _json(command: Command, module: str, *words: str) -> tuple[int, dict[str, Any]]:
    ran = command.start_module(module, *words, "--data-dir", command.data, "--json")
    out, err = ran.communicate(timeout=60)
    assert "Traceback" not in err
    return ran.returncode, json.loads(out)


def test_checkpoints_are_listed_validated_shown_and_cleaned(command: Command, services: Services, book: Path) -> None:
    Held(services, command, book, 2).stop(signal.SIGTERM)
    code, listed = _json(command, "flows.scan", "--list-checkpoints")
    newest = listed["checkpoints"][0]
    assert (code, newest["completed_packages"], newest["state"]) == (0, 6, "interrupted")
    identifier, scan_id = newest["checkpoint_id"], newest["scan_id"]
    validate = ("flows.checkpoints", "validate", identifier)
    assert _json(command, *validate)[0] == 0
    # The settings are those of this command: other sources than the scan was given by its environment.
    code, answer = _json(command, "flows.scan", "--validate-checkpoint", identifier[:8])
    failed = [check["name"] for check in answer["checks"] if check["verdict"] == "failed"]
    assert (code, answer["valid"], failed) == (2, False, ["settings"])
    record = next((command.data / "results").glob("*/batch-*"))
    record.write_bytes(record.read_bytes()[:-1])
    assert _json(command, *validate)[0] == 2
    shown = _json(command, "flows.checkpoints", "show", identifier)[1]
    assert shown["batch_state"]["processing_statistics"]["requests"]["osv"] == 1
    assert _json(command, "flows.checkpoints", "clean", "--scan", scan_id)[1]["removed"] == [scan_id]
    assert _json(command, "flows.checkpoints", "list")[1]["checkpoints"] == []
    assert not (command.data / "results" / scan_id).exists()


@pytest.mark.parametrize(
    "settings",
    [
        "{strategy: time-based, time_interval: 2, batch_size: 2, max_concurrent_batches: 2}",
        "{strategy: memory-adaptive, batch_size: 6, max_concurrent_batches: 1}",
    ],
)
def test_the_other_strategies_review_everything(
    command: Command, services: Services, book: Path, settings: str
) -> None:
    (command.folder / "s.yaml").write_text(f"batch_processing: {settings}\n")
    ran = command.run("--input", book, "--config", command.folder / "s.yaml", **services.environment())
    assert ran.code == 0, ran.err
    assert len((ran.result or {})["packages"]) == PACKAGES
    assert "Performance: " in ran.out
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert [sheet.cell(4 + place, 6).value for place in range(PACKAGES)] == ["2.0"] * PACKAGES
    logs = sorted(path.name for path in (command.data / "logs").iterdir())
    assert [name.rpartition("_")[0] for name in logs] == ["vetbook", "vetbook_errors"]
    assert (command.data / "logs" / logs[1]).read_text() == ""


DRIVER = """
import os, signal, sys
from tests.checkpoints.plain_scan import killing, stepping
from flows.scan.__main__ import main
with stepping(killing(int(sys.argv[1]))):
    code = main(sys.argv[2:])
raise SystemExit(code)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs SIGKILL")
def test_killed_at_some_steps_through_prefect_too(command: Command, services: Services, book: Path) -> None:
    before = book.read_bytes()
    calm = command.run("--input", book, "--output", command.folder / "calm.xlsx", **services.environment())
    assert calm.code == 0, calm.err
    after = (command.folder / "calm.xlsx").read_bytes()
    config = ("--config", str(one_by_one(command)))
    for number in (47, 83):
        book.write_bytes(before)
        services.asked.clear()
        words = ["--data-dir", str(command.folder / f"data{number}"), "--input", str(book), *config, "--quiet"]
        environment = {**command.environment, **services.environment()}
        dying = [sys.executable, "-c", DRIVER, str(number), *words]
        ran = subprocess.run(dying, cwd=command.root, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == -signal.SIGKILL, (number, ran.stderr)
        assert book.read_bytes() in (before, after)
        again = command.start_module("flows.scan", *words, "--resume-auto", **services.environment())
        _, err = again.communicate(timeout=150)
        assert again.returncode == 0, (number, err)
        assert book.read_bytes() == after, number
        repeated = [name for name, times in services.asked.items() if times > 1 and name.startswith("pypi pkg")]
        assert len(repeated) <= 6, number
