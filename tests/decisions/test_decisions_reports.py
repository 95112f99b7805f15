"""Decisions in the gate and in every report: always shown, and as text."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.scan.flow import ScanOutcome
from flows.scan.outcome import exit_code
from flows.story.scan_story import finding_rows, scan_tags
from tasks.advisories.model import Severity
from tasks.decisions.baseline import Known
from tasks.decisions.model import Decision, DecisionReport, Refusal
from tasks.errors import ExitCode
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_json
from tasks.notifying.news import scan_news
from tasks.reports.page.scan import scan_page
from tasks.reports.result import RunMetrics, ScanResult, result_document, scan_document, summary
from tasks.reports.scanreport import scan_report_lines
from tasks.reports.summary import summary_lines
from tasks.review.deciding import DecisionBook
from tasks.review.model import PackageReview
from tests.decisions.decision_samples import TODAY, affected, decision
from tests.review.review_samples import NOW

WORSE = Known(Severity.LOW, exploited=False)


def _result(*decisions: Decision, today: date = TODAY, known: dict[str, Known] | None = None) -> ScanResult:
    book = DecisionBook.of(decisions, today)
    review: PackageReview = book.decided(affected(), known or {})
    report = DecisionReport(
        len(decisions), (Refusal("Decisions!7", "no owner; fill it in"),), tuple(book.without_finding([review]))
    )
    return ScanResult("scan1", Path("packages.xlsx"), NOW, NOW, (review,), RunMetrics(), decisions=report)


@pytest.mark.parametrize("kind", ["accepted risk", "not affected", "false positive", "fix planned"])
def test_what_is_decided_passes_the_gate_until_its_day(kind: str) -> None:
    agreed = decision(decision=kind)
    assert exit_code(ScanOutcome(_result()), "low") is ExitCode.FINDINGS
    assert exit_code(ScanOutcome(_result(agreed)), "low") is ExitCode.DONE
    assert exit_code(ScanOutcome(_result(agreed, today=date(2027, 1, 1))), "low") is ExitCode.FINDINGS
    assert exit_code(ScanOutcome(_result(agreed, known={agreed.key: WORSE})), "low") is ExitCode.FINDINGS


def test_what_is_decided_is_no_news_and_still_a_vulnerability() -> None:
    assert list(scan_news(_result(decision()).packages, Severity.LOW)) == []
    assert len(list(scan_news(_result(decision(), today=date(2027, 1, 1)).packages, Severity.LOW))) == 1
    assert summary(_result(decision()).packages)["vulnerabilities"] == 1


def test_the_summary_says_how_many_were_decided_and_what_was_not_used() -> None:
    said = "\n".join(summary_lines(_result(decision(), decision(package="gone"))))
    assert "1 finding decided (1 accepted risk), 1 decision refused, 1 decision without a finding" in said
    assert "1 vulnerability (highest: HIGH, CVSS 7.5), 1 decided" in said
    assert "1 with an expired decision" in "\n".join(summary_lines(_result(decision(), today=date(2027, 1, 1))))


def test_the_result_file_holds_every_decision_and_is_read_back() -> None:
    result = _result(decision(), decision(package="gone"))
    document = orjson.loads(orjson.dumps(result_document(result)))
    (found,) = document["packages"][0]["vulnerabilities"]
    assert found["decision"] == {
        "kind": "accepted_risk",
        "standing": "in_force",
        "advisory": "CVE-2020-0001",
        "owner": "Jane Doe",
        "reason": "behind the proxy",
        "expiry": "2026-12-31",
        "place": "decisions.yaml:2",
        "decided_on": None,
        "why": None,
    }
    assert document["decisions"] == {
        "given": 2,
        "refused": [{"place": "Decisions!7", "problem": "no owner; fill it in"}],
        "without_finding": [
            {
                "place": "decisions.yaml:2",
                "package": "gone",
                "advisory": "CVE-2020-0001",
                "reason": "the package is not in this scan",
            }
        ],
    }
    again = parse_json(DocumentKind.SCAN, orjson.dumps(document), "the file")
    assert again == scan_document(result)


def test_the_text_report_lists_them_by_what_they_count_for() -> None:
    agreed = decision()
    said = "\n".join(scan_report_lines(scan_document(_result(agreed)), None))
    assert "DECIDED (1)" in said
    assert "accepted risk, owner Jane Doe, until 2026-12-31: behind the proxy [decisions.yaml:2]" in said
    assert "DECISIONS REFUSED (1)" in said
    worse = "\n".join(scan_report_lines(scan_document(_result(agreed, known={agreed.key: WORSE})), None))
    assert "WORSE THAN WHEN DECIDED: COUNTS AGAIN (1)" in worse
    assert "severity was LOW, is HIGH" in worse


def test_the_run_tells_of_decisions_and_is_not_alarmed_by_them() -> None:
    agreed, expired = _result(decision()), _result(decision(), today=date(2027, 1, 1))
    assert scan_tags(agreed, None) == {"outcome:decided", "outcome:manual-review"}
    assert scan_tags(expired, None) == {"outcome:findings"}
    (row,) = finding_rows(agreed)
    assert row["Decision"].startswith("accepted risk, owner Jane Doe, until 2026-12-31")


def _page(result: ScanResult) -> str:
    return "".join(scan_page(scan_document(result), None))


def test_the_page_shows_decisions_and_text_of_people_as_text() -> None:
    page = _page(_result(decision(reason="<script>alert(1)</script>", owner="<b>Jane</b>")))
    assert 'id="decisions"' in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>Jane" not in page
    assert "accepted risk until 2026-12-31" in page


def test_a_page_without_decisions_has_no_such_part() -> None:
    empty: Any = replace(_result(), decisions=DecisionReport())
    assert 'id="decisions"' not in _page(empty)
