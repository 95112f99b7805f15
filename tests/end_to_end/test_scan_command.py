"""The scan as a reviewer runs it: what comes out, and what is left alone."""

import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from tests.end_to_end.harness import Command, Services, advisory, make_workbook, pypi_document


@pytest.fixture
def known(services: Services) -> Services:
    """Services that know alpha (vulnerable below 1.5), beta (clean) and gamma (an advisory that is fixed)."""
    for name in ("alpha", "beta", "gamma"):
        services.projects[name] = pypi_document(name)
    for record in (
        advisory("GHSA-aaaa-bbbb-cccc", "alpha", "1.5", aliases=["CVE-2024-0001"]),
        advisory("PYSEC-2024-1", "alpha", "1.5", aliases=["CVE-2024-0001"]),
        advisory("GHSA-gggg-gggg-gggg", "gamma", "0.5", aliases=["CVE-2024-0002"]),
    ):
        services.advisories[record["id"]] = record
    return services


def test_the_bundled_sample_runs_offline(alone: Command, project_root: Path) -> None:
    book = Path(shutil.copy(project_root / "sample/packages.xlsx", alone.folder))
    before = book.read_bytes()
    ran = alone.run("--input", book, "--offline", "--config", project_root / "sample/settings.yaml")
    assert ran.code == 0, ran.err
    assert "Reviewed 40 packages" in ran.out
    backups = list((alone.data / "backups").glob("packages.backup_*.xlsx"))
    assert [backup.read_bytes() for backup in backups] == [before]
    requests = next(p for p in (ran.result or {})["packages"] if p["name"] == "requests")
    assert requests["sources"]["osv"]["status"] == "affected"
    assert ran.result is not None
    assert ran.result["metrics"]["requests"] == {}


def test_findings_reach_cells_json_and_summary(command: Command, known: Services) -> None:
    packages: list[tuple[str, object]] = [("Alpha", "1.0"), ("beta", 2), ("gamma", "1.0"), ("beta", "9.x")]
    book = make_workbook(command.folder / "r.xlsx", [*packages, ("beta==1.0", "1.0")])
    ran = command.run("--input", book, **known.environment())
    assert ran.code == 0, ran.err
    alpha = ran.package(4)
    assert alpha["vulnerabilities"] == [
        {
            "ids": ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"],
            "aliases": ["CVE-2024-0001"],
            "cves": ["CVE-2024-0001"],
            "severity": "HIGH",
            "cvss": 7.5,
            "fixed_in": ["1.5"],
            "kev": False,
            "epss": None,
            "exploits": [],
            "sources": ["osv"],
            "malicious": False,
            "decision": None,
        }
    ]
    assert [ran.package(row)["recommendation"]["tier"] for row in (4, 5, 6, 7, 8)] == [
        "security_risk",
        "proceed",
        "update",
        "manual_review",
        "manual_review",
    ]
    assert (ran.package(8)["status"], ran.package(8)["name"]) == ("skipped", "beta==1.0")
    assert (ran.package(7)["status"], ran.package(6)["sources"]["osv"]["status"]) == ("skipped", "not_affected")
    sheet = openpyxl.load_workbook(book)["Packages"]
    assert sheet["E4"].value == datetime(2024, 1, 1, 12, 0)  # noqa: DTZ001  Excel knows no time zones
    assert (sheet["F4"].value, sheet["K4"].value) == ("2.0", "https://github.com/example/alpha")
    assert sheet["M4"].value == "VULNERABLE - 1 GitHub advisory affects v1.0 (Highest: HIGH)"
    assert str(sheet["W4"].value).startswith("🚨 SECURITY RISK | 1 confirmed vulnerability found")
    assert [sheet[f"{column}4"].value for column in "ABCDN"] == [1, "Alpha", "1.0", None, "note 0"]
    assert str(sheet["W8"].value).endswith("📋 Correct the name and run again")


