"""A sync as its user runs it, and the scans that use what it brought."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tasks.errors import ExitCode
from tests.end_to_end.harness import Command, Ran, Services, make_workbook, pypi_document
from tests.store.store_world import World, exploit, record

pytestmark = pytest.mark.prefect


@pytest.fixture
def world(services: Services, httpserver: HTTPServer) -> World:
    """The bulk services, behind PyPI and OSV on the same server."""
    made = World(httpserver)
    made.begin()
    services.projects = {"demo": pypi_document("demo"), "calm": pypi_document("calm")}
    made.osv = {"GHSA-1000": record("GHSA-1000", "demo", "2.0"), "GHSA-1001": record("GHSA-1001", "other", "2.0")}
    made.kev = [{"cveID": "CVE-2024-1000", "dateAdded": "2024-01-02"}]
    made.exploits, made.epss = [exploit(77, "CVE-2024-1000")], {"CVE-2024-1000": "0.5"}
    return made


def sync(command: Command, world: World, *words: str | Path) -> Ran:
    options = ("--data-dir", command.data, "--json", command.folder / "sync.json")
    process = command.start_module("flows.sync", *options, *words, **world.environment())
    out, err = process.communicate(timeout=150)
    return Ran(process.returncode, out, err, None)


def test_a_scan_uses_what_a_sync_brought_and_asks_nobody_but_pypi(
    world: World, services: Services, command: Command, tmp_path: Path
) -> None:
    ran = sync(command, world)
    assert ran.code == ExitCode.DONE, ran.err
    assert "osv/PyPI: 2 records" in ran.out
    reports = {
        report["name"]: report["outcome"] for report in json.loads((tmp_path / "sync.json").read_text())["sources"]
    }
    assert reports == dict.fromkeys(("osv/PyPI", "kev", "exploitdb", "epss"), "updated")

    world.asked.clear()
    environment = {**services.environment(), **world.environment()}
    book = make_workbook(tmp_path / "book.xlsx", [("demo", "1.0"), ("calm", "1.0")])
    scan = command.run("--input", book, **environment)
    assert scan.code == ExitCode.DONE, scan.err
    assert "Advisories from the store" in scan.err
    assert (services.asked["osv"], services.asked["pypi"], world.asked) == (0, 2, {})
    (found,) = scan.package(4)["vulnerabilities"]
    assert (found["ids"], found["kev"], found["epss"], found["exploits"]) == (["GHSA-1000"], True, 0.5, ["77"])
    assert scan.package(5)["sources"]["osv"]["status"] == "none_found"

    services.asked.clear()
    offline = command.run("--input", book, "--offline", "--start-fresh", **environment)
    assert "Advisories from the store" in offline.err
    assert (services.asked, world.asked) == ({}, {})
    assert [v["ids"] for v in offline.package(4)["vulnerabilities"]] == [["GHSA-1000"]]


def test_a_source_that_is_down_is_named_and_the_others_are_synced(
    world: World, services: Services, command: Command, tmp_path: Path
) -> None:
    world.down.add("kev")
    few = {"VETBOOK_PROCESSING__RETRY_ATTEMPTS": "1"}
    command.environment.update(few)
    ran = sync(replace(command, anew=True), world)
    assert ran.code == ExitCode.INCOMPLETE
    assert "kev: failed, what was held is kept (kev (" in ran.err
    world.down.clear()
    world.osv["GHSA-1002"] = record("GHSA-1002", "calm", "3.0")
    book = make_workbook(tmp_path / "book.xlsx", [("calm", "1.0")])
    scan = command.run("--input", book, "--sync", **{**services.environment(), **world.environment()})
    assert scan.code == ExitCode.DONE, scan.err
    assert [v["ids"] for v in scan.package(4)["vulnerabilities"]] == [["GHSA-1002"]]
    assert services.asked["osv"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epss-file", "no-such.csv"], "no such file"),
        (["--status"], "run python -m flows.sync"),
    ],
)
def test_wrong_use_is_said(words: list[str], message: str, world: World, command: Command) -> None:
    ran = sync(command, world, *words)
    assert ran.code in (ExitCode.USAGE, ExitCode.INCOMPLETE)
    assert message in ran.err
    assert "Traceback" not in ran.err
    assert world.asked == {}
