"""Choosing rows by number and by name."""

from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.workbook.model import Fingerprint, Layout, PackageRow, ReviewWorkbook
from tasks.workbook.selection import select_rows

NAMES = {4: "requests", 5: "Flask", 7: "ruamel.yaml", 8: "flask", 11: "six"}
BOOK = ReviewWorkbook(
    Path("book.xlsx"),
    Fingerprint(0, 0, ""),
    Layout("S", 3, 4),
    tuple(PackageRow(row, name, name.lower().replace(".", "-"), "1.0", "1.0") for row, name in NAMES.items()),
    ((12, "row 12: no package name but notes; skipped"),),
)


def chosen(start: int | None = None, end: int | None = None, packages: list[str] | None = None) -> list[int]:
    return [row.row for row in select_rows(BOOK, start_row=start, end_row=end, packages=packages).rows]


def test_without_limits_all_rows() -> None:
    assert chosen() == chosen(packages=[]) == list(NAMES)


def test_each_limit_works_alone_and_both_are_included() -> None:
    assert chosen(start=7) == [7, 8, 11]
    assert chosen(end=7) == [4, 5, 7]
    assert chosen(start=5, end=8) == [5, 7, 8]
    assert chosen(start=5, end=5) == [5]
    assert chosen(start=4, end=12) == list(NAMES)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (3, None, "--start-row 3 is outside"),
        (13, None, "--start-row 13 is outside"),
        (None, 0, "--end-row 0 is outside"),
        (None, 500, "--end-row 500 is outside"),
        (8, 5, "--start-row 8 is after --end-row 5"),
        (9, 10, "rows 9 to 10 hold no package"),
    ],
)
def test_limits_that_cannot_be_are_refused_with_the_range(start: int | None, end: int | None, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        chosen(start, end)
    assert "rows 4 to 12" in str(caught.value)


def test_names_are_matched_by_project_in_any_case() -> None:
    assert chosen(packages=["FLASK", "Ruamel_Yaml", "six[extra]"]) == [5, 7, 8, 11]


def test_missing_names_are_returned_once_as_typed_and_in_order() -> None:
    found = select_rows(BOOK, packages=["Zope.Interface", "six", "abc ", "zope_interface"])
    assert [row.row for row in found.rows] == [11]
    assert found.missing_names == ("Zope.Interface", "abc")


def test_a_name_outside_the_rows_asked_for_is_not_missing() -> None:
    found = select_rows(BOOK, end_row=5, packages=["six", "requests"])
    assert [row.row for row in found.rows] == [4]
    assert found.missing_names == ()


@pytest.mark.parametrize("name", ["two words", "", "requests==2.0"])
def test_what_is_no_package_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--packages"):
        chosen(packages=[name])
