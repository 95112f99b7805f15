"""Column W: the four tiers, their words and colours, and the older tool's faults that must not come back."""

import pytest

from tasks.errors import SourceError, SourceUnavailable
from tasks.review.meaning import Meaning, of_recommendation
from tasks.review.model import PackageKey, PackageReview, ReviewStatus, Tier
from tests.review.review_samples import (
    CRITICAL,
    MEDIUM,
    OSV_DOWN,
    PYPI_DOWN,
    advisory,
    facts,
    key,
    reviewed,
)

GREEN = Meaning.SAFE.style


def _said(review: PackageReview, tier: Tier) -> str:
    assert review.recommendation is not None
    assert review.recommendation.tier is tier
    assert " |  | " not in review.recommendation.text
    return review.recommendation.text


def test_proceed_when_nothing_is_known_and_the_latest_is_installed() -> None:
    review = reviewed(key("3.0"))
    assert _said(review, Tier.PROCEED) == "✅ PROCEED"
    assert of_recommendation(review).style == GREEN


def test_proceed_with_info_when_known_advisories_do_not_affect() -> None:
    one = reviewed(key("3.0"), advisory("GHSA-1"))
    assert _said(one, Tier.PROCEED) == "✅ PROCEED | ℹ️ INFO: 1 advisory found but current version not affected"
    two = reviewed(key("3.0"), advisory("GHSA-1"), advisory("GHSA-2"))
    assert "2 advisories found but" in _said(two, Tier.PROCEED)


def test_proceed_with_update_is_orange_and_not_red() -> None:
    review = reviewed(key("1.0"))
    assert _said(review, Tier.UPDATE) == (
        "✅ PROCEED WITH UPDATE | 📦 UPDATE AVAILABLE: 1.0 → 3.0 | ✅ No security risks detected - safe to update"
    )
    assert of_recommendation(review) is Meaning.VERSION_UPDATE
    assert of_recommendation(review).style.fill == "FFF0E6"


def test_an_update_into_known_vulnerabilities_is_not_recommended() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", introduced="2.5", fixed=None))
    said = _said(review, Tier.UPDATE)
    assert said.startswith("✅ PROCEED | 📦 UPDATE AVAILABLE: 1.0 → 3.0 | ⚠️ 3.0 is not free of known vulnerabilities")
    assert "stay on 1.0" in said
    assert "safe to update" not in said
    assert "PROCEED WITH UPDATE" not in said


def test_security_risk_says_all_parts_in_order() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1", vector=CRITICAL), advisory("PYSEC-2"))
    assert _said(review, Tier.SECURITY_RISK) == (
        "🚨 SECURITY RISK | 2 confirmed vulnerabilities found | 📦 UPDATE REQUIRED: 1.0 → 3.0"
        " | 2.0 is the smallest later version without a known vulnerability"
        " | ⚡ HIGH PRIORITY: CRITICAL severity detected | Sources: OSV: 2 (CRITICAL), GitHub Advisory: 1 (CRITICAL)"
        " | ⚠️ Review security advisories before deployment"
    )
    assert of_recommendation(review) is Meaning.RISK


def test_one_vulnerability_is_singular() -> None:
    assert "| 1 confirmed vulnerability found |" in _said(reviewed(key("1.0"), advisory("GHSA-1")), Tier.SECURITY_RISK)


def test_medium_is_not_reported_as_high_priority() -> None:
    said = _said(reviewed(key("1.0"), advisory("GHSA-1", vector=MEDIUM)), Tier.SECURITY_RISK)
    assert "HIGH PRIORITY" not in said
    assert "OSV: 1 (MEDIUM)" in said


def test_counts_only_vulnerabilities_that_affect() -> None:
    old = [advisory(f"GHSA-old{n}", fixed="0.5") for n in range(8)]
    said = _said(reviewed(key("1.0"), advisory("GHSA-1"), *old), Tier.SECURITY_RISK)
    assert "1 confirmed vulnerability found" in said
    assert "OSV: 1 (HIGH)" in said


