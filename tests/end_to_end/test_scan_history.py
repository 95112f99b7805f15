"""Two scans of one workbook as their user runs them: the second says what changed, and both are kept."""

import json

import openpyxl

from flows.report.__main__ import main
from tests.end_to_end.harness import Command, Services, advisory, make_workbook, pypi_document


def test_the_second_scan_says_what_changed_and_not_what_it_could_not_check(
    command: Command, services: Services
) -> None:
    names = ("demo", "still", "silent")
    services.projects = {name: pypi_document(name) for name in names}
    services.advisories = {f"PYSEC-2024-{n}": advisory(f"PYSEC-2024-{n}", name, "2.0") for n, name in enumerate(names)}
    workbook = make_workbook(command.folder / "packages.xlsx", [(name, "1.0") for name in names])
    environment = {**services.environment(), "VETBOOK_PROCESSING__RETRY_ATTEMPTS": "1"}
    first = command.run("--input", workbook, "--start-fresh", **environment)
    assert first.code == 0, first.err
    assert first.result is not None
    assert "since_last" not in first.result
    assert len(first.result["metrics"]["timeline"]) == first.result["metrics"]["batches"]

    services.advisories.pop("PYSEC-2024-0")
    book = openpyxl.load_workbook(workbook)
    book["Packages"]["C6"] = "unknown"
    book.save(workbook)
    services.projects["still"] = pypi_document("still")
    services.advisories["PYSEC-2024-9"] = advisory("PYSEC-2024-9", "still", "2.0")
    second = command.run("--input", workbook, "--start-fresh", **environment)
    assert second.result is not None, second.err
    since = second.result["since_last"]
    assert since["before"]["scan_id"] == first.result["scan_id"]
    assert [one["ids"] for one in since["new"]] == [["PYSEC-2024-9"]]
    assert [one["ids"] for one in since["fixed"]] == [["PYSEC-2024-0"]]
    # Its row has no usable version any more, so that nobody says that its finding is gone.
    assert [one["ids"] for one in since["not_checked"]] == [["PYSEC-2024-2"]]
    assert "1 new, 1 fixed, 1 not checked this time" in second.out

    reports = sorted(path.name for path in (command.data / "output").glob("scan_report_*"))
    assert [name.partition(".")[2] for name in reports] in (["html", "json", "txt"] * 2, ["html", "json", "txt"])
    page = max((command.data / "output").glob("scan_report_*.html")).read_text("utf-8")
    assert "PYSEC-2024-9" in page

    answer = command.folder / "compared.json"
    words = ["--data-dir", str(command.data), "--compare", "previous", "last", "--json", str(answer)]
    assert main(words) == 0
    assert json.loads(answer.read_text())["new"] == since["new"]
