"""Finding the sheet, the header row and the columns."""

from collections.abc import Sequence

import pytest

from tasks.errors import InputError, SettingsError
from tasks.workbook.headers import STANDARD_HEADERS, column_index, column_letter, match_headers
from tasks.workbook.layout import LayoutWanted, SheetHead, find_layout, pick_sheet_name
from tasks.workbook.model import STANDARD_COLUMNS, Field

HEADERS = list(STANDARD_HEADERS.values())
TITLES: list[list[object]] = [["Review of all packages"], ["Kept by hand"]]
F = Field


def head(name: str, *rows: Sequence[object]) -> SheetHead:
    return SheetHead(name, rows)


def find(*heads: SheetHead, wanted: LayoutWanted | None = None) -> tuple[str, int, int, dict[Field, str]]:
    layout = find_layout(heads, wanted or LayoutWanted(), "book.xlsx")
    return layout.sheet, layout.header_row, layout.data_start_row, dict(layout.columns)


def test_column_letters_both_ways() -> None:
    assert [column_index(letters) for letters in ("A", "z", "AA", "XFD")] == [0, 25, 26, 16383]
    assert all(column_index(column_letter(index)) == index for index in range(16384))
    for bad in ("", "1", "XFE", "AAAA", "Ä", "A1"):
        with pytest.raises(ValueError, match=f"^{bad}$"):
            column_index(bad)


def test_the_standard_headers_give_the_standard_columns() -> None:
    assert match_headers(HEADERS) == STANDARD_COLUMNS


def test_headers_are_matched_loosely() -> None:
    texts = [
        "No.", " package\xa0NAME ", "Current  Version", "PyPI link", "date\npublished", "latest_version",
        "PyPi Links (latest)", "Latest Version Release Date", "Requires (first 5)", "Development Status", "GitHub repo",
        "GitHub Mirror Security Advisory Lookup URL", "GitHub advisory result", "Reviewer notes", "NIST NVD URL",
        "NVD result", "MITRE CVE URL", "MITRE CVE result", "Snyk URL", "Snyk result", "Exploit-DB URL",
        "Exploit-DB result", "Recommendations",
    ]  # fmt: skip
    assert match_headers(texts) == STANDARD_COLUMNS


def test_moved_columns_are_found_by_their_text() -> None:
    order = [0, 1, 2, 13, 22, *range(3, 13), *range(14, 22)]
    found = match_headers(["Team", *(HEADERS[index] for index in order)])
    fields = list(Field)
    assert found == {fields[index]: column_letter(place + 1) for place, index in enumerate(order)}


@pytest.mark.parametrize(
    ("texts", "links"),
    [
        (["Package Name", "PyPi Links", "Latest Version", "PyPi Links"], ("B", "D")),
        (["Package Name", "PyPi Links", "Latest Version"], ("B", None)),
        (["Package Name", "Latest Version", "PyPi Links"], (None, "C")),
        (["Package Name", "PyPi latest link", "PyPi link"], ("C", "B")),
        (["Package Name"], (None, None)),
    ],
)
def test_the_two_pypi_columns_are_told_apart(texts: list[str], links: tuple[str | None, str | None]) -> None:
    found = match_headers(texts)
    assert (found.get(F.PYPI_CURRENT_LINK), found.get(F.PYPI_LATEST_LINK)) == links


def test_a_two_column_list_has_two_fields() -> None:
    assert match_headers(["Package Name", "Current Version"]) == {F.PACKAGE_NAME: "A", F.CURRENT_VERSION: "B"}


def test_other_versions_are_not_the_installed_one() -> None:
    assert match_headers(["Package", "Python Version", "Fixed version", "Installed version"]) == {
        F.PACKAGE_NAME: "A",
        F.CURRENT_VERSION: "D",
    }


def test_unknown_or_missing_texts_fall_back_to_the_standard_letters() -> None:
    assert match_headers([*HEADERS[:11], *[f"Check {n}" for n in range(11)], "Outcome"]) == STANDARD_COLUMNS
    assert match_headers([*HEADERS[:11], *[""] * 11, "Recommendation"]) == STANDARD_COLUMNS


def test_no_fallback_without_the_standard_opening_or_width() -> None:
    assert F.RECOMMENDATION not in match_headers(HEADERS[:5])
    assert F.NOTES not in match_headers([*HEADERS[:5], *["?"] * 17])
    assert F.NOTES not in match_headers(["Key", *HEADERS[1:5], *["?"] * 18])


def test_a_column_given_another_use_is_left_alone() -> None:
    texts = list(HEADERS)
    texts[19] = "Owner"
    found = match_headers(texts)
    assert F.SNYK_RESULT not in found
    assert "T" not in found.values()
    assert len(found) == 22


def test_a_known_header_is_never_taken_for_another_field() -> None:
    found = match_headers([*HEADERS[:5], *["?"] * 8, "Notes", "?", "Notes from last year", *["?"] * 7])
    assert found[F.NOTES] == "N"
    assert "P" not in found.values()


def test_an_inserted_column_switches_the_fallback_off() -> None:
    texts = [*HEADERS[:11], "Owner", *["?"] * 10, "Recommendation", "Remarks"]
    assert match_headers([*texts[:22], "?", "Recommendation"]) == {
        **dict(list(STANDARD_COLUMNS.items())[:11]),
        F.RECOMMENDATION: "X",
    }


