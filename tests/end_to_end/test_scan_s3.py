"""A scan with its results in S3: killed and gone on with on another machine, and S3 going away in mid-run."""

import dataclasses
import json
import signal
from pathlib import Path

import openpyxl
import pytest

from tasks.checkpoints.store import CheckpointStore
from tests.end_to_end.harness import Command, Services
from tests.end_to_end.held import BATCH, PACKAGES, Held, many_packages, one_by_one
from tests.s3_places import S3Server, s3, s3_server

__all__ = ["s3", "s3_server"]


@pytest.fixture
def book(command: Command, services: Services) -> Path:
    return many_packages(command, services)


def _places(s3: S3Server) -> dict[str, str]:
    return {**s3.environment, "VETBOOK_EXECUTION__RESULTS": s3.address}


def _batches(s3: S3Server) -> list[str]:
    return [key for scan_id in s3.records.scan_ids() for key in s3.records.keys(scan_id, "batch")]


def _asked(services: Services, *places: int) -> list[int]:
    return [services.asked[f"pypi pkg-{place}"] for place in places]


def test_a_killed_scan_goes_on_on_another_machine_from_s3_and_a_damaged_object_is_done_again(
    command: Command, services: Services, s3: S3Server, book: Path
) -> None:
    Held(services, command, book, 2, **_places(s3)).stop(signal.SIGKILL)
    first, second = _batches(s3)
    s3.records.write(first, (s3.records.read(first) or b"")[:-1])
    kept = {
        key["project"]
        for key in json.loads(json.loads((s3.records.read(second) or b"").split(b"\n", 1)[1])["result"])["keys"]
    }
    elsewhere = dataclasses.replace(command, folder=command.folder / "elsewhere")
    elsewhere.folder.mkdir()
    words = ("--input", book, "--config", one_by_one(command), "--resume-auto")
    ran = elsewhere.run(*words, **services.environment(), **_places(s3))
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
    held = Held(services, command, book, 2, **_places(s3))
    s3.down()
    held.let_go()
    code, err, _ = held.end()
    assert code == 0, err
    assert f"Results cannot be stored ({s3.address}: " in err
    assert "does not answer (EndpointConnectionError)" in err
    assert "is not removed" in err
    assert "Traceback" not in err
    assert _asked(services, *range(PACKAGES)) == [1] * PACKAGES
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert [sheet.cell(4 + place, 6).value for place in range(PACKAGES)] == ["2.0"] * PACKAGES
    assert next(CheckpointStore(command.data / "checkpoints").heads()).state == "done"
    s3.up()
    assert len(_batches(s3)) == 2
