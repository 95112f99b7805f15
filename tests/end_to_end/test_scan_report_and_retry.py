"""`--report-only` says what the workbook says; `--retry-failed` looks up the unanswered rows, and no others."""

from pathlib import Path
from typing import Any

import openpyxl

from tasks.errors import ExitCode
from tasks.workbook.model import STANDARD_COLUMNS, Field
from tests.end_to_end.harness import Command, Services, advisory, make_workbook, pypi_document

EXCUSE = "Could not check (osv: HTTP 503)"
ANSWERED = {
    Field.GITHUB_ADVISORY_RESULT: "No published security advisories",
    Field.NIST_NVD_RESULT: "None found",
    Field.MITRE_CVE_RESULT: "None found",
    Field.SNYK_RESULT: "a reviewer's own words",
    Field.EXPLOIT_DB_RESULT: "None found",
    Field.RECOMMENDATION: "✅ PROCEED",
}
RESULTS = tuple(ANSWERED)[:-1]
AT = [ord(STANDARD_COLUMNS[field]) - ord("A") for field in RESULTS]
"""Places of the results in a row."""


def _reviewed(path: Path) -> Path:
    """What an earlier scan left: an answered row, one that could not be checked, one with a note behind its answer."""
    make_workbook(path, [("alpha", "1.0"), ("beta", "1.0"), ("gamma", "1.0")])
    unchecked = dict.fromkeys(RESULTS, EXCUSE) | {Field.RECOMMENDATION: "🔍 MANUAL REVIEW | ❓ osv: HTTP 503"}
    noted = ANSWERED | {Field.RECOMMENDATION: "✅ PROCEED | ❓ could not be asked: GitHub"}
    book = openpyxl.load_workbook(path)
    for row, cells in ((4, ANSWERED), (5, unchecked), (6, noted)):
        for field, text in cells.items():
            book["Packages"][f"{STANDARD_COLUMNS[field]}{row}"] = text
    book.save(path)
    return path


def _row(path: Path, row: int) -> list[Any]:
    return [cell.value for cell in openpyxl.load_workbook(path)["Packages"][row]]


def test_report_only_says_what_the_workbook_says_and_touches_nothing(command: Command, services: Services) -> None:
    book = _reviewed(command.folder / "r.xlsx")
    before = book.read_bytes()
    ran = command.run("--input", book, "--report-only", **services.environment())
    assert (ran.code, book.read_bytes(), services.asked) == (ExitCode.DONE, before, {})
    assert ran.result is not None
    assert (ran.result["packages"], ran.result["at_risk"]) == (3, [])
    assert [(row["row"], row["name"]) for row in ran.result["unanswered"]] == [(5, "beta"), (6, "gamma")]
    assert ran.result["counts"]["nist_nvd_result"] == {"not affected": 2, "could not check": 1}
    assert ran.result["counts"]["snyk_result"] == {"other words": 2, "could not check": 1}
    assert "Not answered: 2" in ran.out
    assert len(list((command.data / "output").glob("review_report_*.txt"))) == 1
    assert not (command.data / "backups").exists(), "no workbook was to be written"


def test_report_only_leaves_an_output_of_an_earlier_run_alone(command: Command) -> None:
    book, result = _reviewed(command.folder / "r.xlsx"), command.folder / "result.xlsx"
    result.write_bytes(b"the result of an earlier run")
    ran = command.run("--input", book, "--output", result, "--report-only")
    assert (ran.code, result.read_bytes()) == (ExitCode.DONE, b"the result of an earlier run")


def test_retry_failed_asks_for_the_unanswered_rows_alone(command: Command, services: Services) -> None:
    services.projects.update({name: pypi_document(name) for name in ("alpha", "beta", "gamma")})
    services.advisories["GHSA-1"] = advisory("GHSA-1", "beta", "1.5")
    book = _reviewed(command.folder / "r.xlsx")
    answered, noted = _row(book, 4), _row(book, 6)
    services.down.add("osv")
    few = {"VETBOOK_PROCESSING__RETRY_ATTEMPTS": "1", "VETBOOK_BATCH_PROCESSING__RETRY_FAILED_BATCHES": "false"}
    failed = command.run("--input", book, "--retry-failed", **services.environment(), **few)
    assert failed.code == ExitCode.INCOMPLETE, failed.err
    assert {key for key in services.asked if key.startswith("pypi ")} == {"pypi beta", "pypi gamma"}
    assert _row(book, 4) == answered
    assert [_row(book, 6)[at] for at in AT] == [noted[at] for at in AT], "former answers stay"
    services.down.clear()
    again = command.run("--input", book, "--retry-failed", **services.environment())
    assert again.code == ExitCode.DONE, again.err
    assert [package["row"] for package in (again.result or {})["packages"]] == [5, 6]
    assert (services.asked["pypi alpha"], _row(book, 4)) == (0, answered)
    beta, gamma = _row(book, 5), _row(book, 6)
    assert beta[12] == "VULNERABLE - 1 GitHub advisory affects v1.0 (Highest: HIGH)"
    assert str(beta[22]).startswith("🚨 SECURITY RISK")
    assert (gamma[19], "❓" in str(gamma[22])) == ("a reviewer's own words", False)