def test_row_three_of_the_sheet_with_the_headers() -> None:
    found = find(head("Cover", ["Package"]), head("Review", *TITLES, list(HEADERS)))
    assert found == ("Review", 3, 4, dict(STANDARD_COLUMNS))


@pytest.mark.parametrize("row", range(1, 11))
def test_headers_in_a_nearby_row(row: int) -> None:
    found = find(head("Review", *[[""]] * (row - 1), list(HEADERS)))
    assert found[1:3] == (row, row + 1)


def test_headers_too_far_down_need_a_setting() -> None:
    rows = head("Review", *[[""]] * 10, list(HEADERS))
    with pytest.raises(InputError, match="rows 1 to 10"):
        find(rows)
    assert find(rows, wanted=LayoutWanted(header_row=11))[1:3] == (11, 12)


def test_the_row_with_most_headers_wins_and_row_three_on_a_tie() -> None:
    some: list[object] = ["Package", "Version"]
    assert find(head("S", some, [""], some))[1] == 3
    assert find(head("S", [""], [""], some, ["Package", "Version", "Latest Version"]))[1] == 4


def test_the_sheet_with_most_headers_wins_and_the_earlier_on_a_tie() -> None:
    some = head("Summary", ["Package", "Version"])
    assert find(some, head("Review", list(HEADERS)))[0] == "Review"
    assert find(some, head("Other", ["Package", "Version"]))[0] == "Summary"


def test_data_start_row_bounds_the_header_row() -> None:
    some: list[object] = ["Package", "Version"]
    found = find(head("S", some, [""], [""], some), wanted=LayoutWanted(data_start_row=4))
    assert found[1:3] == (1, 4)


def test_nothing_fits_names_sheets_and_settings() -> None:
    with pytest.raises(InputError) as caught:
        find(head("Summary", ["Total", 3]), SheetHead("Huge", (), "the sheet is too large"))
    message = str(caught.value)
    for words in ("book.xlsx", '"Summary", "Huge"', "too large", "excel.sheet_name", "excel.header_row"):
        assert words in message


def test_no_visible_sheet_is_said() -> None:
    with pytest.raises(InputError, match="no visible sheet"):
        find()


COLUMNS = {F.PACKAGE_NAME: "b", F.CURRENT_VERSION: "C", F.RECOMMENDATION: "AA"}


def test_given_columns_are_all_there_is() -> None:
    sheet = head("Any", ["x"], ["y"], ["z"], [1, "requests", "2.0"])
    found = find(sheet, wanted=LayoutWanted(columns=COLUMNS))
    assert found == ("Any", 3, 4, {F.PACKAGE_NAME: "B", F.CURRENT_VERSION: "C", F.RECOMMENDATION: "AA"})


def test_given_columns_choose_the_sheet_with_names_and_the_labelled_header_row() -> None:
    numbers = head("Numbers", [1, 2], [1, 2], [1, 2], [1, 2])
    names = head("Names", ["", "Package"], ["", "requests"])
    assert find(numbers, names, wanted=LayoutWanted(columns=COLUMNS))[:3] == ("Names", 1, 2)
    with pytest.raises(InputError, match="column b"):
        find(numbers, wanted=LayoutWanted(columns=COLUMNS))


def test_given_columns_and_no_header_row_at_all() -> None:
    sheet = head("S", ["", "requests"], ["", "flask"])
    assert find(sheet, wanted=LayoutWanted(columns=COLUMNS, header_row=0))[1:3] == (0, 1)
    assert find(sheet, wanted=LayoutWanted(columns=COLUMNS, data_start_row=1))[1:3] == (0, 1)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (LayoutWanted(header_row=0), "excel.header_row is 0: it must be 1 to 1048576"),
        (LayoutWanted(header_row=3, data_start_row=3), "must be below excel.header_row 3"),
        (LayoutWanted(data_start_row=0), "excel.data_start_row is 0"),
        (LayoutWanted(data_start_row=1_048_577), "excel.data_start_row is 1048577"),
        (LayoutWanted(columns={F.CURRENT_VERSION: "C"}), "no package_name"),
        (LayoutWanted(columns={F.PACKAGE_NAME: "2"}), 'excel.columns.package_name is "2"'),
        (LayoutWanted(columns={F.PACKAGE_NAME: "B", F.NOTES: "b"}), "to both package_name and notes"),
    ],
)
def test_impossible_settings_are_refused(wanted: LayoutWanted, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        find(head("S", list(HEADERS)), wanted=wanted)
    assert words in str(caught.value)


def test_sheet_names_are_found_in_any_case_and_near_ones_are_offered() -> None:
    names = ["Packages", "Notes"]
    assert pick_sheet_name(names, LayoutWanted(), "f") is None
    assert pick_sheet_name(names, LayoutWanted(" packages "), "f") == "Packages"
    with pytest.raises(InputError, match=r'no sheet "Package".*"Packages", "Notes".*did you mean "Packages"'):
        pick_sheet_name(names, LayoutWanted("Package"), "f")


def test_the_older_tools_unused_default_sheet_name_is_forgiven() -> None:
    assert pick_sheet_name(["Packages"], LayoutWanted("Sheet1"), "f") is None
    assert pick_sheet_name(["Packages", "Sheet1"], LayoutWanted("Sheet1"), "f") == "Sheet1"
