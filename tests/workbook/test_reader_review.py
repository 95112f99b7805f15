"""Reading whole workbooks: row numbers, cell types, sheets, fingerprints, and what is refused."""

import hashlib
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Literal

import pytest
from openpyxl import load_workbook

from tasks.errors import InputError
from tasks.workbook import reader
from tasks.workbook.model import STANDARD_COLUMNS, Field
from tasks.workbook.reader import LayoutWanted, fingerprint_of, read_review
from tasks.workbook.rows import SheetRow, collect_rows
from tests.workbook import reader_books as books

F = Field


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "review.xlsx"


def test_a_standard_workbook(book: Path) -> None:
    books.review(book, ("Jinja2", "2.11.2", "https://pypi.org/project/Jinja2/"), ("pytz", 2022.1), ("six", "NEW"))
    read = read_review(book)
    assert read.path == book
    assert (read.layout.sheet, read.layout.header_row, read.layout.data_start_row) == ("Review", 3, 4)
    assert dict(read.layout.columns) == dict(STANDARD_COLUMNS)
    assert [(row.row, row.project, row.version, row.is_new) for row in read.rows] == [
        (4, "jinja2", "2.11.2", False),
        (5, "pytz", "2022.1", False),
        (6, "six", None, True),
    ]
    assert read.odd_rows == ()


def test_cells_hold_true_types_of_every_mapped_column(book: Path) -> None:
    when, day = datetime.fromisoformat("2024-05-06T07:08:09"), datetime.fromisoformat("2024-05-06")
    books.review(book, ("six", 1.5, True, when, day, time(4, 5), 3, 2.5, " padded \n"))
    cells = read_review(book).rows[0].cells
    assert set(cells) == set(Field)
    assert cells[F.INDEX] == 1
    assert isinstance(cells[F.INDEX], int)
    assert cells[F.CURRENT_VERSION] == 1.5
    assert cells[F.PYPI_CURRENT_LINK] is True
    assert cells[F.DATE_PUBLISHED] == when
    assert cells[F.LATEST_VERSION] == day
    assert cells[F.PYPI_LATEST_LINK] == "04:05:00"
    assert cells[F.LATEST_RELEASE_DATE] == 3
    assert cells[F.REQUIRES] == 2.5
    assert cells[F.DEVELOPMENT_STATUS] == " padded \n"
    assert cells[F.RECOMMENDATION] is None


@pytest.mark.parametrize(("first_row", "first_column"), [(1, 1), (3, 1), (3, 2), (9, 4), (2, 25)])
def test_row_numbers_and_columns_hold_with_blank_rows_and_columns_before(
    book: Path, first_row: int, first_column: int
) -> None:
    rows = [["Package Name", "Version"], ["requests", "2.0"], [], ["flask", "1.0"]]
    books.save(book, rows, first_row=first_row, first_column=first_column)
    read = read_review(book)
    sheet = load_workbook(book)["Review"]
    assert [row.row for row in read.rows] == [first_row + 1, first_row + 3]
    for row in read.rows:
        letter = read.layout.columns[F.PACKAGE_NAME]
        assert sheet[f"{letter}{row.row}"].value == row.cells[F.PACKAGE_NAME]


def test_formatted_blanks_behind_the_data_are_ignored(book: Path) -> None:
    books.review(book, ("requests", "2.0"))
    blanks = "".join(f'<row r="{row}"><c r="B{row}" s="0"/></row>' for row in range(5, 500))
    books.rewrite(book, lambda xml: xml.replace("</sheetData>", f"{blanks}</sheetData>"))
    read = read_review(book)
    assert (len(read.rows), read.odd_rows) == (1, ())


def test_stray_rows_are_named(book: Path) -> None:
    books.review(book, ("requests", "2.0"), (" \xa0", "1.2"), (7, "1.0"), (None, None, None, None, "x"))
    read = read_review(book)
    assert [row.row for row in read.rows] == [4]
    assert [number for number, _ in read.odd_rows] == [5, 6, 7]


def test_the_fingerprint_is_of_the_bytes_that_were_read(book: Path) -> None:
    books.review(book, ("requests", "2.0"))
    data, status = book.read_bytes(), book.stat()
    found = read_review(book).fingerprint
    assert (found.size, found.modified_ns) == (len(data), status.st_mtime_ns)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert fingerprint_of(book) == found
    os.utime(book, ns=(1, 1))
    assert fingerprint_of(book) != found


def test_reading_changes_nothing(book: Path) -> None:
    books.review(book, ("requests", "2.0"))
    before = book.read_bytes()
    read_review(book)
    assert book.read_bytes() == before
    assert [item.name for item in book.parent.iterdir()] == [book.name]


