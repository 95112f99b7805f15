"""A scan that is killed, interrupted, or finds its records damaged goes on without repeating finished work."""

import os
import signal
from pathlib import Path

import psutil

from flows.local_server import LocalServer
from tests.end_to_end.harness import Command, Services
from tests.end_to_end.held import BATCH, PACKAGES, Held, many_packages, one_by_one


def _records(command: Command) -> list[Path]:
    """The stored results of finished batches."""
    return sorted((command.data / "results").rglob("batch-*"))


def test_kill_and_resume_repeat_no_finished_batch(command: Command, services: Services) -> None:
    book = many_packages(command, services)
    before = book.read_bytes()
    code, _, _ = Held(services, command, book, 2).stop(signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert book.read_bytes() == before
    asked = dict(services.asked)

    refused = command.run("--input", book, **services.environment())
    assert refused.code == 2
    assert "--resume-auto" in refused.err
    assert "--start-fresh" in refused.err

    ran = command.run("--input", book, "--config", one_by_one(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 2
    finished = [f"pypi pkg-{number}" for number in range(2 * BATCH)]
    assert [services.asked[name] for name in finished] == [asked[name] for name in finished] == [1] * len(finished)
    assert services.asked["osv querybatch"] == 1
    assert len((ran.result or {})["packages"]) == PACKAGES


def test_resume_works_with_a_fresh_prefect_database(command: Command, alone: Command, services: Services) -> None:
    book = many_packages(command, services)
    Held(services, command, book, 2).stop(signal.SIGKILL)
    ran = alone.run("--input", book, "--config", one_by_one(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 2
    assert not _children_of_ours(alone)


def test_a_damaged_record_is_set_aside_and_its_batch_done_again(command: Command, services: Services) -> None:
    book = many_packages(command, services)
    Held(services, command, book, 2).stop(signal.SIGKILL)
    torn, altered = _records(command)
    torn.write_bytes(torn.read_bytes()[:200])
    content = altered.read_bytes()
    altered.write_bytes(content.replace(b"pkg-", b"pkq-", 1) if b"pkg-" in content else content[:-1] + b"!")
    ran = command.run("--input", book, "--config", one_by_one(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 0
    assert "damaged" in ran.err
    assert {p["status"] for p in (ran.result or {})["packages"]} == {"reviewed"}


def test_ctrl_c_says_how_to_go_on_and_leaves_no_child(alone: Command, services: Services) -> None:
    book = many_packages(alone, services)
    code, err, _ = Held(services, alone, book, 1).stop(signal.SIGINT)
    assert code == 130, err
    assert "--resume-auto" in err
    assert "Traceback" not in err
    assert not _children_of_ours(alone)


def test_the_server_of_a_killed_run_ends_with_it(alone: Command, services: Services) -> None:
    book = many_packages(alone, services)
    Held(services, alone, book, 0).stop(signal.SIGKILL)
    _, alive = psutil.wait_procs(_children_of_ours(alone), timeout=30)
    assert not alive


def test_an_address_that_is_set_is_used(prefect_server: str) -> None:
    os.environ["PREFECT_API_URL"] = prefect_server
    with LocalServer() as server:
        assert not server.is_child


def _children_of_ours(command: Command) -> list[psutil.Process]:
    """Server processes that belong to this command's Prefect folder."""
    home = command.environment.get("PREFECT_HOME", "")
    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, environment = process.info["cmdline"] or [], process.info["environ"] or {}
        if "flows.server_child" in words and environment.get("PREFECT_HOME", "").startswith(str(Path(home).parent)):
            found.append(process)
    return found
