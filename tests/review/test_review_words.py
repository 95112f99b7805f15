"""Columns M, P, R, T and V: the vocabulary, its colours, and what must never read as safe."""

import pytest

from tasks.advisories.model import Severity
from tasks.review.meaning import Meaning, of_result
from tasks.review.model import PackageKey, PackageReview, SourceName, SourceStatus
from tasks.review.verdicts import highest
from tasks.review.words import result_text
from tests.review.review_samples import CRITICAL, MEDIUM, OSV_DOWN, PYPI_DOWN, advisory, facts, key, reviewed

GITHUB, NVD, MITRE, SNYK, EXPLOITDB = (
    SourceName.GITHUB,
    SourceName.NVD,
    SourceName.MITRE,
    SourceName.SNYK,
    SourceName.EXPLOITDB,
)
GREEN, RED = ("E6FFE6", "006600"), ("FFE6E6", "CC0000")


def _look(review: PackageReview, source: SourceName) -> tuple[str | None, str | None]:
    style = of_result(review, source).style
    assert style.bold
    assert style.wrap
    return style.fill, style.font


def _texts(review: PackageReview) -> list[str]:
    return [text for source in (GITHUB, NVD, MITRE, SNYK, EXPLOITDB) if (text := result_text(review, source))]


def test_nothing_known() -> None:
    review = reviewed()
    assert result_text(review, GITHUB) == "No published security advisories"
    assert result_text(review, NVD) == "None found (no CVE is known for this package)"
    assert result_text(review, MITRE) == "None found (no CVE is known for this package)"
    assert {_look(review, source) for source in (GITHUB, NVD, MITRE)} == {GREEN}


def test_safe_one_and_many() -> None:
    one = reviewed(key("2.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
    assert result_text(one, GITHUB) == "SAFE - 1 GitHub advisory found but v2.0 not affected"
    assert result_text(one, NVD) == "SAFE - 1 CVE found but v2.0 not affected | NVD not consulted"
    assert result_text(one, MITRE) == "SAFE - 1 MITRE CVE found but v2.0 not affected | MITRE not consulted"
    many = reviewed(
        key("2.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("GHSA-2", aliases=("CVE-2020-0002",))
    )
    assert result_text(many, GITHUB) == "SAFE - 2 GitHub advisories found but v2.0 not affected"
    assert result_text(many, NVD) == "SAFE - 2 CVEs found but v2.0 not affected | NVD not consulted"


@pytest.mark.parametrize("source", [GITHUB, NVD, MITRE])
def test_every_safe_cell_is_green_not_red(source: SourceName) -> None:
    review = reviewed(key("2.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
    assert str(result_text(review, source)).startswith("SAFE - ")
    assert _look(review, source) == GREEN


def test_vulnerable_one_and_many() -> None:
    one = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)))
    assert result_text(one, GITHUB) == "VULNERABLE - 1 GitHub advisory affects v1.0 (Highest: HIGH)"
    assert result_text(one, NVD) == (
        "VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH) | severity from GitHub; NVD not consulted"
    )
    many = reviewed(
        key("1.0"),
        advisory("GHSA-1", aliases=("CVE-2020-0001",), vector=CRITICAL),
        advisory("GHSA-2", aliases=("CVE-2020-0002",)),
    )
    assert result_text(many, GITHUB) == "VULNERABLE - 2 GitHub advisories affect v1.0 (Highest: CRITICAL)"
    assert str(result_text(many, MITRE)).startswith("VULNERABLE - 2 MITRE CVEs affect v1.0 (Highest: CRITICAL)")
    assert {_look(many, source) for source in (GITHUB, NVD, MITRE)} == {RED}


def test_a_severity_that_only_osv_knows_is_not_github_s() -> None:
    text = result_text(reviewed(key("1.0"), advisory("PYSEC-1", aliases=("CVE-2020-0001",))), NVD)
    assert text == "VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH) | severity from OSV; NVD not consulted"


def test_a_medium_risk_is_not_called_high() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",), vector=MEDIUM))
    assert all("HIGH" not in text for text in _texts(review))
    assert str(result_text(review, GITHUB)).endswith("(Highest: MEDIUM)")


def test_no_score_and_no_label_is_severity_unknown() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", vector=None))
    assert str(result_text(review, GITHUB)).endswith("(Highest: UNKNOWN)")


def test_only_advisories_that_affect_are_counted_as_vulnerable() -> None:
    old = [advisory(f"GHSA-old{n}", fixed="0.5", aliases=(f"CVE-2019-000{n}",)) for n in range(8)]
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)), *old)
    assert str(result_text(review, GITHUB)).startswith("VULNERABLE - 1 GitHub advisory affects")
    assert str(result_text(review, NVD)).startswith("VULNERABLE - 1 CVE affects")