def test_the_fullest_sheet_is_found_and_the_active_one_breaks_a_tie(book: Path) -> None:
    small = [["Package", "Version"], ["a", "1"]]
    full: list[list[object]] = [["t"], ["t"], [*books.HEADERS], [1, "b", "1"]]
    books.sheets(book, {"Summary": small, "Review": full})
    assert read_review(book).layout.sheet == "Review"
    books.sheets(book, {"First": small, "Second": small, "Third": small}, active=1)
    assert read_review(book).layout.sheet == "Second"


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_hidden_sheets_are_read_only_when_named(book: Path, state: Literal["hidden", "veryHidden"]) -> None:
    old: list[list[object]] = [[*books.HEADERS], [1, "b", "1"]]
    shown: list[list[object]] = [["Package", "Version"], ["a", "1"]]
    books.sheets(book, {"Shown": shown, "Old": old})
    changed = load_workbook(book)
    changed["Old"].sheet_state = state
    changed.save(book)
    assert read_review(book).layout.sheet == "Shown"
    assert read_review(book, LayoutWanted("old")).layout.sheet == "Old"


def test_a_chart_sheet_is_no_candidate_and_refused_when_named(book: Path) -> None:
    books.review(book, ("requests", "2.0"))
    changed = load_workbook(book)
    changed.create_chartsheet("Chart", 0)
    changed.save(book)
    assert read_review(book).layout.sheet == "Review"
    with pytest.raises(InputError, match="Chart"):
        read_review(book, LayoutWanted("Chart"))


def test_settings_give_another_layout(book: Path) -> None:
    books.save(book, [["x", "name?", "v?"], ["-", "requests", "2.0"]], first_row=6)
    with pytest.raises(InputError, match="no sheet has the headers"):
        read_review(book)
    wanted = LayoutWanted("Review", 6, 7, {F.PACKAGE_NAME: "B", F.CURRENT_VERSION: "C", F.RECOMMENDATION: "Z"})
    read = read_review(book, wanted)
    assert [(row.row, row.version) for row in read.rows] == [(7, "2.0")]
    assert dict(read.rows[0].cells) == {F.PACKAGE_NAME: "requests", F.CURRENT_VERSION: "2.0", F.RECOMMENDATION: None}


@pytest.mark.parametrize("rows", [[], [[1, None, "2.0"]], [[1, "two words", "2.0"]]])
def test_no_package_at_all_is_refused(book: Path, rows: list[list[object]]) -> None:
    books.save(book, [books.HEADERS, *rows])
    with pytest.raises(InputError, match='sheet "Review" has no package in column B from row 4 on'):
        read_review(book)


def test_an_empty_sheet_is_refused(book: Path) -> None:
    books.save(book, [])
    with pytest.raises(InputError, match="no sheet has the headers"):
        read_review(book)


def test_files_that_are_no_workbook_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "packages.xlsx"
    text.write_text("Package Name,Version\nrequests,2.0\n")
    for path in (text, tmp_path / "missing.xlsx"):
        with pytest.raises(InputError, match=path.name):
            read_review(path)
    with pytest.raises(InputError, match=r"missing\.xlsx"):
        fingerprint_of(tmp_path / "missing.xlsx")


def test_a_broken_sheet_is_refused_by_name(book: Path) -> None:
    books.review(book, ("requests", "2.0"))
    books.rewrite(book, lambda xml: xml.replace('r="B4"', 'r="B4'))
    with pytest.raises(InputError, match=book.name) as caught:
        read_review(book)
    assert "\n" not in str(caught.value)


def test_a_workbook_saved_while_it_is_read_is_refused(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    books.review(book, ("requests", "2.0"))

    def saved_meanwhile(*args: Iterable[SheetRow]) -> object:
        books.review(book, ("requests", "2.1"), ("flask", "1.0"))
        return collect_rows(*args)

    monkeypatch.setattr(reader, "collect_rows", saved_meanwhile)
    with pytest.raises(InputError, match="was saved while it was read"):
        read_review(book)


def test_a_stray_value_in_the_last_cell_does_not_take_the_process_down(book: Path) -> None:
    """In a process of its own: what this guards against is an abort, which no exception handler sees."""
    books.review(book, ("requests", "2.0"))
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    books.rewrite(book, lambda xml: xml.replace("</sheetData>", far))
    script = (
        "import sys, pathlib\n"
        "from tasks.errors import InputError\n"
        "from tasks.workbook.reader import LayoutWanted, read_review\n"
        "try: read_review(pathlib.Path(sys.argv[1]), LayoutWanted('Review'))\n"
        "except InputError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(book)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    assert 'sheet "Review" reaches to XFD1048576' in done.stdout


def test_a_sheet_that_is_too_large_is_passed_over(book: Path) -> None:
    books.sheets(book, {"Dump": [["x"]], "Review": [books.HEADERS, [1, "requests", "2.0"]]})
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    books.rewrite(book, lambda xml: xml.replace("</sheetData>", far))
    assert read_review(book).layout.sheet == "Review"


def test_equal_texts_are_kept_once_so_that_large_workbooks_fit_into_memory(book: Path) -> None:
    results = ["None found " * 20] * 15
    books.review(book, *((f"package-{number}", "1.0", *results) for number in range(500)))
    tracemalloc.start()
    try:
        read = read_review(book)
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    # Fifteen copies of that text would be 4 kB a row on their own.
    assert held / len(read.rows) < 2000
