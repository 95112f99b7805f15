"""For any workbook that openpyxl writes: nothing crashes, and no row with a name disappears."""

import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import InputError
from tasks.workbook.model import Field
from tasks.workbook.reader import read_review
from tasks.workbook.versions import clean_text
from tests.workbook import reader_books as books

# Control characters that XML cannot hold are refused by openpyxl; surrogates cannot be saved at all.
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
NAME = st.from_regex(r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,5}[A-Za-z0-9])?\Z")
FORMULA = st.sampled_from(["=A1", "==1.2", "=1+1", "=#N/A"])
CELL = st.one_of(
    st.none(),
    TEXT,
    NAME,
    FORMULA,
    st.sampled_from([" ", "\xa0", "\u200b", "#N/A", "#REF!", "NEW", "1.0", ">=2"]),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.datetimes(datetime.fromisoformat("1950-01-01"), datetime.fromisoformat("2100-01-01")),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    st.times(),
    st.timedeltas(timedelta(0), timedelta(days=400)),
)
ROW = st.tuples(st.one_of(st.none(), st.integers(0, 9)), CELL, CELL, CELL)


def has_content(cell: object) -> bool:
    return cell is not None and (not isinstance(cell, str) or clean_text(cell) != "")


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=8), st.integers(1, 5), st.integers(1, 4))
def test_every_row_with_a_name_is_a_package_or_odd(
    rows: list[tuple[object, ...]], first_row: int, first_column: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = books.save(
            Path(folder) / "b.xlsx",
            [["#", "Package Name", "Version", "Notes"], *rows],
            first_row=first_row,
            first_column=first_column,
        )
        named = {first_row + number for number, row in enumerate(rows, start=1) if has_content(row[1])}
        try:
            read = read_review(book)
        except InputError as error:
            assert "has no package" in str(error)  # noqa: PT017 - not every example raises
            return
    packages, odd = {row.row for row in read.rows}, {number for number, _ in read.odd_rows}
    assert named <= packages | odd
    assert not packages & odd
    assert packages <= named
    for row in read.rows:
        assert [row.version is not None, row.problem is not None, row.is_new].count(True) == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(NAME, st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,3}\Z")), min_size=1, max_size=8))
def test_names_and_versions_come_back_as_written(packages: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        read = read_review(books.review(Path(folder) / "b.xlsx", *packages))
    assert [(row.name, row.version_text) for row in read.rows] == packages
    assert all(row.cells[Field.PACKAGE_NAME] == row.name for row in read.rows)
    assert read.odd_rows == ()


def test_the_kinds_of_cells_are_all_writable() -> None:
    """Guards the strategies: what openpyxl would refuse could not test anything."""
    with tempfile.TemporaryDirectory() as folder:
        samples: list[object] = [
            "x",
            "=A1",
            1,
            1.5,
            True,
            datetime.fromisoformat("2022-01-01"),
            date(2022, 1, 1),
            time(1),
            timedelta(1),
        ]
        assert books.save(Path(folder) / "b.xlsx", [samples]).stat().st_size > 0
