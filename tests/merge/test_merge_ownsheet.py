"""The summary sheet: added by insertions alone, renewed as cells, refused where it is not ours."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from tasks.errors import MergeError, MergeRefused
from tasks.merge.changes import CellChange
from tasks.merge.commit import MergePlan, write_changes
from tasks.merge.ownsheet import MARKER, NAME, own_sheet, sheet_edits
from tasks.reports.summarysheet import summary_sheet_lines
from tasks.review.meaning import Meaning
from tasks.workbook.model import CellUpdate, Field
from tasks.workbook.newsheet import add_sheet, verify_sheet_added
from tasks.workbook.package import open_package
from tasks.workbook.reader import read_review
from tasks.workbook.verify import verify_written
from tasks.workbook.writer import write_workbook
from tests.end_to_end.harness import make_workbook
from tests.review.review_samples import OSV_DOWN, advisory, key, reviewed
from tests.workbook.books import Book, read_parts

NAMING = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"}
NOW = datetime.fromisoformat("2026-03-04T05:06:07")


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return Book(rows='<row r="1"><c r="A1" t="inlineStr"><is><t>kept</t></is></c></row>').save(tmp_path / "book.xlsx")


def added(source: Path) -> Path:
    target = source.with_name(f"{source.stem}-added.xlsx")
    add_sheet(source, target, NAME)
    verify_sheet_added(source, target, NAME)
    return target


def filled(source: Path, *lines: tuple[str | int | None, ...]) -> Path:
    target, own = source.with_name(f"{source.stem}-filled.xlsx"), own_sheet(source)
    before, edits = source if own.present else added(source), sheet_edits(own, lines)
    report = write_workbook(before, target, edits.sheet, edits.updates)
    verify_written(before, target, edits.sheet, edits.updates, report=report)
    return target


def values(path: Path) -> list[tuple[object, ...]]:
    return [tuple(v for v in row if v is not None) for row in openpyxl.load_workbook(path)[NAME].values]


def test_only_what_names_the_sheet_changes(book: Path) -> None:
    before, after = read_parts(book), read_parts(filled(book, ("one", 1)))
    assert set(after) - set(before) == {"xl/worksheets/vetbookSummary1.xml"}
    assert {name for name in before if before[name] != after[name]} == NAMING


def test_the_sheet_is_last_and_shows_its_lines(book: Path) -> None:
    path = filled(book, ("one", 1), ("=two", None))
    assert openpyxl.load_workbook(path).sheetnames[-1] == NAME
    assert values(path) == [(NAME,), (MARKER,), ("one", 1), ("=two",)]
    assert openpyxl.load_workbook(path)[NAME]["A4"].data_type == "s"


def test_renewing_empties_what_was_there_and_changes_that_part_alone(book: Path) -> None:
    first = filled(book, ("one", 1), ("two", 2))
    second = filled(first, ("three", 3))
    assert own_sheet(first).present
    assert [row for row in values(second) if row] == [(NAME,), (MARKER,), ("three", 3)]
    before, after = read_parts(first), read_parts(second)
    assert {name for name in before if before[name] != after[name]} == {"xl/worksheets/vetbookSummary1.xml"}


def test_a_sheet_of_that_name_that_is_not_ours_is_refused_by_name(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("vetbook SUMMARY")["A1"] = "mine"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(MergeRefused, match='"vetbook SUMMARY" was not written by this program'):
        own_sheet(tmp_path / "mine.xlsx")


def test_ours_is_known_after_another_program_saved_it(book: Path, tmp_path: Path) -> None:
    openpyxl.load_workbook(filled(book, ("one", 1))).save(tmp_path / "saved.xlsx")
    own = own_sheet(tmp_path / "saved.xlsx")
    assert (own.present, own.last_row) == (True, 3)
    assert [row for row in values(filled(tmp_path / "saved.xlsx")) if row] == [(NAME,), (MARKER,)]


@pytest.mark.parametrize("locked", ["1", "true"])
def test_a_protected_structure_is_left_alone(tmp_path: Path, locked: str) -> None:
    book = Book(workbook_before=f'<workbookProtection lockStructure="{locked}"/>').save(tmp_path / "book.xlsx")
    with pytest.raises(MergeRefused, match="structure is protected"):
        own_sheet(book)
    with pytest.raises(MergeRefused, match="structure is protected"):
        add_sheet(book, tmp_path / "new.xlsx", NAME)


def test_names_that_are_taken_are_not_used_again(book: Path, tmp_path: Path) -> None:
    first = added(book)
    second = tmp_path / "second.xlsx"
    add_sheet(first, second, "Another")
    with open_package(second) as package:
        sheets = package.sheets
        assert [sheet.part for sheet in sheets[-2:]] == [
            "xl/worksheets/vetbookSummary1.xml",
            "xl/worksheets/vetbookSummary2.xml",
        ]
        assert len({sheet.sheet_id for sheet in sheets}) == len(sheets)


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[str, bytes], bytes]:
    return lambda part, content: change(content) if part == name else content


@pytest.mark.parametrize(
    "spoil",
    [
        changed("xl/styles.xml", lambda content: content + b" "),
        changed("xl/workbook.xml", lambda content: content.replace(b'sheetId="7"', b'sheetId="9"')),
        changed("[Content_Types].xml", lambda content: content.replace(b"application/xml", b"application/xyz")),
    ],
)
def test_a_package_that_is_not_as_intended_is_never_believed(
    book: Path, tmp_path: Path, spoil: Callable[[str, bytes], bytes]
) -> None:
    good, bad = added(book), tmp_path / "bad.xlsx"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as target:
        for item in source.infolist():
            target.writestr(item, spoil(item.filename, source.read(item)))
    with pytest.raises(MergeError, match="not as intended"):
        verify_sheet_added(book, bad, NAME)


def test_the_lines_say_what_was_found_and_what_was_not_checked() -> None:
    reviews = [reviewed(key("1.0"), advisory("PYSEC-2024-1")), reviewed(osv=OSV_DOWN), reviewed(key("3.0"))]
    lines = list(summary_sheet_lines(reviews, 5, NOW))
    assert ("Package rows", 5) in lines
    assert ("Looked at by this scan", 3) in lines
    assert ("Could not check", 1) in lines
    assert ("demo", "1.0", "HIGH", "2.0", "PYSEC-2024-1") in lines
    assert lines[-1][2] == "could not check: osv: no answer after 5 tries"
    assert max(len(line) for line in lines) <= 5


def test_the_merge_adds_and_fills_the_sheet_together_with_the_review(tmp_path: Path) -> None:
    book = make_workbook(tmp_path / "r.xlsx", [("alpha", "1.0")])
    before, read, own = book.read_bytes(), read_review(book), own_sheet(book)
    update = CellUpdate(4, "F", "2.0", Meaning.VERSION_UPDATE.style)
    plan = MergePlan(
        source=book,
        target=book,
        layout=read.layout,
        expected=read.fingerprint,
        changes=(CellChange(4, "F", Field.LATEST_VERSION, "alpha", "", "2.0", Meaning.VERSION_UPDATE, update),),
        new_rows=(),
        after_row=4,
        backups=tmp_path / "backups",
        scan_id="s",
        now=datetime(2026, 1, 1),  # noqa: DTZ001  file names carry local time
        further=(sheet_edits(own, [("one", 1)]),),
        new_sheets=(own.name,),
    )
    report = write_changes(plan)
    assert report.backup is not None
    assert report.backup.read_bytes() == before
    assert read_review(book).rows[0].cells[Field.LATEST_VERSION] == "2.0"
    assert values(book)[2] == ("one", 1)
    # The summary is not taken for the review sheet, and is found again.
    assert read_review(book).layout.sheet == "Packages"
    assert own_sheet(book).last_row == 3
