"""The same on real files: read, edited in another program, fitted, written, and read back."""

from pathlib import Path

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from tasks.merge.threeway import reconcile
from tasks.review.meaning import Meaning
from tasks.settings.processing import MergeStrategy
from tasks.workbook.model import Field
from tasks.workbook.reader import read_review
from tasks.workbook.verify import verify_written
from tasks.workbook.writer import write_workbook
from tests.merge.merge_books import change
from tests.workbook.reader_books import review

W, NOTES = Field.RECOMMENDATION, Field.NOTES


def sheet_of(path: Path) -> Worksheet:
    found = load_workbook(path)["Review"]
    assert isinstance(found, Worksheet)
    return found


def test_a_workbook_edited_while_the_scan_ran_keeps_every_edit(tmp_path: Path) -> None:
    path = review(tmp_path / "review.xlsx", *((name, "1.0") for name in ("alpha", "beta", "gamma", "delta")))
    base = read_review(path)
    ours = [change(row, W, f"✅ PROCEED {row.name}", Meaning.SAFE) for row in base.rows]
    edited = load_workbook(path)
    sheet = edited["Review"]
    sheet.insert_rows(1, 2)
    sheet.delete_rows(7)
    sheet["W6"], sheet["N8"], sheet["C8"] = "approved by Ann", "keep an eye on it", "1.0.0"
    sheet.insert_cols(1)
    sheet.append([None, 9, "epsilon", "3.0"])
    edited.save(path)

    theirs = read_review(path)
    found = reconcile(base, theirs, ours, MergeStrategy.MERGE)
    target = tmp_path / "merged.xlsx"
    updates = [made.update for made in found.changes]
    report = write_workbook(path, target, theirs.layout.sheet, updates)
    verify_written(path, target, theirs.layout.sheet, updates, report=report)

    assert [(conflict.package, conflict.theirs) for conflict in found.conflicts] == [("alpha", "approved by Ann")]
    assert [gone.package for gone in found.gone] == ["beta"]
    merged = {row.name: row for row in read_review(target).rows}
    assert {name: row.cells[W] for name, row in merged.items()} == {
        "alpha": "approved by Ann",
        "gamma": "✅ PROCEED gamma",
        "delta": "✅ PROCEED delta",
        "epsilon": None,
    }
    assert merged["delta"].cells[NOTES] == "keep an eye on it"
    before, after = sheet_of(path), sheet_of(target)
    changed = {cell.coordinate for row in after for cell in row if cell.value != before[cell.coordinate].value}
    assert changed == {"X7", "X8"}
