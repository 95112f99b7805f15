"""The upgrade sheet: the plan as cells, beside the summary sheet, and never over somebody else's sheet."""

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from tasks.errors import MergeRefused
from tasks.merge.commit import MergePlan, write_changes
from tasks.merge.ownsheet import SheetKind, own_sheet, sheet_edits
from tasks.reports.upgrades import upgrade_lines
from tasks.reports.upgradesheet import upgrade_sheet_lines
from tasks.review.model import PackageReview
from tasks.review.upgrade_plan import upgrade_plan
from tasks.workbook.reader import read_review
from tests.end_to_end.harness import make_workbook
from tests.review.review_samples import PYPI_DOWN, advisory, key, reviewed


def _malicious() -> PackageReview:
    review = reviewed(key("1.0", name="evil"), advisory("MAL-2024-1", name="evil"))
    assert review.vulnerabilities[0].malicious
    return review


def test_a_line_says_where_to_go_and_why() -> None:
    affected = reviewed(key("1.0"), advisory("A"))
    down = reviewed(key("1.0", name="down"), advisory("A", name="down", vector=None), pypi=PYPI_DOWN)
    assert list(upgrade_sheet_lines(upgrade_plan([affected, _malicious(), down]))) == [
        (),
        ("Package", "Installed", "Own release line", "Over all", "Why, and what stands in the way"),
        ("evil", "1.0", "remove it", "remove it", "MALICIOUS, CVSS 7.5, 1 vulnerability"),
        ("demo", "1.0", "none known", "2.0", "CVSS 7.5, 1 vulnerability"),
        ("down", "1.0", "could not be looked for", "could not be looked for", "UNKNOWN, 1 vulnerability"),
    ]
    assert list(upgrade_sheet_lines(()))[-1] == ("nothing is affected",)


def test_packages_that_could_not_be_checked_are_not_said_to_be_fine() -> None:
    assert list(upgrade_sheet_lines((), 3))[-1] == ("Not in this plan: 3 packages that could not be checked",)
    said = list(upgrade_lines((), 1))
    assert said[-1].strip() == "Not in this plan: 1 package that could not be checked"


def _plan(book: Path, folder: Path) -> MergePlan:
    read = read_review(book)
    own = [own_sheet(book, kind) for kind in SheetKind]
    return MergePlan(
        source=book,
        target=book,
        layout=read.layout,
        expected=read.fingerprint,
        changes=(),
        new_rows=(),
        after_row=4,
        backups=folder / "backups",
        scan_id="s",
        now=datetime.fromisoformat("2026-01-01"),
        further=tuple(sheet_edits(one, [("=line", one.kind.title)]) for one in own),
        new_sheets=tuple(one.name for one in own if not one.present),
    )


def test_both_sheets_of_ours_are_added_and_renewed_together(tmp_path: Path) -> None:
    book = make_workbook(tmp_path / "book.xlsx", [("alpha", "1.0")])
    for _ in range(2):
        write_changes(_plan(book, tmp_path))
        written = openpyxl.load_workbook(book)
        assert written.sheetnames == ["Packages", "Vetbook summary", "Vetbook upgrades"]
        for kind in SheetKind:
            lines = [tuple(value for value in row if value is not None) for row in written[kind.title].values]
            assert lines == [(kind.title,), (kind.marker,), ("=line", kind.title)]
            assert written[kind.title]["A3"].data_type == "s"


def test_a_sheet_of_that_name_of_somebody_else_is_refused_by_its_own_flag(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Vetbook upgrades")["A1"] = "mine"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(MergeRefused, match="leave out --upgrade-sheet"):
        own_sheet(tmp_path / "mine.xlsx", SheetKind.UPGRADES)
