"""A scan that is killed, interrupted, or finds its records damaged goes on without repeating finished work."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil

from flows.local_server import LocalServer
from tests.end_to_end.harness import Command, Services, make_workbook, pypi_document

PACKAGES, BATCH = 12, 3


def _many(services: Services) -> list[tuple[str, object]]:
    names = [f"pkg-{number}" for number in range(PACKAGES)]
    services.projects.update({name: pypi_document(name) for name in names})
    return [(name, "1.0") for name in names]


def _settings(command: Command) -> Path:
    path = command.folder / "s.yaml"
    path.write_text(f"batch_processing: {{max_concurrent_batches: 1, batch_size: {BATCH}, checkpoint_frequency: 1}}\n")
    return path


def _stopped_after(services: Services, command: Command, book: Path, batches: int, with_signal: int) -> tuple[int, str]:
    """Run until so many batches are stored and the answers for the next are awaited, then send the signal."""
    go_on, later = threading.Event(), {f"pkg-{number}" for number in range(BATCH * batches, PACKAGES)}

    def gate(name: str) -> None:
        if name in later:
            go_on.wait(60)

    services.gate = gate
    process = command.start("--input", book, "--config", _settings(command), **services.environment())
    try:
        until = time.monotonic() + 90
        while _awaited(services, later) == 0 or len(_records(command)) < batches:
            assert time.monotonic() < until
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.send_signal(with_signal)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        services.gate = lambda _: None
        go_on.set()
    return process.returncode, err


def _awaited(services: Services, names: set[str]) -> int:
    return sum(services.asked[f"pypi {name}"] for name in names)


def _records(command: Command) -> list[Path]:
    """The stored results of finished batches."""
    return sorted((command.data / "results").rglob("batch-*"))


def test_kill_and_resume_repeat_no_finished_batch(command: Command, services: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", _many(services))
    before = book.read_bytes()
    code, _ = _stopped_after(services, command, book, 2, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert book.read_bytes() == before
    asked = dict(services.asked)

    refused = command.run("--input", book, **services.environment())
    assert refused.code == 2
    assert "--resume-auto" in refused.err
    assert "--start-fresh" in refused.err

    ran = command.run("--input", book, "--config", _settings(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 2
    finished = [f"pypi pkg-{number}" for number in range(2 * BATCH)]
    assert [services.asked[name] for name in finished] == [asked[name] for name in finished] == [1] * len(finished)
    assert services.asked["osv querybatch"] == 1
    assert len((ran.result or {})["packages"]) == PACKAGES


def test_resume_works_with_a_fresh_prefect_database(command: Command, alone: Command, services: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", _many(services))
    _stopped_after(services, command, book, 2, signal.SIGKILL)
    ran = alone.run("--input", book, "--config", _settings(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 2
    assert not _children_of_ours(alone)


def test_a_damaged_record_is_set_aside_and_its_batch_done_again(command: Command, services: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", _many(services))
    _stopped_after(services, command, book, 2, signal.SIGKILL)
    torn, altered = _records(command)
    torn.write_bytes(torn.read_bytes()[:200])
    content = altered.read_bytes()
    altered.write_bytes(content.replace(b"pkg-", b"pkq-", 1) if b"pkg-" in content else content[:-1] + b"!")
    ran = command.run("--input", book, "--config", _settings(command), "--resume-auto", **services.environment())
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 0
    assert "damaged" in ran.err
    assert {p["status"] for p in (ran.result or {})["packages"]} == {"reviewed"}


def test_ctrl_c_says_how_to_go_on_and_leaves_no_child(alone: Command, services: Services) -> None:
    book = make_workbook(alone.folder / "r.xlsx", _many(services))
    code, err = _stopped_after(services, alone, book, 1, signal.SIGINT)
    assert code == 130, err
    assert "--resume-auto" in err
    assert "Traceback" not in err
    assert not _children_of_ours(alone)


def test_the_server_of_a_killed_run_ends_with_it(alone: Command, services: Services) -> None:
    book = make_workbook(alone.folder / "r.xlsx", _many(services))
    _stopped_after(services, alone, book, 0, signal.SIGKILL)
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