def test_github_answers_for_its_own_records_only() -> None:
    review = reviewed(key("1.0"), advisory("PYSEC-1"), advisory("GHSA-1", fixed="0.5"))
    assert review.sources[SourceName.OSV].status is SourceStatus.AFFECTED
    assert result_text(review, GITHUB) == "SAFE - 1 GitHub advisory found but v1.0 not affected"


def test_withdrawn_records_do_not_count() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",), withdrawn=True))
    assert result_text(review, GITHUB) == "No published security advisories"
    assert review.sources[SourceName.OSV].total == 0


def test_a_version_that_cannot_be_compared_asks_for_a_person() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", introduced="alpha-x", fixed="beta-y", aliases=("CVE-2020-0001",)))
    assert review.sources[SourceName.OSV].status is SourceStatus.UNKNOWN
    want = "Manual review required - 1 {} found, 1 requires manual version checking for v1.0"
    assert result_text(review, GITHUB) == want.format("GitHub advisory")
    assert str(result_text(review, NVD)).startswith(want.format("CVE"))
    assert of_result(review, GITHUB) is of_result(review, NVD) is Meaning.MANUAL_REVIEW


def test_an_unusable_version_asks_for_a_person_where_advisories_exist() -> None:
    review = reviewed(
        key(None, text="latest"), advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("GHSA-2", fixed="0.1")
    )
    assert result_text(review, GITHUB) == (
        "Manual review required - 2 GitHub advisories found, 2 require manual version checking for vlatest"
    )
    assert of_result(review, NVD) is Meaning.MANUAL_REVIEW


def test_new_package_with_and_without_records() -> None:
    none = reviewed(key(new=True))
    assert result_text(none, GITHUB) == "NEW package - No GitHub advisories found"
    assert result_text(none, NVD) == "NEW package - No CVE records found"
    assert result_text(none, MITRE) == "NEW package - No MITRE CVE records found"
    assert {_look(none, source) for source in (GITHUB, NVD, MITRE)} == {GREEN}
    some = reviewed(key(new=True), *(advisory(f"GHSA-{n:02}", aliases=(f"CVE-2020-00{n:02}",)) for n in range(17)))
    ids = ", ".join(f"CVE-2020-00{n:02}" for n in range(15))
    assert result_text(some, NVD) == f"NEW package - Found 17 CVE records: {ids} ... and 2 more"
    assert str(result_text(some, MITRE)).startswith("NEW package - Found 17 MITRE CVE records: CVE-2020-0000, ")
    assert GREEN not in {_look(some, source) for source in (GITHUB, NVD, MITRE)}


def test_snyk_without_a_token_says_so() -> None:
    review = reviewed()
    assert result_text(review, SNYK) == "Not applicable (no SNYK_TOKEN)"
    assert _look(review, SNYK) != GREEN


