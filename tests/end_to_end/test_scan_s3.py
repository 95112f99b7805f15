"""A scan with its results in S3: killed and gone on with on another machine, and S3 going away in mid-run."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from tasks.checkpoints.store import CheckpointStore
from tests.end_to_end.harness import Command, Ran, Services, make_workbook, pypi_document
from tests.s3_places import S3Server, s3, s3_server

__all__ = ["s3", "s3_server"]

PACKAGES, BATCH = 12, 3


@pytest.fixture
def book(command: Command, services: Services) -> Path:
    names = [f"pkg-{number}" for number in range(PACKAGES)]
    services.projects.update({name: pypi_document(name) for name in names})
    (command.folder / "s.yaml").write_text(
        f"batch_processing: {{max_concurrent_batches: 1, batch_size: {BATCH}, checkpoint_frequency: 1}}\n"
    )
    return make_workbook(command.folder / "r.xlsx", [(name, "1.0") for name in names])


def _environment(services: Services, s3: S3Server) -> dict[str, str]:
    return {**services.environment(), **s3.environment, "VETBOOK_EXECUTION__RESULTS": s3.address}


def _batches(s3: S3Server) -> list[str]:
    return [key for scan_id in s3.records.scan_ids() for key in s3.records.keys(scan_id, "batch")]


def _during(command: Command, services: Services, s3: S3Server, book: Path, then: Callable[[], object] | None) -> Ran:
    """Run; when two batches are stored and the next ones are awaited: `then`, and on it goes. None kills the run."""
    go_on, later = threading.Event(), {f"pkg-{number}" for number in range(2 * BATCH, PACKAGES)}

    def gate(name: str) -> None:
        if name in later:
            go_on.wait(60)

    services.gate = gate
    config = command.folder / "s.yaml"
    process = command.start("--input", book, "--config", config, **_environment(services, s3))
    try:
        until = time.monotonic() + 90
        while not any(services.asked[f"pypi {name}"] for name in later) or len(_batches(s3)) < 2:
            assert time.monotonic() < until
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)
        process.kill() if then is None else then()
        go_on.set()
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        go_on.set()
        services.gate = lambda _: None
    file = command.folder / "result.json"
    return Ran(process.returncode, out, err, json.loads(file.read_text()) if file.exists() else None)


def _asked(services: Services, *places: int) -> list[int]:
    return [services.asked[f"pypi pkg-{place}"] for place in places]


def test_a_killed_scan_goes_on_on_another_machine_from_s3_and_a_damaged_object_is_done_again(
    command: Command, services: Services, s3: S3Server, book: Path
) -> None:
    _during(command, services, s3, book, None)
    first, second = _batches(s3)
    s3.records.write(first, (s3.records.read(first) or b"")[:-1])
    kept = {
        key["project"]
        for key in json.loads(json.loads((s3.records.read(second) or b"").split(b"\n", 1)[1])["result"])["keys"]
    }
    elsewhere = dataclasses.replace(command, folder=command.folder / "elsewhere")
    elsewhere.folder.mkdir()
    config = command.folder / "s.yaml"
    ran = elsewhere.run("--input", book, "--config", config, "--resume-auto", **_environment(services, s3))
    assert ran.code == 0, ran.err
    assert (ran.result or {})["metrics"]["cached_batches"] == 1
    assert [services.asked[f"pypi {name}"] for name in kept] == [1] * BATCH
    assert {package["status"] for package in (ran.result or {})["packages"]} == {"reviewed"}
    assert "is damaged" in ran.err
    assert s3.names() == []
    assert "hidden-away" not in ran.err + "".join(path.read_text() for path in (elsewhere.data / "logs").iterdir())


def test_s3_that_goes_away_in_mid_run_is_told_and_the_workbook_is_written(
    command: Command, services: Services, s3: S3Server, book: Path
) -> None:
    ran = _during(command, services, s3, book, s3.down)
    assert ran.code == 0, ran.err
    assert f"Results cannot be stored ({s3.address}: " in ran.err
    assert "does not answer (EndpointConnectionError)" in ran.err
    assert "is not removed" in ran.err
    assert "Traceback" not in ran.err
    assert _asked(services, *range(PACKAGES)) == [1] * PACKAGES
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert [sheet.cell(4 + place, 6).value for place in range(PACKAGES)] == ["2.0"] * PACKAGES
    assert next(CheckpointStore(command.data / "checkpoints").heads()).state == "done"
    s3.up()
    assert len(_batches(s3)) == 2
