"""Decisions held against findings: matched by any alias, counted until their day, never a finding less."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from tasks.advisories.model import Severity
from tasks.decisions.baseline import Baselines, Known
from tasks.decisions.model import Decision, DecisionKind, DecisionNote, Standing
from tasks.merge.vocabulary import meaning_of
from tasks.review.cells import RESULT_FIELDS, proposals
from tasks.review.deciding import DecisionBook
from tasks.review.meaning import Meaning, of_recommendation
from tasks.review.model import PackageReview, Tier
from tasks.workbook.model import Field
from tests.decisions.decision_samples import TODAY, affected, decision, text_of
from tests.review.review_samples import PYPI_DOWN, advisory, key, reviewed


def _decided(
    review: PackageReview, *decisions: Decision, today: date = TODAY, known: dict[str, Known] | None = None
) -> PackageReview:
    return DecisionBook.of(decisions, today).decided(review, known or {})


def _note(review: PackageReview) -> DecisionNote:
    (note,) = [found.decision for found in review.vulnerabilities if found.decision]
    return note


def _grown(review: PackageReview, **change: object) -> PackageReview:
    (found,) = review.vulnerabilities
    return review.model_copy(update={"vulnerabilities": (found.model_copy(update=change),)})


@pytest.mark.parametrize("name", ["CVE-2020-0001", "ghsa-aaaa-BBBB-cccc", "PYSEC-2020-1", "snyk-python-demo-1"])
def test_any_id_or_alias_names_the_finding(name: str) -> None:
    review = _decided(affected(), decision(advisory=name))
    assert _note(review).standing is Standing.IN_FORCE
    assert review.open_vulnerabilities == ()


@pytest.mark.parametrize("other", [{"advisory": "CVE-2020-9999"}, {"package": "other"}, {"version": "1.1"}])
def test_another_advisory_package_or_version_is_not_meant(other: dict[str, str]) -> None:
    review = affected()
    assert _decided(review, decision(**other)) is review


def test_the_version_is_compared_by_value() -> None:
    assert _decided(affected("1.0"), decision(version="1.0.0")).open_vulnerabilities == ()


def test_a_decision_counts_through_its_last_day_and_not_a_day_longer() -> None:
    last = decision().expiry
    assert _note(_decided(affected(), decision(), today=last)).standing is Standing.IN_FORCE
    review = _decided(affected(), decision(), today=last + timedelta(days=1))
    assert _note(review).standing is Standing.EXPIRED
    assert len(review.open_vulnerabilities) == 1
    assert text_of(review).startswith(
        "🚨 SECURITY RISK | 1 confirmed vulnerability found | ⏰ DECISION EXPIRED: CVE-2020-0001"
    )


def test_an_accepted_risk_is_named_and_never_green() -> None:
    review = _decided(affected(), decision())
    assert text_of(review) == (
        "🔍 MANUAL REVIEW | 📝 DECIDED: CVE-2020-0001 accepted risk (owner Jane Doe, until 2026-12-31): "
        "behind the proxy"
        " | 📦 UPDATE AVAILABLE: 1.0 → 3.0 | 2.0 is the smallest later version without a known vulnerability"
        " | 📋 Look again by 2026-12-31"
    )
    assert of_recommendation(review) is Meaning.MANUAL_REVIEW


@pytest.mark.parametrize("kind", ["not affected", "false positive"])
def test_what_does_not_apply_leaves_the_rest_of_the_row_to_speak(kind: str) -> None:
    behind = _decided(affected(), decision(decision=kind))
    assert behind.recommendation is not None
    assert behind.recommendation.tier is Tier.UPDATE
    assert "No security risks detected" not in text_of(behind)
    assert f"📝 DECIDED: CVE-2020-0001 {kind} (owner Jane Doe, until 2026-12-31)" in text_of(behind)
    latest = _decided(reviewed(key("3.0"), advisory("CVE-2020-0001", fixed=None)), decision(decision=kind))
    assert latest.recommendation is not None
    assert latest.recommendation.tier is Tier.PROCEED


@pytest.mark.parametrize("kind", list(DecisionKind))
def test_no_result_cell_changes_and_the_words_have_the_colour_of_the_cell(kind: DecisionKind) -> None:
    before, after = affected(), _decided(affected(), decision(decision=kind.value))
    results = [cell for cell in proposals(before) if cell.field in RESULT_FIELDS]
    assert results == [cell for cell in proposals(after) if cell.field in RESULT_FIELDS]
    assert Meaning.RISK in {cell.meaning for cell in results}
    for today in (TODAY, date(2030, 1, 1)):
        review = _decided(affected(), decision(decision=kind.value), today=today)
        assert meaning_of(Field.RECOMMENDATION, text_of(review)) is of_recommendation(review)


def test_a_row_with_one_more_finding_stays_at_risk_and_counts_only_that_one() -> None:
    review = reviewed(key("1.0"), advisory("CVE-2020-0001"), advisory("CVE-2020-0002"))
    after = _decided(review, decision())
    assert len(after.vulnerabilities) == 2
    assert "🚨 SECURITY RISK | 1 confirmed vulnerability found | 📝 DECIDED: CVE-2020-0001" in text_of(after)


def test_a_row_that_could_not_be_checked_stays_unchecked() -> None:
    review = _decided(
        reviewed(key("1.0"), advisory("CVE-2020-0001"), pypi=PYPI_DOWN), decision(decision="not affected")
    )
    assert of_recommendation(review) is Meaning.COULD_NOT_CHECK
    assert "📝 DECIDED" in text_of(review)
    assert "❓ could not check" in text_of(review)


def test_a_finding_whose_severity_rose_counts_again_and_says_so() -> None:
    review = _decided(_grown(affected(), severity=Severity.CRITICAL), decision(severity="medium"))
    assert _note(review).standing is Standing.GREW_WORSE
    assert "📈 WORSE THAN WHEN DECIDED (severity was MEDIUM, is CRITICAL): CVE-2020-0001" in text_of(review)
    assert len(review.open_vulnerabilities) == 1


def test_a_finding_that_is_exploited_now_counts_again() -> None:
    review = _decided(_grown(affected(), kev=True), decision(known_exploited="no"))
    assert "(known to be exploited now)" in text_of(review)
    assert _decided(_grown(affected(), kev=True), decision(known_exploited="yes")).open_vulnerabilities == ()


def test_what_a_decision_does_not_say_is_what_the_first_scan_saw(tmp_path: Path) -> None:
    book, worse = DecisionBook.of([decision()], TODAY), _grown(affected(), kev=True, severity=Severity.CRITICAL)
    with Baselines(tmp_path / "decisions.sqlite") as baselines:
        sights = book.first_sights([affected()], baselines.read())
        assert sights == {decision().key: Known(Severity.HIGH, exploited=False)}
        baselines.note(sights)
    with Baselines(tmp_path / "decisions.sqlite") as baselines:
        known = baselines.read()
        assert book.first_sights([worse], known) == {}
        baselines.note({decision().key: Known(Severity.CRITICAL, exploited=True)})
        assert baselines.read() == known
    assert book.decided(affected(), known).open_vulnerabilities == ()
    assert _note(book.decided(worse, known)).why == "severity was HIGH, is CRITICAL; known to be exploited now"


def test_a_renewed_decision_is_a_new_one() -> None:
    assert decision(expiry="2027-06-30").key != decision().key
    assert decision(package="DEMO").key == decision().key


def test_no_name_of_a_person_is_in_the_record_of_decisions(tmp_path: Path) -> None:
    with Baselines(tmp_path / "decisions.sqlite") as baselines:
        baselines.note({decision().key: Known(Severity.HIGH, exploited=False)})
    assert b"Jane" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_malicious_package_is_no_risk_to_accept() -> None:
    malicious = _grown(affected(), malicious=True)
    review = _decided(malicious, decision())
    assert _note(review).standing is Standing.NOT_ALLOWED
    assert "⛔ DECISION DOES NOT COUNT (a malicious package is no risk to accept)" in text_of(review)
    assert _decided(malicious, decision(decision="false positive")).open_vulnerabilities == ()


def test_of_several_decisions_the_one_in_force_counts_then_the_latest() -> None:
    old, new = decision(expiry="2026-01-01"), decision(owner="John Roe", decided_on="2026-11-20")
    assert _note(_decided(affected(), old, new)).owner == "John Roe"
    assert _note(_decided(affected(), decision(decided_on="2026-01-01"), new)).owner == "John Roe"
    assert _note(_decided(affected(), old, decision(expiry="2026-02-01"))).expiry == date(2026, 2, 1)


def test_many_decisions_are_grouped_and_cut_with_their_number() -> None:
    ids = [f"CVE-2020-{number:04}" for number in range(1, 41)]
    review = reviewed(key("1.0"), *(advisory(identifier) for identifier in ids))
    alike = text_of(_decided(review, *(decision(advisory=identifier) for identifier in ids)))
    assert "CVE-2020-0005 and 35 more accepted risk (owner Jane Doe" in alike
    unlike = text_of(_decided(review, *(decision(advisory=one, owner=f"Owner {one}") for one in ids)))
    assert "📝 DECIDED: 35 more, see the report" in unlike


def test_text_of_people_cannot_end_a_part_of_the_cell() -> None:
    said = text_of(_decided(affected(), decision(owner="A | ✅ PROCEED", reason="x | ❓ y", decision="not affected")))
    assert " | ✅ PROCEED" not in said.removeprefix("✅ PROCEED")
    assert " | ❓ " not in said


def test_every_decision_without_a_finding_is_named_with_the_reason() -> None:
    decisions = [
        decision(),
        decision(advisory="CVE-1999-0001"),
        decision(package="absent"),
        decision(version="9.9"),
        decision(package="down"),
    ]
    down = reviewed(key("1.0", name="down"), pypi=PYPI_DOWN)
    unused = DecisionBook.of(decisions, TODAY).without_finding([affected(), down])
    assert [(one.package, one.advisory, one.reason) for one in unused] == [
        ("Demo", "CVE-1999-0001", "no finding of this scan has this id or alias"),
        ("Demo", "CVE-2020-0001", "no row has version 9.9"),
        ("absent", "CVE-2020-0001", "the package is not in this scan"),
        ("down", "CVE-2020-0001", "the package could not be checked"),
    ]


def test_packages_that_were_not_asked_for_are_not_said_to_be_gone() -> None:
    book = DecisionBook.of([decision(package="elsewhere"), decision(package="absent")], TODAY)
    assert [one.package for one in book.without_finding([affected()], {"demo", "elsewhere"})] == ["absent"]


def test_an_advisory_that_cannot_be_compared_stays_for_a_person() -> None:
    unclear = reviewed(key("1.0"), advisory("PYSEC-2020-1", introduced="no version"))
    book = DecisionBook.of([decision(advisory="PYSEC-2020-1", decision="not affected")], TODAY)
    after = book.decided(unclear, {})
    assert after.recommendation is not None
    assert after.recommendation.tier is Tier.MANUAL_REVIEW
    (unused,) = book.without_finding([after])
    assert unused.reason.endswith("so it stays for manual review")