def test_two_records_of_one_vulnerability_are_one() -> None:
    records = advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("PYSEC-1", aliases=("CVE-2020-0001",))
    assert "1 confirmed vulnerability found" in _said(reviewed(key("1.0"), *records), Tier.SECURITY_RISK)


def test_no_way_out_is_said() -> None:
    said = _said(reviewed(key("1.0"), advisory("GHSA-1", fixed=None)), Tier.SECURITY_RISK)
    assert "no later version is free of known vulnerabilities" in said


def test_a_way_out_below_an_affected_latest_is_said() -> None:
    records = advisory("GHSA-1"), advisory("GHSA-2", introduced="2.5", fixed=None)
    said = _said(reviewed(key("1.0"), *records), Tier.SECURITY_RISK)
    assert "2.0 is the smallest later version without a known vulnerability; the latest is not free of them" in said


def test_no_update_is_required_where_the_latest_is_installed() -> None:
    said = _said(reviewed(key("3.0"), advisory("GHSA-1", fixed=None)), Tier.SECURITY_RISK)
    assert "UPDATE REQUIRED" not in said


def test_malicious_packages_come_first_and_no_update_is_advised() -> None:
    records = advisory("MAL-2024-1", fixed=None, vector=None), advisory("GHSA-2", vector=CRITICAL)
    said = _said(reviewed(key("1.0"), *records), Tier.SECURITY_RISK)
    assert said.startswith("🚨 SECURITY RISK | ☠️ MALICIOUS PACKAGE (MAL-2024-1): remove it now | ")
    assert "UPDATE REQUIRED" not in said
    assert "smallest later version" not in said


def test_a_malicious_package_that_pypi_removed_is_still_a_risk() -> None:
    review = reviewed(key("1.0"), advisory("MAL-2024-1", fixed=None), pypi=facts(found=False))
    assert "☠️ MALICIOUS PACKAGE" in _said(review, Tier.SECURITY_RISK)


@pytest.mark.parametrize("asked", [key(new=True), key(None, text="any")], ids=["new", "unusable"])
def test_a_report_of_malware_is_first_where_no_version_could_be_compared(asked: PackageKey) -> None:
    said = _said(reviewed(asked, advisory("MAL-2024-1", fixed=None), advisory("GHSA-1")), Tier.MANUAL_REVIEW)
    assert said.startswith("🔍 MANUAL REVIEW | ☠️ REPORTED AS MALICIOUS (MAL-2024-1): do not install | ")


@pytest.mark.parametrize(
    ("installed", "latest"), [("1", "1.0"), ("1.0.0", "1.0"), ("v2.0", "2.0"), ("2.0-1", "2.0.post1")]
)
def test_equal_versions_by_pep_440_need_no_update(installed: str, latest: str) -> None:
    assert _said(reviewed(key(installed), pypi=facts(latest)), Tier.PROCEED) == "✅ PROCEED"


@pytest.mark.parametrize(
    ("installed", "latest"), [("3.0", "2.0"), ("10.0", "9.0"), ("2.0.dev1", "1.9"), ("2.0+cpu", "2.0")]
)
def test_an_installed_version_newer_than_the_latest_needs_no_update(installed: str, latest: str) -> None:
    assert _said(reviewed(key(installed), pypi=facts(latest)), Tier.PROCEED) == "✅ PROCEED"


@pytest.mark.parametrize(("installed", "latest"), [("9.0", "10.0"), ("1.0rc1", "1.0"), ("1!1.0", "2!0.1")])
def test_an_older_version_by_pep_440_has_an_update(installed: str, latest: str) -> None:
    assert f"{installed} → {latest}" in _said(reviewed(key(installed), pypi=facts(latest)), Tier.UPDATE)


def test_pypi_down_never_offers_an_update_to_nothing() -> None:
    for records in ((), (advisory("GHSA-1"),)):
        review = reviewed(key("1.0"), *records, pypi=PYPI_DOWN)
        assert review.recommendation is not None
        assert "→" not in review.recommendation.text
        assert "None" not in review.recommendation.text


def test_a_project_without_a_latest_version_offers_no_update() -> None:
    assert _said(reviewed(key("1.0"), pypi=facts(None)), Tier.PROCEED) == "✅ PROCEED"


