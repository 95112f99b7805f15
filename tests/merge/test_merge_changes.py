"""Which cells a set of reviews changes: never a manual one, never an answer for an excuse, never the same again."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SourceUnavailable
from tasks.merge.changes import CellChange, CellContent, changes, is_blank, same_content, shown
from tasks.review.cells import RESULT_FIELDS, CellProposal, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageReview
from tasks.workbook.model import MANUAL_FIELDS, STANDARD_COLUMNS, CellValue, Field, Formula, Keep, Layout, PackageRow
from tests.review.review_samples import OSV_DOWN, PYPI_DOWN, RELEASED, advisory, facts, key, reviewed

LAYOUT = Layout("Review", 3, 4)
Cells = dict[Field, CellContent]
GREEN = Meaning.SAFE.style


def _changes(
    review: PackageReview, cells: Mapping[Field, CellContent] | None = None, *, empty_only: bool = False
) -> dict[Field, CellChange]:
    row = PackageRow(4, "demo", "demo", "1.0", "1.0", cells=cells or {})
    return {change.field: change for change in changes([row], {4: review}, LAYOUT, empty_only=empty_only)}


def _merged(review: PackageReview, cells: Cells) -> Cells:
    """The row's cells as a reader finds them after the merge."""
    return cells | {field: _as_read(change.update.value) for field, change in _changes(review, cells).items()}


def _as_read(value: CellValue | Keep) -> CellContent:
    assert not isinstance(value, Keep)
    return value.cached if isinstance(value, Formula) else value


FULL_ROW: Cells = dict.fromkeys(Field, "former")


@pytest.mark.parametrize(
    "review",
    [reviewed(), reviewed(key(), advisory("GHSA-1")), reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN), reviewed(key(new=True))],
    ids=["clean", "affected", "failed", "new"],
)
@pytest.mark.parametrize("cells", [{}, FULL_ROW], ids=["empty", "full"])
def test_columns_a_to_d_and_n_are_never_among_the_changes(review: PackageReview, cells: Cells) -> None:
    found = _changes(review, cells)
    assert found
    assert not MANUAL_FIELDS & set(found)
    assert not {"A", "B", "C", "D", "N"} & {change.column for change in found.values()}


@pytest.mark.parametrize("field", sorted(MANUAL_FIELDS))
def test_a_proposal_for_a_manual_column_would_be_passed_over(monkeypatch: pytest.MonkeyPatch, field: Field) -> None:
    proposal = CellProposal(field, "overwritten", Meaning.UPDATED)
    monkeypatch.setattr("tasks.merge.changes.proposals", lambda _: (proposal,))
    assert _changes(reviewed()) == {}


def test_a_row_without_a_review_is_left_alone() -> None:
    assert list(changes([PackageRow(5, "demo", "demo", "1.0", "1.0")], {4: reviewed()}, LAYOUT)) == []


def test_rows_come_in_sheet_order_each_with_its_own_review() -> None:
    rows = [PackageRow(number, "demo", "demo", "1.0", "1.0") for number in (4, 5, 6)]
    found = list(changes(rows, {6: reviewed(), 4: reviewed()}, LAYOUT))
    assert [change.row for change in found] == sorted(change.row for change in found)
    assert {change.row for change in found} == {4, 6}


def test_a_field_without_a_column_is_never_written() -> None:
    layout = Layout("Review", 1, 2, {Field.PACKAGE_NAME: "A", Field.RECOMMENDATION: "B"})
    found = list(changes([PackageRow(4, "demo", "demo", "1.0", "1.0")], {4: reviewed()}, layout))
    assert [(change.field, change.column, change.update.column) for change in found] == [
        (Field.RECOMMENDATION, "B", "B")
    ]


def test_a_change_says_old_new_and_look() -> None:
    change = _changes(reviewed(), {Field.LATEST_VERSION: "2.9"})[Field.LATEST_VERSION]
    assert (change.row, change.column, change.package, change.old, change.new) == (4, "F", "demo", "2.9", "3.0")
    assert change.update.style == change.meaning.style == Meaning.VERSION_UPDATE.style
    dated = _changes(reviewed())[Field.DATE_PUBLISHED]
    assert (dated.old, dated.new) == ("", "2020-01-02 03:04:05")


@pytest.mark.parametrize(
    "review",
    [
        reviewed(),
        reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",))),
        reviewed(osv=OSV_DOWN),
        reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN),
        reviewed(key(new=True)),
    ],
    ids=["clean", "affected", "osv-down", "all-down", "new"],
)
@pytest.mark.parametrize("cells", [{}, FULL_ROW], ids=["empty", "full"])
def test_the_same_review_again_changes_nothing(review: PackageReview, cells: Cells) -> None:
    assert _changes(review, _merged(review, cells)) == {}


