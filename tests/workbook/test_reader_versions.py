"""The version cell: what is accepted, what is refused, and in which words."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from tasks.workbook.versions import InstalledVersion, Unread, clean_text, excerpt, parse_installed


@pytest.mark.parametrize(
    ("cell", "version"),
    [
        ("1.2.3", "1.2.3"),
        (" 2.25.1 ", "2.25.1"),
        ("3.1.30\n", "3.1.30"),
        ("1.21.5\xa0", "1.21.5"),
        ("\ufeff1.2\u200b.3", "1.2.3"),
        ("==3.8.5", "3.8.5"),
        ("=== 3.8.5", "3.8.5"),
        ("v1.0", "1.0"),
        ("V1.0", "1.0"),
        ("1!2.0", "1!2.0"),
        ("1.0-1", "1.0.post1"),
        ("65.5.0.post20221101", "65.5.0.post20221101"),
        ("22.4.0RC1", "22.4.0rc1"),
        ("6.4.12.dev0", "6.4.12.dev0"),
        ("1.0+Ubuntu-1", "1.0+ubuntu.1"),
        (1.1, "1.1"),
        (0.1 + 0.2, "0.3"),
        (2, "2"),
        (2.0, "2"),
        (2022.1, "2022.1"),
        (20221207.0, "20221207"),
        (0, "0"),
    ],
)
def test_a_usable_version_is_normalised(cell: object, version: str) -> None:
    installed = parse_installed(cell)
    assert (installed.version, installed.problem, installed.is_new) == (version, None, False)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (None, "is blank"),
        ("", "is blank"),
        (" \xa0\n\u200b", "is blank"),
        ("latest", '"latest" is not a version (PEP 440)'),
        ("N/A", "is not a version"),
        ("1.2.3 (pinned)", "is not a version"),
        ("=1.2", "is not a version"),
        ("==", "is not a version"),
        (">=1.3", "is a range"),
        ("~=1.4.2", "is a range"),
        ("^1.2", "is a range"),
        ("< 2", "is a range"),
        ("!=1.0", "is a range"),
        (">=1.3,<2", "is a range"),
        ("[1.0,2.0)", "is a range"),
        ("9.x", "is a wildcard"),
        ("1.*", "is a wildcard"),
        ("==1.4.*", "is a wildcard"),
        ("*", "is a wildcard"),
        ("1.0,2.0", "is a list of versions"),
        ("1.0; 2.0", "is a list of versions"),
        ("1.0\n2.0", "is a list of versions"),
        ("1.0 and 2.0", "is a list of versions"),
        (True, "holds TRUE"),
        (False, "holds FALSE"),
        (-1.5, "is not a version"),
        (1e300, "is not a version"),
        (float("inf"), "is not a version"),
        (time(1, 30), "holds a time (01:30:00)"),
        (timedelta(hours=30), "holds a time"),
        (object(), "is not a version"),
        ("1" * 5000, "is not a version"),
        (Unread("#N/A", is_error=True), "holds the error #N/A"),
        (Unread("=VLOOKUP(B4,X!A:B,2)"), "without a stored result"),
        (Unread("=1.2"), "without a stored result"),
    ],
)
def test_what_is_no_version_says_why_on_one_line(cell: object, words: str) -> None:
    installed = parse_installed(cell)
    assert installed.version is None
    assert not installed.is_new
    assert installed.problem is not None
    assert words in installed.problem
    assert "\n" not in installed.problem
    assert len(installed.problem) < 200


@pytest.mark.parametrize("cell", [datetime.fromisoformat("2022-12-07"), date(2022, 12, 7)])
def test_a_date_tells_how_to_mend_it(cell: object) -> None:
    expected = "the cell holds a date (2022-12-07), not a version: format the cell as text and type the version again"
    assert parse_installed(cell) == InstalledVersion("2022-12-07", problem=expected)


@pytest.mark.parametrize("cell", ["NEW", "new", " New\xa0"])
def test_new_is_neither_version_nor_problem(cell: str) -> None:
    assert parse_installed(cell) == InstalledVersion(cell.strip(), is_new=True)


def test_a_pinned_version_stored_as_formula_is_that_version() -> None:
    assert parse_installed(Unread("==3.8.5")) == InstalledVersion("==3.8.5", version="3.8.5")


def test_clean_text_and_excerpt() -> None:
    assert clean_text("\u200e a\u00adb \xa0") == "ab"
    assert excerpt("a\n b") == '"a b"'
    assert excerpt("x" * 100, 10) == f'"{"x" * 9}…"'


@given(
    st.one_of(
        st.text(),
        st.floats(),
        st.integers(),
        st.booleans(),
        st.datetimes(),
        st.none(),
        st.from_regex(r"\A[vV=<>~!\[]{0,2}[0-9]{1,3}([.,;x* -]{1,2}[0-9a-z]{0,4}){0,4}\Z"),
    )
)
def test_exactly_one_of_version_problem_and_new(cell: object) -> None:
    installed = parse_installed(cell)
    assert [installed.version is not None, installed.problem is not None, installed.is_new].count(True) == 1
    if installed.version is not None:
        assert str(Version(installed.version)) == installed.version
        assert parse_installed(installed.version).version == installed.version
