"""The upgrade plan: the right version of the right line, what it wants, who is in its way, and what comes first."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from tasks.advisories.model import Advisory, Severity
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_json
from tasks.history.scanmodel import ScanDocument
from tasks.reports.page.scan import scan_page
from tasks.reports.result import RunMetrics, ScanResult, result_document, scan_document
from tasks.reports.scanreport import scan_report_lines
from tasks.review.deciding import DecisionBook
from tasks.review.model import PackageReview
from tasks.review.upgrade_plan import upgrade_plan
from tasks.sources.pypi import project_facts, reduced
from tasks.sources.requirements import bounding
from tasks.upgrade.model import Candidate, Pin, UpgradeEntry, UpgradePaths
from tests.decisions.decision_samples import TODAY, decision
from tests.review.review_samples import NOW, PYPI_DOWN, advisory, key, reviewed

Files = Mapping[str, Mapping[str, Any]]


def _review(
    version: str, *records: Advisory, files: Files | None = None, name: str = "demo", **info: Any
) -> PackageReview:
    """A package reviewed out of a PyPI document with one file per version."""
    listed = {text: [{"upload_time_iso_8601": "2024-01-01T00:00:00Z", **file}] for text, file in (files or {}).items()}
    plain = {"info": {"name": name, "version": version, **info}, "releases": listed, "urls": []}
    # By way of what scans keep of such a document.
    return reviewed(key(version, name=name), *records, pypi=project_facts(reduced(plain, name), name, version))


def _paths(version: str, files: Files, *records: Advisory) -> UpgradePaths:
    upgrade = _review(version, *records, files=files).upgrade
    assert upgrade is not None
    return upgrade


def _plain(*versions: str) -> dict[str, dict[str, Any]]:
    return {version: {} for version in versions}


def test_the_smallest_of_the_line_is_the_smallest_of_all() -> None:
    paths = _paths("1.0", _plain("1.0", "1.1", "1.2", "1.10", "2.0"), advisory("A", fixed="1.2"))
    assert paths == UpgradePaths(Candidate("1.2"), Candidate("1.2"))


def test_a_version_has_to_clear_every_advisory_known() -> None:
    later = advisory("B", introduced="1.2", fixed="1.10")
    paths = _paths("1.0", _plain("1.0", "1.2", "1.9", "1.10", "2.0"), advisory("A", fixed="1.2"), later)
    assert paths.in_line == Candidate("1.10")


def test_a_line_without_a_way_out_says_so_and_names_the_next() -> None:
    paths = _paths("1.0", _plain("1.0", "1.9", "2.0", "2.1"), advisory("A", fixed="2.1"))
    assert paths == UpgradePaths(None, Candidate("2.1"))


def test_a_line_is_one_major_of_one_epoch() -> None:
    assert _paths("1.0", _plain("1.0", "1!1.5"), advisory("A", fixed="1!1.5")).in_line is None
    assert _paths("2023.1", _plain("2023.1", "2024.2"), advisory("A", fixed="2024.2")).in_line is None


def test_second_best_is_named_as_what_it_is() -> None:
    files = {**_plain("1.0", "1.5rc1", "2.0"), "1.4": {"yanked": True}}
    paths = _paths("1.0", files, advisory("A", fixed="1.4"))
    assert paths == UpgradePaths(Candidate("1.5rc1", prerelease=True), Candidate("2.0"))
    del files["1.5rc1"]
    assert _paths("1.0", files, advisory("A", fixed="1.4")).in_line == Candidate("1.4", yanked=True)
    review = _review("1.0", advisory("A", fixed="1.4"), files={**_plain("1.0"), "1.4": {"yanked": True}})
    assert review.cleared_by is None


def test_nothing_older_is_an_upgrade() -> None:
    affected = advisory("A", introduced="1.5", fixed=None)
    assert _paths("2.0", _plain("1.0", "2.0"), affected) == UpgradePaths(None, None)


def test_an_advisory_that_cannot_be_decided_counts_against_a_version() -> None:
    unclear = advisory("B", introduced="not a version", fixed="1.9")
    paths = _paths("1.0", _plain("1.0", "1.2"), advisory("A", fixed="1.2"), unclear)
    assert paths.in_line is None


def _entry(*reviews: PackageReview, python: str | None = None) -> UpgradeEntry:
    (entry,) = upgrade_plan(reviews, python)
    return entry


@pytest.mark.parametrize(
    ("requires", "python", "other"),
    [
        (">=3.10", "3.9", True),
        (">=3.10", "3.10", False),
        (">=3.9.2", "3.9", False),
        (">=3.9.2", "3.9.1", True),
        ("!=3.9.*,>=3.8", "3.9", True),
        ("<3.9", "3.9", True),
        (">=3.10", None, None),
        (None, "3.9", None),
        ("rubbish", "3.9", None),
    ],
)
def test_a_version_for_another_python_is_marked(requires: str | None, python: str | None, other: bool | None) -> None:
    files = {**_plain("1.0"), "1.2": {"requires_python": requires}}
    entry = _entry(_review("1.0", advisory("A", fixed="1.2"), files=files), python=python)
    assert entry.in_line is not None
    assert (entry.in_line.requires_python, entry.in_line.other_python) == (requires, other)


def _affected(version: str = "1.0") -> PackageReview:
    return _review(version, advisory("A", fixed="2.0"), files=_plain("1.0", "2.0"))


def _asking(*lines: str, version: str = "5.0", described: str = "5.0") -> PackageReview:
    review = _review(version, files=_plain(version), name="holder", requires_dist=list(lines))
    assert review.facts is not None
    facts = review.facts.model_copy(update={"described_version": described})
    return review.model_copy(update={"row": 9, "facts": facts})


def _pins(holder: PackageReview) -> tuple[Pin, ...]:
    entry = _entry(_affected(), holder)
    assert entry.over_all is not None
    return entry.over_all.pinned_by


@pytest.mark.parametrize("line", ["demo<2", "Demo ==1.0", "demo~=1.0", "demo!=2.0", 'demo<2; python_version > "3"'])
def test_a_package_of_the_list_that_excludes_the_version_is_named(line: str) -> None:
    (pin,) = _pins(_asking(line))
    assert (pin.row, pin.name, pin.version, pin.read_of) == (9, "holder", "5.0", "5.0")


@pytest.mark.parametrize("line", ["demo<3", "demo>=1", "demo", "other<2", 'demo<2; extra == "dev"', "demo <<< 2"])
def test_a_requirement_that_allows_the_version_is_no_pin(line: str) -> None:
    assert _pins(_asking(line)) == ()


def test_requirements_of_another_version_than_the_listed_one_say_so() -> None:
    (pin,) = _pins(_asking("demo<2", version="4.0", described="5.0"))
    assert (pin.version, pin.read_of) == ("4.0", "5.0")
    (same,) = _pins(_asking("demo<2", version="5.0", described="5"))
    assert same.read_of == "5.0"


def test_bounding_keeps_only_requirements_with_an_upper_bound() -> None:
    lines = ["a>=1", "b<2,>=1", "c", "d~=1.4; python_version<'3.8'", "e @ https://x.test/e.whl", "no line <", 7]
    assert bounding(lines) == ("b<2,>=1", 'd~=1.4; python_version < "3.8"')


def _urgent(name: str, **facts: Any) -> PackageReview:
    review = _review("1.0", advisory("A", name=name, fixed="2.0"), files=_plain("1.0", "2.0"), name=name)
    (found,) = review.vulnerabilities
    return review.model_copy(update={"vulnerabilities": (found.model_copy(update=facts),)})


def test_known_exploited_comes_first_then_epss_then_cvss_and_decided_last() -> None:
    settled = DecisionBook.of([replace(decision(), project="f", advisory="A")], TODAY).decided(
        _urgent("f", kev=True), {}
    )
    reviews = [
        _urgent("a", epss=0.1, cvss=9.9),
        _urgent("b", epss=0.9, cvss=5.0),
        _urgent("c", epss=None, cvss=10.0),
        _urgent("d", kev=True, epss=0.01, cvss=4.0),
        _urgent("e", epss=0.1, cvss=9.8),
        settled,
    ]
    assert [entry.name for entry in upgrade_plan(reviews)] == ["d", "b", "a", "e", "c", "f"]


def test_one_package_version_in_several_rows_is_one_entry() -> None:
    again = _affected().model_copy(update={"row": 8})
    entry = _entry(_affected(), again)
    assert (entry.rows, entry.vulnerabilities) == ((4, 8), 1)
    assert len(upgrade_plan([_affected(), _review("1.1", advisory("A"), files=_plain("1.1", "2.0"))])) == 2


def test_what_could_not_be_looked_for_is_not_said_to_be_missing() -> None:
    entry = _entry(reviewed(key("1.0"), advisory("A"), pypi=PYPI_DOWN))
    assert (entry.checked, entry.in_line, entry.over_all) == (False, None, None)
    said = "\n".join(scan_report_lines(_document(entry), None))
    assert "no version is proposed: later versions could not be held against the advisories" in said
    assert "is free of known vulnerabilities" not in said.partition("UPGRADE PLAN")[2]


def test_a_review_stored_by_an_earlier_version_has_its_plan() -> None:
    former = _affected().model_copy(update={"upgrade": None})
    entry = _entry(former)
    assert entry.over_all is not None
    assert (entry.checked, entry.in_line, entry.over_all.version) == (True, None, "2.0")


def test_a_finding_that_osv_does_not_have_is_named() -> None:
    review = _affected()
    (found,) = review.vulnerabilities
    newer = found.model_copy(update={"ids": ("GHSA-new",), "sources": ("github",)})
    assert _entry(review.model_copy(update={"vulnerabilities": (found, newer)})).not_compared == ("GHSA-new",)


def test_the_plan_is_part_of_a_review_that_was_stored() -> None:
    review = _affected()
    assert PackageReview.model_validate_json(review.model_dump_json()) == review
    assert review.facts is not None
    assert (review.facts.stable_versions, review.facts.pythons) == ((), {})


# ---- reports


def _document(*entries: UpgradeEntry) -> ScanDocument:
    return scan_document(ScanResult("scan1", Path("p.xlsx"), NOW, NOW, (_affected(),), RunMetrics(), upgrades=entries))


def test_the_text_report_says_everything_that_stands_in_the_way() -> None:
    files = {**_plain("1.0", "2.0rc1"), "3.0": {"requires_python": ">=3.12"}}
    review = _review("1.0", advisory("A", fixed="2.0rc1"), files=files)
    plan = upgrade_plan([review, _asking("demo<2", version="4.0", described="5.0")], "3.9")
    said = "\n".join(scan_report_lines(_document(*plan), None)).partition("UPGRADE PLAN (1)")[2]
    assert "1. demo 1.0 (row 4): CVSS 7.5, 1 vulnerability" in said
    assert "no later version of its own release line is free of known vulnerabilities" in said
    assert "→ 3.0 (needs Python >=3.12: not the stated one) over all" in said
    assert "pinned by holder 4.0 (row 9) as its 5.0 says: demo<2 excludes 3.0" in said


def test_the_result_file_holds_the_plan_and_is_read_back() -> None:
    plan = upgrade_plan([_affected(), _asking("demo<2")], "3.9")
    result = ScanResult("scan1", Path("p.xlsx"), NOW, NOW, (_affected(),), RunMetrics(), upgrades=plan)
    text = orjson.dumps(result_document(result))
    assert orjson.loads(text)["upgrade_plan"][0]["over_all"]["pinned_by"][0]["requirement"] == "demo<2"
    again = parse_json(DocumentKind.SCAN, text, "the file")
    assert isinstance(again, ScanDocument)
    assert again.upgrade_plan == plan
    assert again.upgrade_plan[0].severity is Severity.HIGH


def test_the_page_shows_the_plan_as_text() -> None:
    plan = upgrade_plan([_affected(), _asking("demo<2")])
    page = "".join(scan_page(_document(replace(plan[0], name="<i>demo")), None))
    # One list alone fills the page in two columns; in a third of it, it was long and narrow.
    assert '<div class="two">' in page[page.index('id="upgrades"') : page.index('id="table"')]
    assert "&lt;i&gt;demo" in page
    assert "demo&lt;2 excludes 2.0" in page
