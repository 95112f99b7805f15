"""The merge's end: a workbook that others change, hold or have left half merged."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from tasks.files.backups import backup_path
from tasks.files.disk import sha256_of
from tasks.files.journal import MergeJournal, journal_path, write_journal
from tests.end_to_end.harness import Command, Ran, Services, advisory, make_workbook, pypi_document

SHEET = "Packages"


@pytest.fixture
def known(services: Services) -> Services:
    for name in ("alpha", "beta", "gamma"):
        services.projects[name] = pypi_document(name)
    record = advisory("GHSA-aaaa-bbbb-cccc", "alpha", "1.5", aliases=["CVE-2024-0001"])
    services.advisories[record["id"]] = record
    return services


def _while_it_looks_up(services: Services, command: Command, book: Path, edit: Callable[[], None], *words: str) -> Ran:
    """Run a scan, and do something to the workbook while the first answer of PyPI is awaited."""
    come, go_on = threading.Event(), threading.Event()

    def hold(_: int) -> None:
        come.set()
        go_on.wait(60)

    services.hold = hold
    process = command.start("--input", book, *words, **services.environment())
    try:
        assert come.wait(90)
        edit()
    finally:
        services.hold = lambda _: None
        go_on.set()
    out, err = process.communicate(timeout=120)
    return Ran(process.returncode, out, err, None)


def _edit(book: Path, change: Callable[[Worksheet], None]) -> None:
    loaded = openpyxl.load_workbook(book)
    change(loaded[SHEET])
    loaded.save(book)


def test_edits_made_while_the_scan_ran_are_kept(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0"), ("gamma", "1.0")])

    def change(sheet: Worksheet) -> None:
        sheet["N5"] = "my new note"
        sheet["J4"] = "my own status"
        sheet.delete_rows(6)
        sheet.insert_rows(4)

    ran = _while_it_looks_up(known, command, book, lambda: _edit(book, change))
    assert ran.code == 0, ran.err
    sheet = openpyxl.load_workbook(book)[SHEET]
    assert [sheet[f"B{row}"].value for row in (4, 5, 6, 7)] == [None, "alpha", "beta", None]
    assert sheet["N6"].value == "my new note"
    assert sheet["J5"].value == "my own status"
    assert str(sheet["W5"].value).startswith("🚨 SECURITY RISK")
    assert sheet["F6"].value == "2.0"
    assert "Conflict: alpha, development_status (J5)" in ran.out
    assert "gamma 1.0 (row 6 as read) is no longer there" in ran.out


def test_use_checkpoint_lets_the_scan_win(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])

    def change(sheet: Worksheet) -> None:
        sheet["J4"] = "my own status"

    strategy = ("--merge-strategy", "use-checkpoint")
    ran = _while_it_looks_up(known, command, book, lambda: _edit(book, change), *strategy)
    assert ran.code == 0, ran.err
    assert openpyxl.load_workbook(book)[SHEET]["J4"].value == "5 - Production/Stable"


def test_a_held_workbook_gets_a_merged_copy_beside_it(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    before = book.read_bytes()
    (command.folder / ".~lock.r.xlsx#").write_text(",ann,host,22.11.2026 15:38,file:///home/ann/profile;")
    ran = command.run("--input", book, "--lock-timeout", "0", **known.environment())
    assert (ran.code, book.read_bytes()) == (4, before)
    assert "r.pending.xlsx" in ran.err
    assert openpyxl.load_workbook(command.folder / "r.pending.xlsx")[SHEET]["F4"].value == "2.0"
    (command.folder / ".~lock.r.xlsx#").unlink()
    ran = command.run("--input", book, "--resume-auto", **known.environment())
    assert (ran.code, ran.result and ran.result["metrics"]["cached_batches"]) == (0, 1), ran.err
    assert (
        "r.pending.xlsx was made while the workbook was open; the workbook is written now: delete the copy" in ran.err
    )


def test_a_merge_that_was_killed_after_the_replacement_is_finished(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    backups = command.data / "backups"
    backups.mkdir(parents=True)
    journal = MergeJournal(
        target=book,
        backup=backup_path(backups, book, datetime(2026, 1, 1)),  # noqa: DTZ001  file names carry local time
        old_sha256="0" * 64,
        new_sha256=sha256_of(book),
        temporary=".r.xlsx.0.tmp",
        scan_id="earlier",
        started_at=datetime(2026, 1, 1),  # noqa: DTZ001
    )
    write_journal(journal_path(backups, book), journal)
    ran = command.run("--input", book, **known.environment())
    assert ran.code == 0, ran.err
    assert "interrupted merge" in ran.err
    assert "earlier" in ran.err
    assert not list(backups.glob("*.merge.json"))


def test_two_scans_at_once_queue_up_and_lose_nothing(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    other = Command(command.folder / "other", command.root, command.environment)
    other.folder.mkdir()
    first = command.start("--input", book, "--start-row", "4", "--end-row", "4", **known.environment())
    second = other.start("--input", book, "--start-row", "5", "--end-row", "5", **known.environment())
    assert [process.communicate(timeout=120)[1] and process.returncode for process in (first, second)] == [0, 0]
    sheet = openpyxl.load_workbook(book)[SHEET]
    assert [sheet[f"F{row}"].value for row in (4, 5)] == ["2.0", "2.0"]


def test_the_reports_tell_what_changed(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    assert command.run("--input", book, **known.environment()).code == 0
    (report,) = (command.data / "output").glob("changes_report_*.txt")
    assert "📦 alpha (Row 4):" in report.read_text("utf-8")
    shown = command.run("--input", book, "--changes-only")
    assert shown.code == 0, shown.err
    assert "✅ Latest Version (Col F): Added '2.0'" in shown.out


def test_format_check_lists_and_mends(command: Command, known: Services) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    assert command.run("--input", book, **known.environment()).code == 0

    def whiten(sheet: Worksheet) -> None:
        sheet["M4"].fill = PatternFill()

    _edit(book, whiten)
    before = book.read_bytes()
    listed = command.run("--input", book, "--format-check-only")
    assert (listed.code, book.read_bytes()) == (0, before), listed.err
    assert "NEEDS_FIX" in listed.out
    assert command.run("--input", book, "--format-check", **known.environment()).code == 0
    assert openpyxl.load_workbook(book)[SHEET]["M4"].fill.fgColor.rgb == "FFFFE6E6"
    assert "NEEDS_FIX" not in command.run("--input", book, "--format-check-only").out
