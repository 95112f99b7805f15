"""Decisions and the upgrade plan as a user meets them: sheet, file, gate, cells and reports of one command."""

import datetime

import openpyxl

from tests.end_to_end.harness import Command, Services, advisory, make_workbook, pypi_document

TODAY = datetime.date.today()  # noqa: DTZ011  the command goes by the reviewer's own day
LATER, EARLIER = TODAY + datetime.timedelta(days=30), TODAY - datetime.timedelta(days=30)
HEADERS = ("Package", "Advisory", "Decision", "Owner", "Reason", "Expiry")


def test_decisions_count_until_their_day_and_the_plan_names_who_pins(command: Command, services: Services) -> None:
    services.projects.update({name: pypi_document(name, ("1.0", "1.5", "2.0")) for name in ("alpha", "beta")})
    services.advisories["GHSA-1"] = advisory("GHSA-1", "alpha", "1.5", aliases=["CVE-2024-0001"])
    services.advisories["GHSA-2"] = advisory("GHSA-2", "beta", "2.0")
    services.projects["beta"]["info"]["requires_dist"] = ["alpha<1.2"]
    path = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    book = openpyxl.load_workbook(path)
    sheet = book.create_sheet("Decisions")
    for row in (
        HEADERS,
        ("alpha", "cve-2024-0001", "accepted risk", "Jane", "internal", LATER),
        ("beta", "GHSA-2", "false positive", "", "no owner", LATER),
    ):
        sheet.append(row)
    book.save(path)
    file = command.folder / "decisions.yaml"
    file.write_text(f"- {_yaml(LATER)}\n", encoding="utf-8")

    ran = command.run(
        "--input", path, "--decisions", file, "--upgrade-sheet", "--fail-on", "low", **services.environment()
    )
    assert ran.code == 0, ran.err
    assert "Decisions!3: no owner; fill it in; this decision does not count" in ran.out
    assert "2 findings decided (1 accepted risk, 1 not affected), 1 decision refused" in ran.out
    assert ran.package(4)["recommendation"]["tier"] == "manual_review"
    assert ran.package(5)["recommendation"]["tier"] == "update"
    after = openpyxl.load_workbook(path)
    assert "📝 DECIDED: CVE-2024-0001 accepted risk (owner Jane" in str(after["Packages"]["W4"].value)
    assert str(after["Packages"]["M4"].value).startswith("VULNERABLE - 1 GitHub advisory affects v1.0")
    assert [row[0].value for row in after["Decisions"].rows] == ["Package", "alpha", "beta"]
    lines = {row[0]: row[1:] for row in after["Vetbook upgrades"].iter_rows(min_row=3, values_only=True)}
    assert lines["alpha"][:3] == ("1.0", "1.5", "1.5")
    assert "pinned by beta 1.0 (row 5) as its 2.0 says: alpha<1.2 excludes 1.5" in str(lines["alpha"][3])
    (report,) = (command.data / "output").glob("scan_report_*.txt")
    assert "UPGRADE PLAN (2)" in report.read_text("utf-8")

    file.write_text(f"- {_yaml(EARLIER)}\n", encoding="utf-8")
    again = command.run("--input", path, "--decisions", file, "--fail-on", "low", "--dry-run", **services.environment())
    assert again.code == 1
    assert "⏰ DECISION EXPIRED: GHSA-2 not affected (owner John" in again.package(5)["recommendation"]["text"]


def _yaml(expiry: datetime.date) -> str:
    fields = "package: Beta, advisory: GHSA-2, decision: not affected, owner: John, reason: unused"
    return f"{{{fields}, expiry: {expiry}}}"
