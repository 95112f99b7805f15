"""What cells say, in today's words and the older tool's: read as the verdict that was meant, or not at all."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import SourceUnavailable
from tasks.merge.changes import changes, shown
from tasks.merge.vocabulary import meaning_of, verdict_of
from tasks.review.cells import RESULT_FIELDS, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageReview
from tasks.workbook.model import MANUAL_FIELDS, Field, Layout, PackageRow
from tests.review.review_samples import OSV_DOWN, PYPI_DOWN, advisory, facts, key, reviewed

RISK, SAFE, MANUAL = Meaning.RISK, Meaning.SAFE, Meaning.MANUAL_REVIEW
FAILED, UPDATED, UPDATE, GONE = Meaning.COULD_NOT_CHECK, Meaning.UPDATED, Meaning.VERSION_UPDATE, Meaning.NOT_AVAILABLE
AI = "GitHub Security Advisory Analysis"
AGAIN = "❓ could not check: osv: down | 📋 Run again; nothing is known to be safe"

RESULTS: list[tuple[str, Meaning | None]] = [
    ("VULNERABLE - 3 CVEs affect v1.0 (Highest: HIGH)", RISK),
    ("VULNERABLE - 1 GitHub advisory affects v1.0 (Highest: UNKNOWN) | severity from OSV; NVD not consulted", RISK),
    ("vulnerable - 2 SNYK vulnerabilities affect v1.0 (highest: low)", RISK),
    ("SAFE - 12 CVEs found but v1.0 not affected", SAFE),
    ("SAFE - 1 MITRE CVE found but v1!2.0+local.1 not affected | MITRE not consulted", SAFE),
    ("SAFE - 4 SNYK vulnerabilities found but v6 not affected", SAFE),
    ("SAFE - 4 CVEs found but v6 not affected (version checking uncertain for 2 CVEs)", MANUAL),
    ("None found", SAFE),
    ("  none found ", SAFE),
    ("None found (no CVE is known for this package)", SAFE),
    ("No published security advisories", SAFE),
    ("No vulnerabilities found", SAFE),
    ("Manual review required - check https://github.com/a/b/security/advisories", MANUAL),
    ("Manual review required - 12 CVEs found, 3 require manual version checking for v1.0", MANUAL),
    ("Could not check (osv: HTTP 503)", FAILED),
    ("Error scanning NIST NVD: timed out\nafter 30 s", FAILED),
    ("Not applicable (no SNYK_TOKEN)", UPDATED),
    ("NEW package - No CVE records found", SAFE),
    ("NEW package - No SNYK vulnerabilities found", SAFE),
    ("NEW package - Found 17 CVE records: CVE-2020-0001, CVE-2020-0002 ... and 15 more", MANUAL),
    ("Found 5 vulnerabilities in NIST NVD", RISK),
    ("Found 1 vulnerability in NIST NVD", RISK),
    ("Found 0 vulnerabilities in NIST NVD", SAFE),
    (f"{AI}: FOUND - bad. Severity: HIGH. Current version 1.0: AFFECTED. Recommendation: ACTION_NEEDED", RISK),
    (f"{AI}: FOUND - old. Severity: HIGH. Current version 1.0: NOT_AFFECTED. Recommendation: MONITOR", SAFE),
    (f"{AI}: NOT_FOUND - none. Severity: NONE. Current version 1.0: NOT_AFFECTED. Recommendation: SAFE_TO_USE", SAFE),
    (f"{AI}: NOT_FOUND - but. Severity: HIGH. Current version 1.0: AFFECTED. Recommendation: URGENT_UPDATE", RISK),
    (f"{AI}: FOUND - cut short", MANUAL),
    ("Exploit Database Analysis: NOT_FOUND - no exploit", SAFE),
    ("Not Available", GONE),
    ("checked by Ann: fine", None),
    ("SAFE", None),
    ("None found, but see the notes: VULNERABLE", None),
    ("None found | VULNERABLE since", None),
    ("SAFE - 2 CVEs found but v1.0 not affected; v2.0 is VULNERABLE", None),
    ("No published security advisories yet, exploit circulates", None),
    ("VULNERABLE", None),
]
RECOMMENDATIONS: list[tuple[str, Meaning | None]] = [
    ("🚨 SECURITY RISK | 2 confirmed vulnerabilities found | 📦 UPDATE REQUIRED: 1.0 → 2.0 | ℹ️ INFO: x", RISK),
    ("Update from 1.0 to 2.0 | SECURITY RISK: 4 vulnerabilities found", RISK),
    (f"🚨 SECURITY RISK | 1 confirmed vulnerability found | {AGAIN}", RISK),
    (f"Update from 1.0 to 2.0 | SECURITY RISK: 4 vulnerabilities found | {AGAIN}", RISK),
    ("🔍 MANUAL REVIEW | NIST NVD require human assessment | • NIST NVD: 12 CVEs | 📋 Human review", MANUAL),
    (f"🔍 MANUAL REVIEW | {AGAIN}", FAILED),
    (f"✅ PROCEED | {AGAIN}", FAILED),
    (f"approved by Ann | {AGAIN}", FAILED),
    ("✅ PROCEED", SAFE),
    ("PROCEED", SAFE),
    ("✅ PROCEED | ℹ️ INFO: 3 CVEs found but current version not affected (NIST NVD)", SAFE),
    ("✅ PROCEED WITH UPDATE | 📦 UPDATE AVAILABLE: 1 → 2 | ✅ No security risks detected - safe to update", UPDATE),
    ("✅ PROCEED | 📦 UPDATE AVAILABLE: 1 → 2 | ⚠️ 2 is not free of known vulnerabilities - stay on 1", UPDATE),
    ("Update from 1.0 to 2.0", UPDATE),
    ("UPDATE", UPDATE),
    ("UPDATE at once", None),
    ("✅ PROCEED | but ask the vendor first", None),
    ("PROCEED with care", None),
    ("approved by Ann", None),
]


@pytest.mark.parametrize(("text", "meaning"), RESULTS)
def test_results(text: str, meaning: Meaning | None) -> None:
    assert {verdict_of(field, text) for field in RESULT_FIELDS} == {meaning}


@pytest.mark.parametrize(("text", "meaning"), RECOMMENDATIONS)
def test_recommendations(text: str, meaning: Meaning | None) -> None:
    assert verdict_of(Field.RECOMMENDATION, text) is meaning


def test_not_available_is_understood_in_the_date_column_and_nothing_else_is() -> None:
    assert verdict_of(Field.DATE_PUBLISHED, "not available ") is Meaning.NOT_AVAILABLE
    assert verdict_of(Field.DATE_PUBLISHED, "None found") is None
    assert verdict_of(Field.NOTES, "None found") is None
    assert verdict_of(Field.RECOMMENDATION, "None found") is None


REVIEWS = {
    "clean": reviewed(pypi=facts("1.0")),
    "behind": reviewed(),
    "behind, the latest affected": reviewed(key("1.0"), advisory("GHSA-1", introduced="2.5", fixed=None)),
    "affected": reviewed(key(), advisory("GHSA-1", aliases=("CVE-2020-0001",))),
    "affected by two": reviewed(key(), advisory("PYSEC-1"), advisory("GHSA-2", aliases=("CVE-2020-0002",))),
    "not affected": reviewed(key("3.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",))),
    "not affected, no CVE": reviewed(key("3.0"), advisory("PYSEC-1")),
    "malicious": reviewed(key(), advisory("MAL-2024-1", fixed=None)),
    "malicious, no version": reviewed(key(None, text="any"), advisory("MAL-2024-1", fixed=None), pypi=PYPI_DOWN),
    "no version": reviewed(key(None, text="any"), advisory("GHSA-1", aliases=("CVE-2020-0001",))),
    "undecidable": reviewed(key(), advisory("GHSA-1", introduced="what", fixed="ever", aliases=("CVE-2020-0001",))),
    "new": reviewed(key(new=True)),
    "new with advisories": reviewed(key(new=True), advisory("GHSA-1", aliases=("CVE-2020-0001",))),
    "not on PyPI": reviewed(pypi=facts(found=False)),
    "no release date": reviewed(pypi=facts(released=None)),
    "pypi down": reviewed(pypi=PYPI_DOWN),
    "pypi down, affected": reviewed(key(), advisory("GHSA-1"), pypi=PYPI_DOWN),
    "osv down": reviewed(osv=OSV_DOWN),
    "all down": reviewed(pypi=PYPI_DOWN, osv=SourceUnavailable("osv: HTTP 503 (down | again)")),
}


@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS.keys())
def test_every_cell_of_a_scan_reads_as_the_meaning_it_was_given(review: PackageReview) -> None:
    for proposal in proposals(review):
        assert meaning_of(proposal.field, shown(proposal.value)) is proposal.meaning, proposal


@pytest.mark.parametrize("review", REVIEWS.values(), ids=REVIEWS.keys())
@pytest.mark.parametrize("former", ["🚨 SECURITY RISK | x", "✅ PROCEED", "was a SECURITY RISK once", "by hand"])
def test_so_does_every_recommendation_behind_a_former_one(review: PackageReview, former: str) -> None:
    row = PackageRow(4, "demo", "demo", "1.0", "1.0", cells={Field.RECOMMENDATION: former})
    for change in changes([row], {4: review}, Layout("Review", 3, 4)):
        assert meaning_of(change.field, change.new) is change.meaning


def test_other_columns_have_their_usual_colour() -> None:
    assert meaning_of(Field.LATEST_VERSION, 6) is Meaning.VERSION_UPDATE
    assert meaning_of(Field.DATE_PUBLISHED, datetime(2020, 1, 2)) is Meaning.VERSION_UPDATE  # noqa: DTZ001
    assert meaning_of(Field.DATE_PUBLISHED, "Not Available") is Meaning.NOT_AVAILABLE
    assert meaning_of(Field.GITHUB_URL, "https://github.com/a/b") is Meaning.GITHUB
    assert meaning_of(Field.RECOMMENDATION, "by hand") is None
    assert {meaning_of(field, "x") for field in MANUAL_FIELDS} == {None}
    assert {meaning_of(field, blank) for field in Field for blank in (None, " ")} == {None}


FIXED = [text for text, _ in (*RESULTS, *RECOMMENDATIONS) if "Analysis" not in text]


@given(st.sampled_from(FIXED), st.text(min_size=1, max_size=30))
def test_a_remark_behind_a_text_is_never_read_as_safe(text: str, remark: str) -> None:
    for field in (*RESULT_FIELDS, Field.RECOMMENDATION):
        assert verdict_of(field, f"{text} - {remark}") is not Meaning.SAFE


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["Current version ", "Update from a to ", "SAFE - 1 a found but v", "🚨 | ", "1 affect "]
)
def test_a_cell_full_of_half_words_is_read_in_no_time(piece: str) -> None:
    for start in ("", "A Analysis: FOUND ", "VULNERABLE - 1 ", "SAFE - 1 "):
        text = (start + piece * 32_767)[:32_767]
        for field in (Field.NIST_NVD_RESULT, Field.RECOMMENDATION):
            verdict_of(field, text)