def test_exploit_db_is_left_as_it_is_while_it_is_not_asked() -> None:
    for review in (reviewed(osv=OSV_DOWN), reviewed(key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-1234",)))):
        assert result_text(review, EXPLOITDB) is None


@pytest.mark.parametrize("source", [GITHUB, NVD, MITRE])
@pytest.mark.parametrize("asked", [key(), key(new=True), key(None, text="?")], ids=["version", "new", "unusable"])
def test_a_failed_source_never_reads_as_safe(source: SourceName, asked: PackageKey) -> None:
    for review in (
        reviewed(asked, osv=OSV_DOWN),
        reviewed(asked, index_problem="osv: no index"),
        reviewed(asked, osv=OSV_DOWN, pypi=PYPI_DOWN),
    ):
        text = str(result_text(review, source))
        assert text.startswith("Could not check (")
        assert not any(word in text for word in ("None found", "SAFE", "No published"))
        assert of_result(review, source) is Meaning.COULD_NOT_CHECK
        assert _look(review, source) != GREEN


def test_the_reason_of_a_failure_is_in_the_cell() -> None:
    assert result_text(reviewed(osv=OSV_DOWN), GITHUB) == "Could not check (osv: no answer after 5 tries)"


def test_pypi_down_leaves_the_advisories_answers_alone() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1"), pypi=PYPI_DOWN)
    assert str(result_text(review, GITHUB)).startswith("VULNERABLE - 1")


def test_a_name_that_pypi_does_not_know_is_not_none_found() -> None:
    review = reviewed(pypi=facts(found=False))
    for source in (GITHUB, NVD, MITRE):
        assert result_text(review, source) == "Not applicable (not on PyPI)"
        assert _look(review, source) != GREEN


def test_advisories_for_a_name_that_pypi_has_removed_still_count() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1"), pypi=facts(found=False))
    assert str(result_text(review, GITHUB)).startswith("VULNERABLE - 1")


def test_every_meaning_has_a_look_and_green_means_safe_or_link() -> None:
    green = [name for name, meaning in Meaning.__members__.items() if meaning.value == GREEN]
    assert green == ["SAFE", "LINK"]


def test_highest_of_none_is_unknown() -> None:
    assert highest([]) is Severity.UNKNOWN
    assert highest([Severity.LOW, Severity.CRITICAL, Severity.HIGH]) is Severity.CRITICAL


ODD = [advisory(f"GHSA-{n}", introduced="alpha-x", fixed="beta-y", aliases=(f"CVE-2020-000{n}",)) for n in range(3)]


@pytest.mark.parametrize(("limit", "manual"), [(1, True), (3, True), (4, False), (10, False)])
def test_fewer_undecidable_advisories_than_the_limit_are_said_but_ask_for_nobody(limit: int, manual: bool) -> None:
    review = reviewed(key("3.0"), *ODD, uncertain_limit=limit)
    for source, nouns in ((GITHUB, "GitHub advisories"), (NVD, "CVEs"), (MITRE, "MITRE CVEs")):
        text = str(result_text(review, source))
        if manual:
            assert text.startswith(f"Manual review required - 3 {nouns} found, 3 require")
            assert of_result(review, source) is Meaning.MANUAL_REVIEW
        else:
            uncertain = f"SAFE - 3 {nouns} found but v3.0 not affected (version checking uncertain for 3 {nouns})"
            assert text.startswith(uncertain)
            assert _look(review, source) == GREEN
    assert review.recommendation is not None
    assert review.recommendation.tier == ("manual_review" if manual else "proceed")
    assert ("uncertain for 3)" in review.recommendation.text) != manual


def test_a_report_of_malware_asks_for_a_person_whatever_the_limit() -> None:
    odd = advisory("MAL-2024-1", introduced="alpha-x", fixed="beta-y")
    review = reviewed(key("3.0"), odd, uncertain_limit=1000)
    assert review.recommendation is not None
    assert review.recommendation.tier == "manual_review"
    assert "☠️ REPORTED AS MALICIOUS (MAL-2024-1)" in review.recommendation.text


def test_an_unusable_version_asks_for_a_person_whatever_the_limit() -> None:
    review = reviewed(key(None, text="latest"), advisory("GHSA-1"), uncertain_limit=1000)
    assert str(result_text(review, GITHUB)).startswith("Manual review required - 1 GitHub advisory found, 1 requires")