def test_a_date_a_formula_and_a_number_that_say_it_already_are_no_change() -> None:
    cells: Cells = {
        Field.DATE_PUBLISHED: RELEASED + timedelta(milliseconds=400),
        Field.SNYK_URL: "Snyk demo link",
        Field.LATEST_VERSION: 3.1,
    }
    review = reviewed(pypi=facts("3.1"))
    assert not {Field.DATE_PUBLISHED, Field.SNYK_URL, Field.LATEST_VERSION} & set(_changes(review, cells))


@pytest.mark.parametrize(
    ("former", "value", "same"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "a ", False),
        (None, "", True),
        (None, "a", False),
        (6, "6", True),
        (6.0, "6", True),
        (6.0, "6.0", False),
        (2022.7, "2022.7", True),
        (True, "True", False),
        (1, 1.0, True),
        (True, 1, False),
        ("1", 1, False),
        ("link", Formula("HYPERLINK()", "link"), True),
        (None, Formula("HYPERLINK()", "link"), False),
        ("line\nend", "line\r\nend", True),
        ("lone \ufffd", "lone \udcff", True),
        ("x" * 32_766 + "…", "x" * 40_000, True),
        (RELEASED, RELEASED + timedelta(seconds=2), False),
        (RELEASED, "2020-01-02 03:04:05", False),
        ("2020-01-02 03:04:05", RELEASED, False),
    ],
)
def test_same_content(former: CellContent, value: CellValue, same: bool) -> None:
    assert same_content(former, value) is same


@given(st.one_of(st.none(), st.text(), st.integers(-(10**9), 10**9), st.floats(allow_nan=False), st.datetimes()))
def test_every_content_is_the_same_as_itself(value: str | int | float | datetime | None) -> None:
    if value is not None:
        assert same_content(value, value)
    assert isinstance(shown(value), str)


@pytest.mark.parametrize(("value", "blank"), [(None, True), ("", True), (" \t\n\xa0", True), ("0", False), (0, False)])
def test_blank_is_what_nobody_sees(value: CellContent, blank: bool) -> None:
    assert is_blank(value) is blank


# What could not be checked: nothing replaces an answer, notes do not pile up, the next good run clears them.

VERDICTS: Cells = {
    Field.GITHUB_ADVISORY_RESULT: "VULNERABLE - 1 GitHub advisory affects v1.0 (Highest: HIGH)",
    Field.NIST_NVD_RESULT: "SAFE - 2 CVEs found but v1.0 not affected",
    Field.MITRE_CVE_RESULT: "reviewer's own words",
    Field.SNYK_RESULT: "VULNERABLE - 3 SNYK vulnerabilities affect v1.0 (Highest: LOW)",
    Field.EXPLOIT_DB_RESULT: "None found",
}


def test_could_not_check_keeps_every_former_answer() -> None:
    for review in (reviewed(osv=OSV_DOWN), reviewed(osv=OSV_DOWN, pypi=PYPI_DOWN), reviewed(index_problem="osv: no")):
        assert not set(RESULT_FIELDS) & set(_changes(review, VERDICTS))


def test_could_not_check_is_written_into_an_empty_cell_and_never_green() -> None:
    for blank in ({}, dict.fromkeys(RESULT_FIELDS, "  ")):
        change = _changes(reviewed(osv=OSV_DOWN), blank)[Field.GITHUB_ADVISORY_RESULT]
        assert change.new == "Could not check (osv: no answer after 5 tries)"
        assert change.update.style != GREEN


def test_a_later_reason_replaces_an_earlier_excuse_and_an_answer_replaces_both() -> None:
    cells = _merged(reviewed(osv=OSV_DOWN), {})
    cells = _merged(reviewed(osv=SourceUnavailable("osv: another reason")), cells)
    assert cells[Field.GITHUB_ADVISORY_RESULT] == "Could not check (osv: another reason)"
    cells = _merged(reviewed(), cells)
    assert cells[Field.GITHUB_ADVISORY_RESULT] == "No published security advisories"
    assert cells[Field.NIST_NVD_RESULT] == "None found (no CVE is known for this package)"


def test_an_excuse_that_a_reviewer_wrote_into_is_an_answer() -> None:
    cells: Cells = {Field.GITHUB_ADVISORY_RESULT: "Could not check (osv: down) - checked by hand: fine"}
    assert Field.GITHUB_ADVISORY_RESULT not in _changes(reviewed(osv=OSV_DOWN), cells)


def test_a_missing_snyk_token_keeps_an_earlier_answer_of_snyk() -> None:
    assert Field.SNYK_RESULT not in _changes(reviewed(), VERDICTS)
    assert _changes(reviewed())[Field.SNYK_RESULT].new == "Not applicable (no SNYK_TOKEN)"


