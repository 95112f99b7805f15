"""A lockfile instead of a workbook, twice, and the files for other tools."""

import csv
import json

import openpyxl

from tests.end_to_end.harness import Command, Services, advisory, pypi_document


def _lock(command: Command, **versions: str) -> None:
    packages = (f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions.items())
    (command.folder / "uv.lock").write_text("version = 1\n" + "".join(packages))


def test_a_lockfile_becomes_a_workbook_that_the_next_run_renews(command: Command, services: Services) -> None:
    for name in ("alpha", "beta", "gamma"):
        services.projects[name] = pypi_document(name)
    record = advisory("GHSA-aaaa-bbbb-cccc", "alpha", "1.5", aliases=["CVE-2024-0001"])
    services.advisories[record["id"]] = record
    _lock(command, alpha="1.0", beta="2.0")
    book = command.folder / "uv.lock.review.xlsx"
    vex, table = command.folder / "vex.json", command.folder / "r.csv"

    first = command.run("--input", command.folder / "uv.lock", **services.environment())
    assert first.code == 0, first.err
    sheet = openpyxl.load_workbook(book).worksheets[0]
    assert [sheet[f"{column}4"].value for column in "ABC"] == [1, "alpha", "1.0"]
    assert str(sheet["W4"].value).startswith("🚨 SECURITY RISK")
    assert str(sheet["W5"].value).startswith("✅ PROCEED")

    _lock(command, alpha="2.0", gamma="1.0")
    again = command.run("--input", command.folder / "uv.lock", "--vex", vex, "--csv", table, **services.environment())
    assert again.code == 0, again.err
    assert "alpha: row 4 says 1.0, uv.lock 2.0: a row was added, row 4 stays" in again.out
    assert "2 rows added" in again.out
    sheet = openpyxl.load_workbook(book).worksheets[0]
    assert [(sheet[f"B{row}"].value, sheet[f"C{row}"].value) for row in range(4, 9)] == [
        ("alpha", "1.0"),
        ("beta", "2.0"),
        ("alpha", "2.0"),
        ("gamma", "1.0"),
        (None, None),
    ]
    found = json.loads(vex.read_text("utf-8"))["vulnerabilities"]
    assert [(one["id"], one["affects"][0]["ref"]) for one in found] == [("GHSA-aaaa-bbbb-cccc", "pkg:pypi/alpha@1.0")]
    with table.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["package"], line["advisory"]) for line in lines][:2] == [
        ("alpha", "GHSA-aaaa-bbbb-cccc"),
        ("beta", ""),
    ]