@pytest.mark.parametrize(("pypi", "osv"), [(PYPI_DOWN, None), (None, OSV_DOWN), (PYPI_DOWN, OSV_DOWN)])
@pytest.mark.parametrize("asked", [key(), key(new=True), key(None, text="?")], ids=["version", "new", "unusable"])
def test_a_failed_source_never_reads_as_proceed(
    asked: PackageKey, pypi: SourceError | None, osv: SourceError | None
) -> None:
    review = reviewed(asked, pypi=pypi, osv=osv)
    assert review.status is ReviewStatus.FAILED
    said = _said(review, Tier.MANUAL_REVIEW)
    assert "❓ could not check: " in said
    assert "✅" not in said
    assert of_recommendation(review) is Meaning.COULD_NOT_CHECK


def test_vulnerabilities_are_said_although_another_source_failed() -> None:
    review = reviewed(key("1.0"), advisory("GHSA-1"), pypi=PYPI_DOWN)
    assert review.status is ReviewStatus.FAILED
    said = _said(review, Tier.SECURITY_RISK)
    assert said.endswith(" | ❓ could not check: pypi: no answer after 5 tries")
    assert "no later version" not in said
    assert of_recommendation(review) is Meaning.RISK


def test_a_new_package_says_what_is_known_of_its_latest_version() -> None:
    clean = _said(reviewed(key(new=True)), Tier.MANUAL_REVIEW)
    assert clean == (
        "🔍 MANUAL REVIEW | NEW package: not installed yet | no advisory known | latest 3.0 has no known vulnerability"
    )
    bad = _said(reviewed(key(new=True), advisory("GHSA-1", fixed=None)), Tier.MANUAL_REVIEW)
    assert "1 advisory known for this package | latest 3.0 has known vulnerabilities" in bad


def test_a_new_package_that_is_not_on_pypi_is_not_waved_through() -> None:
    said = _said(reviewed(key(new=True), pypi=facts(found=False)), Tier.MANUAL_REVIEW)
    assert "demo is not on PyPI: an internal or a removed package | 📋 Check its origin" in said


def test_not_on_pypi_asks_for_its_origin() -> None:
    review = reviewed(pypi=facts(found=False))
    assert _said(review, Tier.MANUAL_REVIEW) == (
        "🔍 MANUAL REVIEW | demo is not on PyPI: an internal or a removed package | 📋 Check its origin"
    )
    assert of_recommendation(review) is Meaning.MANUAL_REVIEW
    assert review.reason == "not on PyPI"


def test_a_skipped_version_says_why_and_what_to_do() -> None:
    review = reviewed(key(None, text="latest"))
    assert review.status is ReviewStatus.SKIPPED
    assert _said(review, Tier.MANUAL_REVIEW) == (
        "🔍 MANUAL REVIEW | 'latest' is no version | 📋 Correct the version and run again"
    )
    assert of_recommendation(review) is Meaning.MANUAL_REVIEW


def test_advisories_that_cannot_be_compared_are_named_five_and_counted() -> None:
    odd = [advisory(f"GHSA-{n}", introduced="alpha-x", fixed="beta-y") for n in range(7)]
    said = _said(reviewed(key("1.0"), *odd), Tier.MANUAL_REVIEW)
    assert "OSV: 7 advisories cannot be compared with 1.0" in said
    assert "(GHSA-0, GHSA-1, GHSA-2, GHSA-3, GHSA-4 and 2 more)" in said
    assert "📋 Human review needed for indeterminate cases" in said


@pytest.mark.parametrize(
    "down", [None, SourceUnavailable(f"pypi: HTTP 414 for https://pypi.org/pypi/{'x' * 30_000}/json")]
)
def test_a_name_of_thousands_of_letters_does_not_hide_what_is_to_be_done(down: SourceError | None) -> None:
    asked = key(name="x" * 30_000)
    said = _said(reviewed(asked, pypi=down or facts(name="x" * 30_000, found=False)), Tier.MANUAL_REVIEW)
    assert len(said) < 300
    assert "xxx…" in said
    assert said.endswith("Run again; nothing is known to be safe" if down else "📋 Check its origin")