def test_pypi_down_keeps_every_fact() -> None:
    found = _changes(reviewed(pypi=PYPI_DOWN), FULL_ROW)
    assert not {STANDARD_COLUMNS[field] for field in found} & set("EFGHIJKL")


def test_a_note_stands_behind_the_former_recommendation() -> None:
    change = _changes(reviewed(osv=OSV_DOWN), {Field.RECOMMENDATION: "✅ PROCEED"})[Field.RECOMMENDATION]
    assert change.new == (
        "✅ PROCEED | ❓ could not check: osv: no answer after 5 tries | 📋 Run again; nothing is known to be safe"
    )


@pytest.mark.parametrize("former", [None, "", "✅ PROCEED", "PROCEED", "approved by Ann", 5])
def test_a_note_never_makes_the_recommendation_green(former: CellContent) -> None:
    for review in (reviewed(osv=OSV_DOWN), reviewed(pypi=PYPI_DOWN)):
        style = _changes(review, {Field.RECOMMENDATION: former})[Field.RECOMMENDATION].update.style
        assert style == Meaning.COULD_NOT_CHECK.style
        assert style != GREEN


@pytest.mark.parametrize(
    "former", ["🚨 SECURITY RISK | 2 confirmed vulnerabilities found", "Update from 1 to 2 | SECURITY RISK: 2 found"]
)
def test_a_note_does_not_take_a_known_risk_s_red_away(former: str) -> None:
    change = _changes(reviewed(osv=OSV_DOWN), {Field.RECOMMENDATION: former})[Field.RECOMMENDATION]
    assert change.new.startswith(former + " | ❓ could not check")
    assert change.update.style == Meaning.RISK.style


@pytest.mark.parametrize("former", ["✅ PROCEED", "🚨 SECURITY RISK | x", "by hand", None])
def test_repeated_failing_runs_do_not_pile_up_notes(former: CellContent) -> None:
    cells: Cells = {Field.RECOMMENDATION: former}
    for number in range(4):
        cells = _merged(reviewed(osv=SourceUnavailable(f"osv: reason {number}")), cells)
    text = str(cells[Field.RECOMMENDATION])
    assert text.count("❓") == 1
    assert "reason 3" in text
    assert text.startswith(str(former) if former else "🔍 MANUAL REVIEW | ❓ ")


def test_a_risk_with_its_own_note_keeps_one_note() -> None:
    cells = _merged(reviewed(key(), advisory("GHSA-1"), pypi=PYPI_DOWN), {})
    cells = _merged(reviewed(osv=OSV_DOWN), cells)
    text = str(cells[Field.RECOMMENDATION])
    assert text.startswith("🚨 SECURITY RISK | 1 confirmed vulnerability found")
    assert text.count("❓") == 1


@pytest.mark.parametrize("former", ["✅ PROCEED", "🚨 SECURITY RISK | x", "by hand", None])
def test_the_next_good_run_replaces_text_and_note(former: CellContent) -> None:
    cells = _merged(reviewed(osv=OSV_DOWN), {Field.RECOMMENDATION: former})
    change = _changes(reviewed(key("3.0")), cells)[Field.RECOMMENDATION]
    assert change.new == "✅ PROCEED"
    assert change.update.style == GREEN


def test_a_report_of_malware_replaces_the_former_recommendation_although_pypi_failed() -> None:
    review = reviewed(key(None, text="any"), advisory("MAL-2024-1", fixed=None), pypi=PYPI_DOWN)
    change = _changes(review, {Field.RECOMMENDATION: "✅ PROCEED"})[Field.RECOMMENDATION]
    assert change.new.startswith("🔍 MANUAL REVIEW | ☠️ REPORTED AS MALICIOUS (MAL-2024-1)")


# process_empty_fields_only


def test_empty_only_fills_empty_cells_and_leaves_filled_ones() -> None:
    assert _changes(reviewed(), FULL_ROW, empty_only=True) == {}
    found = _changes(reviewed(), FULL_ROW | {Field.LATEST_VERSION: None, Field.RECOMMENDATION: " "}, empty_only=True)
    assert set(found) == {Field.LATEST_VERSION, Field.RECOMMENDATION}
    assert set(_changes(reviewed(), empty_only=True)) == {proposal.field for proposal in proposals(reviewed())}


def test_empty_only_adds_no_note_to_a_filled_recommendation() -> None:
    assert _changes(reviewed(osv=OSV_DOWN), FULL_ROW, empty_only=True) == {}


def test_empty_only_takes_its_own_excuse_for_empty() -> None:
    cells = _merged(reviewed(osv=OSV_DOWN), {})
    found = _changes(reviewed(key("3.0")), cells, empty_only=True)
    assert found[Field.GITHUB_ADVISORY_RESULT].new == "No published security advisories"
    assert found[Field.RECOMMENDATION].new == "✅ PROCEED"
    assert Field.LATEST_VERSION not in found
