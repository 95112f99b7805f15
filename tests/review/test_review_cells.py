"""A review as cells: which fields are proposed, with what values, and that text stays text."""

from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.errors import SourceError
from tasks.review.cells import CellProposal, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageKey, PackageReview
from tasks.sources.interface import ProjectFacts
from tasks.workbook.model import MANUAL_FIELDS, Field, Formula
from tests.review.review_samples import OSV_DOWN, PYPI_DOWN, RELEASED, advisory, facts, key, reviewed

FACT_FIELDS = {
    Field.DATE_PUBLISHED,
    Field.LATEST_VERSION,
    Field.PYPI_LATEST_LINK,
    Field.LATEST_RELEASE_DATE,
    Field.REQUIRES,
    Field.DEVELOPMENT_STATUS,
    Field.GITHUB_URL,
    Field.GITHUB_ADVISORY_URL,
}
LINK_FIELDS = {Field.NIST_NVD_URL, Field.MITRE_CVE_URL, Field.SNYK_URL, Field.EXPLOIT_DB_URL}
FORMULAS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x","y")', "\t=1", "\r=1"]


def _cells(review: PackageReview) -> dict[Field, CellProposal]:
    found = proposals(review)
    by_field = {proposal.field: proposal for proposal in found}
    assert len(by_field) == len(found)
    return by_field


def test_the_facts_of_pypi() -> None:
    cells = _cells(reviewed())
    assert {field: cells[field].value for field in FACT_FIELDS} == {
        Field.DATE_PUBLISHED: RELEASED,
        Field.LATEST_VERSION: "3.0",
        Field.PYPI_LATEST_LINK: "https://pypi.org/project/demo/3.0/",
        Field.LATEST_RELEASE_DATE: RELEASED,
        Field.REQUIRES: "a, b, c, d, e",
        Field.DEVELOPMENT_STATUS: "5 - Production/Stable",
        Field.GITHUB_URL: "https://github.com/demo/demo",
        Field.GITHUB_ADVISORY_URL: "https://github.com/demo/demo/security/advisories",
    }


@pytest.mark.parametrize(
    "review",
    [
        reviewed(),
        reviewed(key(new=True)),
        reviewed(key(None, text="?")),
        reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN),
        reviewed(key(), advisory("GHSA-1")),
    ],
    ids=["reviewed", "new", "skipped", "failed", "affected"],
)
def test_manual_columns_are_never_proposed(review: PackageReview) -> None:
    assert not MANUAL_FIELDS & set(_cells(review))


def test_pypi_down_proposes_no_fact_at_all() -> None:
    for review in (reviewed(pypi=PYPI_DOWN), reviewed(pypi=facts(found=False))):
        assert not FACT_FIELDS & set(_cells(review))


def test_what_pypi_does_not_say_is_not_proposed() -> None:
    bare = ProjectFacts(name="demo", found=True)
    cells = _cells(reviewed(pypi=bare))
    assert FACT_FIELDS & set(cells) == {Field.DATE_PUBLISHED, Field.DEVELOPMENT_STATUS, Field.GITHUB_ADVISORY_URL}
    assert cells[Field.DEVELOPMENT_STATUS].value == "Unknown"
    assert cells[Field.GITHUB_ADVISORY_URL].value == "https://github.com/advisories?query=ecosystem%3Apip%20demo"


def test_a_version_that_was_never_released_is_not_available_in_white_on_red() -> None:
    cell = _cells(reviewed(pypi=facts(released=None)))[Field.DATE_PUBLISHED]
    assert (cell.value, cell.meaning.value) == ("Not Available", ("FF0000", "FFFFFF"))


@pytest.mark.parametrize("asked", [key(new=True), key(None, text="latest"), key(None, text="")])
@pytest.mark.parametrize("osv", [None, OSV_DOWN])
def test_a_row_without_a_version_has_no_date_published(asked: PackageKey, osv: SourceError | None) -> None:
    review = reviewed(asked, pypi=facts(released=None), osv=osv)
    assert Field.DATE_PUBLISHED not in _cells(review)


def test_links_are_formulas_with_the_text_that_viewers_show() -> None:
    review = reviewed(key("1.0", name="Demo"))
    cells = _cells(review)
    assert cells[Field.NIST_NVD_URL].value == Formula(
        'HYPERLINK("https://nvd.nist.gov/vuln/search/results?form_type=Basic&results_type=overview&query=demo'
        '&search_type=all&isCpeNameSearch=false","NVD NIST Demo link")',
        "NVD NIST Demo link",
    )
    labels = {Field.MITRE_CVE_URL: "CVE MITRE", Field.SNYK_URL: "Snyk", Field.EXPLOIT_DB_URL: "Exploit-DB"}
    for field, label in labels.items():
        value = cells[field].value
        assert isinstance(value, Formula)
        assert value.cached == f"{label} Demo link"