def test_a_second_run_changes_nothing_and_asks_osv_for_no_record_again(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    assert command.run("--input", book, **known.environment()).code == 0
    once = book.read_bytes()
    records = known.asked["osv GHSA-aaaa-bbbb-cccc"]
    again = command.run("--input", book, **known.environment())
    assert (again.code, book.read_bytes()) == (0, once)
    assert "nothing to change" in again.out
    assert known.asked["osv GHSA-aaaa-bbbb-cccc"] == records == 1


def test_output_is_a_full_copy_and_the_input_stays(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    before, copy = book.read_bytes(), command.folder / "out" / "copy.xlsx"
    assert command.run("--input", book, "--output", copy, **known.environment()).code == 0
    assert book.read_bytes() == before
    assert openpyxl.load_workbook(copy)["Packages"]["F4"].value == "2.0"


def test_dry_run_writes_no_workbook(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    before = book.read_bytes()
    ran = command.run("--input", book, "--dry-run", **known.environment())
    assert (ran.code, book.read_bytes()) == (0, before)
    assert len(ran.package(4)["vulnerabilities"]) == 1
    assert not (command.data / "backups").exists()


def test_only_the_chosen_rows_are_reviewed_and_changed(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0"), ("gamma", "1.0")])
    ran = command.run("--input", book, "--start-row", "5", "--end-row", "5", **known.environment())
    assert [p["row"] for p in (ran.result or {})["packages"]] == [5]
    sheet = openpyxl.load_workbook(book)["Packages"]
    assert [sheet[f"F{row}"].value for row in (4, 5, 6)] == [None, "2.0", None]


def test_a_named_package_that_is_new_is_appended(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    ran = command.run("--input", book, "--packages", "Gamma", "BETA", **known.environment())
    assert ran.code == 0, ran.err
    assert [(p["row"], p["name"]) for p in (ran.result or {})["packages"]] == [(5, "beta"), (6, "gamma")]
    sheet = openpyxl.load_workbook(book)["Packages"]
    assert [sheet[f"{column}6"].value for column in "ABCF"] == [3, "gamma", "2.0", "2.0"]
    assert sheet["F4"].value is None


def test_a_name_that_nobody_knows_is_refused_and_nothing_written(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    before = book.read_bytes()
    ran = command.run("--input", book, "--packages", "no-such-thing", **known.environment())
    assert (ran.code, book.read_bytes()) == (2, before)
    assert "no-such-thing" in ran.err
    assert "Traceback" not in ran.err


def test_fail_on_turns_findings_into_exit_code_one(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    assert command.run("--input", book, "--fail-on", "high", **known.environment()).code == 1
    assert command.run("--input", book, "--fail-on", "critical", **known.environment()).code == 0


@pytest.mark.parametrize("down", ["osv", "pypi"])
def test_a_source_that_is_down_never_reads_as_safe(command: Command, known: Services, down: str) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    known.down.add(down)
    settings = command.folder / "s.yaml"
    settings.write_text("processing: {retry_attempts: 1}\nbatch_processing: {max_retries: 0}\n")
    ran = command.run("--input", book, "--config", settings, **known.environment())
    assert ran.code == 3, ran.err
    assert ran.package(5)["status"] == "failed"
    assert ran.package(5)["recommendation"]["tier"] == "manual_review"
    text = str(openpyxl.load_workbook(book)["Packages"]["W5"].value)
    assert "could not check" in text
    assert "PROCEED" not in text
    if down == "osv":
        assert ran.package(4)["sources"]["osv"]["status"] == "unknown"
        assert ran.package(4)["vulnerabilities"] == []
    else:
        assert ran.package(4)["sources"]["osv"]["status"] == "affected"


def test_an_open_workbook_is_left_alone_and_the_results_are_kept(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    before = book.read_bytes()
    lock = command.folder / ".~lock.r.xlsx#"
    lock.write_text(",ann,host,22.11.2026 15:38,file:///home/ann/profile;")
    ran = command.run("--input", book, "--lock-timeout", "0", **known.environment())
    assert (ran.code, book.read_bytes()) == (4, before)
    assert "ann" in ran.err
    assert ran.result is not None
    lock.unlink()
    asked = known.asked["pypi"]
    assert command.run("--input", book, "--resume-auto", **known.environment()).code == 0
    assert known.asked["pypi"] == asked


def test_everything_else_in_the_package_is_the_same_bytes(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    with zipfile.ZipFile(book) as before:
        parts = {name: before.read(name) for name in before.namelist()}
    assert command.run("--input", book, **known.environment()).code == 0
    with zipfile.ZipFile(book) as after:
        changed = {name for name in parts if after.read(name) != parts[name]}
        assert after.namelist() == list(parts)
    assert changed <= {"xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml"}