def test_links_are_there_whatever_failed() -> None:
    assert set(_cells(reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN))) >= LINK_FIELDS


@given(st.text(max_size=80))
@example('a","http://elsewhere")&cmd("')
def test_a_name_cannot_break_out_of_a_formula(name: str) -> None:
    review = reviewed().model_copy(update={"name": name, "project": "demo"})
    for field in LINK_FIELDS:
        value = _cells(review)[field].value
        assert isinstance(value, Formula)
        address, _, label = value.expression.removeprefix('HYPERLINK("').removesuffix('")').partition('","')
        assert '"' not in address
        assert label.replace('""', "") == label.replace('"', "")
        assert label.replace('""', '"') == value.cached


@given(st.characters(exclude_categories=["Cs"]))
@example('"')
def test_a_project_cannot_break_out_of_an_address(letter: str) -> None:
    review = reviewed().model_copy(update={"project": f"de{letter}mo"})
    value = _cells(review)[Field.SNYK_URL].value
    assert isinstance(value, Formula)
    assert value.expression.count('"') == 4


def test_a_link_too_long_for_a_formula_is_the_plain_address() -> None:
    review = reviewed().model_copy(update={"project": "d" * 240, "name": "d" * 240})
    values = [_cells(review)[field].value for field in LINK_FIELDS]
    assert all(isinstance(value, str) and value.startswith("https://") for value in values)


@pytest.mark.parametrize("text", FORMULAS)
def test_package_metadata_never_becomes_a_formula(text: str) -> None:
    hostile = ProjectFacts(
        name="demo",
        found=True,
        latest_version=text,
        requires=(text,),
        development_status=text,
        github_url=text,
        latest_released_at=RELEASED,
    )
    cells = _cells(reviewed(pypi=hostile))
    for field, cell in cells.items():
        assert isinstance(cell.value, Formula) == (field in LINK_FIELDS), field
    assert cells[Field.LATEST_VERSION].value == text
    assert cells[Field.REQUIRES].value == text


def test_reasons_and_ids_from_outside_are_text_too() -> None:
    review = reviewed(key(None, text="=1+1"), advisory("GHSA-=1+1"))
    for field, cell in _cells(review).items():
        assert isinstance(cell.value, Formula) == (field in LINK_FIELDS), field


def test_dates_are_dates() -> None:
    assert all(
        isinstance(_cells(reviewed())[field].value, datetime)
        for field in (Field.DATE_PUBLISHED, Field.LATEST_RELEASE_DATE)
    )


def test_looks_of_facts_and_links() -> None:
    cells = _cells(reviewed())
    looks = {field: cells[field].meaning for field in FACT_FIELDS | LINK_FIELDS}
    orange = {Field.DATE_PUBLISHED, Field.LATEST_VERSION, Field.LATEST_RELEASE_DATE}
    assert {looks[field] for field in orange} == {Meaning.VERSION_UPDATE}
    assert {looks[field] for field in (Field.GITHUB_URL, Field.GITHUB_ADVISORY_URL)} == {Meaning.GITHUB}
    assert {looks[field] for field in (Field.REQUIRES, Field.DEVELOPMENT_STATUS)} == {Meaning.UPDATED}
    assert {looks[field] for field in LINK_FIELDS | {Field.PYPI_LATEST_LINK}} == {Meaning.LINK}


def test_what_could_not_be_checked_never_replaces_an_answer() -> None:
    cells = _cells(reviewed(osv=OSV_DOWN))
    results = (Field.GITHUB_ADVISORY_RESULT, Field.NIST_NVD_RESULT, Field.MITRE_CVE_RESULT, Field.SNYK_RESULT)
    assert all(cells[field].only_if_empty for field in results)
    assert cells[Field.RECOMMENDATION].after_former


def test_an_answer_does_replace_the_former_one_but_a_missing_token_does_not() -> None:
    for review in (reviewed(), reviewed(key("2.0"), advisory("GHSA-1")), reviewed(key(), advisory("GHSA-1"))):
        cells = _cells(review)
        kept = {field for field, cell in cells.items() if cell.only_if_empty or cell.after_former}
        # Without a CVE, Exploit-DB cannot be asked either.
        assert kept == {Field.SNYK_RESULT, Field.EXPLOIT_DB_RESULT}


def test_a_risk_replaces_the_former_recommendation_although_pypi_failed() -> None:
    cell = _cells(reviewed(key(), advisory("GHSA-1"), pypi=PYPI_DOWN))[Field.RECOMMENDATION]
    assert not cell.after_former
    assert str(cell.value).startswith("🚨 SECURITY RISK")


def test_another_index_gives_other_links() -> None:
    found = {p.field: p.value for p in proposals(reviewed(), "https://mirror.example/")}
    assert found[Field.PYPI_LATEST_LINK] == "https://mirror.example/project/demo/3.0/"
