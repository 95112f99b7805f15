"""The JSON result and the summary: exactly the documented shape, true counts, plain words."""

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.advisories.model import Severity
from tasks.errors import CheckpointError
from tasks.reports.result import RunMetrics, ScanResult, result_document, summary, write_result
from tasks.reports.summary import summary_lines
from tasks.review.model import PackageReview
from tests.review.review_samples import (
    CRITICAL,
    MEDIUM,
    NOW,
    OSV_DOWN,
    PYPI_DOWN,
    advisory,
    facts,
    key,
    reviewed,
)

VULNERABLE = reviewed(
    key("1.0"), advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("PYSEC-1", aliases=("CVE-2020-0001",))
)


def _result(*packages: PackageReview, **more: Any) -> ScanResult:
    metrics = RunMetrics(12.34, 5, 2, {"pypi": 3, "osv": 1}, 96, services={"osv": {"retries": 1}})
    return ScanResult("scan1", Path("packages.xlsx"), NOW, NOW, packages, metrics, **more)


def test_the_document_has_the_documented_keys() -> None:
    document = result_document(_result(VULNERABLE, workbook=Path("out.xlsx"), changed_cells=7, notes=("one",)))
    assert list(document) == [
        "schema",
        "scan_id",
        "input",
        "started_at",
        "finished_at",
        "packages",
        "summary",
        "metrics",
        "decisions",
        "upgrade_plan",
    ]
    assert (document["schema"], document["scan_id"], document["input"]) == (1, "scan1", "packages.xlsx")
    assert document["started_at"] == "2026-03-04T05:06:07Z"
    assert document["metrics"] == {
        "wall_s": 12.34,
        "batches": 5,
        "cached_batches": 2,
        "requests": {"pypi": 3, "osv": 1},
        "peak_rss_mb": 96,
        "services": {"osv": {"retries": 1}},
        "timeline": [],
    }
    assert {k: document["summary"][k] for k in ("workbook", "backup", "changed_cells", "notes")} == {
        "workbook": "out.xlsx",
        "backup": None,
        "changed_cells": 7,
        "notes": ["one"],
    }


def test_a_package_has_the_documented_shape() -> None:
    (package,) = result_document(_result(VULNERABLE))["packages"]
    documented = {
        "row": 4,
        "name": "demo",
        "version": "1.0",
        "latest_version": "3.0",
        "status": "reviewed",
        "reason": None,
    }
    assert {k: package[k] for k in documented} == documented
    assert set(package["sources"]) == {"osv", "github", "nvd", "mitre", "snyk", "exploitdb"}
    assert package["sources"]["osv"] == {
        "status": "affected",
        "ids": ["GHSA-1", "PYSEC-1"],
        "reason": None,
        "checked_at": "2026-03-04T05:06:07Z",
    }
    assert package["vulnerabilities"] == [
        {
            "ids": ["GHSA-1", "PYSEC-1"],
            "aliases": ["CVE-2020-0001"],
            "cves": ["CVE-2020-0001"],
            "severity": "HIGH",
            "cvss": 7.5,
            "fixed_in": ["2.0"],
            "kev": False,
            "epss": None,
            "exploits": [],
            "sources": ["osv"],
            "malicious": False,
            "decision": None,
        }
    ]
    assert package["recommendation"]["tier"] == "security_risk"
    assert (package["cleared_by"], package["latest_affected"]) == ("2.0", False)


@pytest.mark.parametrize(
    ("review", "status"),
    [
        (reviewed(), "none_found"),
        (reviewed(key("2.0"), advisory("GHSA-1")), "not_affected"),
        (reviewed(osv=OSV_DOWN), "unknown"),
        (reviewed(pypi=facts(found=False)), "not_applicable"),
    ],
)
def test_ids_are_named_only_where_they_made_the_status(review: PackageReview, status: str) -> None:
    (package,) = result_document(_result(review))["packages"]
    assert package["sources"]["osv"]["status"] == status
    assert package["sources"]["osv"]["ids"] == []
    assert (package["sources"]["osv"]["reason"] is None) == (status in ("none_found", "not_affected"))


def test_failed_and_skipped_rows_carry_their_reason() -> None:
    failed, skipped = result_document(_result(reviewed(osv=OSV_DOWN), reviewed(key(None, text="x"))))["packages"]
    assert (failed["status"], failed["reason"]) == ("failed", "could not check: osv: no answer after 5 tries")
    assert (skipped["status"], skipped["reason"], skipped["version"]) == ("skipped", "'x' is no version", "x")


def test_the_file_is_json_with_its_letters_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "result.json"
    result = _result(reviewed(key("1.0", name="dé→mo")))
    write_result(path, result)
    assert "dé→mo" in path.read_text("utf-8")
    assert json.loads(path.read_bytes()) == json.loads(json.dumps(result_document(result)))


def test_a_lone_surrogate_in_foreign_text_does_not_stop_the_report(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_result(path, _result(VULNERABLE.model_copy(update={"name": "a\udcffb"})))
    assert json.loads(path.read_bytes())["packages"][0]["name"] == "a?b"


def test_a_place_that_cannot_be_written_is_one_of_our_errors(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CheckpointError, match="taken"):
        write_result(tmp_path / "taken" / "result.json", _result())


ALL = (
    VULNERABLE,
    reviewed(key("1.0"), advisory("GHSA-2", vector=MEDIUM), advisory("GHSA-3", vector=CRITICAL)),
    reviewed(osv=OSV_DOWN),
    reviewed(key("1.0"), advisory("GHSA-4"), pypi=PYPI_DOWN),
    reviewed(key(None, text="latest")),
    reviewed(key("1.0")),
    reviewed(key("3.0")),
)


def test_the_counts_are_of_what_affects() -> None:
    counts = summary(ALL)
    assert counts["packages"] == 7
    assert counts["statuses"] == {"reviewed": 4, "failed": 2, "skipped": 1}
    assert counts["tiers"] == {"security_risk": 3, "manual_review": 2, "update": 1, "proceed": 1}
    assert (counts["vulnerabilities"], counts["affected_packages"]) == (4, 3)
    assert counts["severities"] == {"UNKNOWN": 0, "LOW": 0, "MEDIUM": 1, "HIGH": 2, "CRITICAL": 1}
    assert [gap["reason"] for gap in counts["could_not_check"]] == [
        "could not check: osv: no answer after 5 tries",
        "could not check: pypi: no answer after 5 tries",
    ]


def test_nothing_reviewed_counts_nothing() -> None:
    counts = summary(())
    assert (counts["packages"], counts["vulnerabilities"], counts["could_not_check"]) == (0, 0, [])
    assert list(summary_lines(_result())) == [
        "Reviewed 0 packages in 12.3 s (5 batches, 2 from checkpoints)",
        "  0 security risk, 0 manual review, 0 update available, 0 nothing to do",
        "  0 vulnerabilities in 0 packages",
        "No workbook was written",
    ]


def test_the_summary_line_by_line() -> None:
    result = _result(*ALL, workbook=Path("out.xlsx"), backup=Path("b.xlsx"), changed_cells=90, notes=("A note.",))
    assert list(summary_lines(result)) == [
        "Reviewed 7 packages in 12.3 s (5 batches, 2 from checkpoints)",
        "  3 security risk, 2 manual review, 1 update available, 1 nothing to do",
        "  4 vulnerabilities in 3 packages (1 critical, 2 high, 1 medium); 2 packages could not be checked",
        "Most severe (3):",
        "  row 4 demo 1.0: 2 vulnerabilities (highest: CRITICAL, CVSS 9.8)",
        "  row 4 demo 1.0: 1 vulnerability (highest: HIGH, CVSS 7.5)",
        "  row 4 demo 1.0: 1 vulnerability (highest: HIGH, CVSS 7.5)",
        "Skipped (1):",
        "  row 4 demo latest: 'latest' is no version",
        "Could not check (2):",
        "  row 4 demo 1.0: could not check: osv: no answer after 5 tries",
        "  row 4 demo 1.0: could not check: pypi: no answer after 5 tries",
        "A note.",
        "Workbook: out.xlsx (90 cells changed; backup: b.xlsx)",
    ]


def test_one_of_each_is_singular() -> None:
    result = ScanResult(
        "s", Path("in.xlsx"), NOW, NOW, (VULNERABLE,), RunMetrics(1.0, 1), workbook=Path("o.xlsx"), changed_cells=1
    )
    lines = list(summary_lines(result))
    assert lines[0] == "Reviewed 1 package in 1.0 s (1 batch, 0 from checkpoints)"
    assert lines[2] == "  1 vulnerability in 1 package (1 high)"
    assert lines[-1] == "Workbook: o.xlsx (1 cell changed)"


def test_an_unchanged_workbook_is_said() -> None:
    assert list(summary_lines(_result(workbook=Path("o.xlsx"))))[-1] == "Workbook: o.xlsx (nothing to change)"
    added = _result(workbook=Path("o.xlsx"), added_rows=2)
    assert list(summary_lines(added))[-1] == "Workbook: o.xlsx (0 cells changed, 2 rows added)"


def test_malicious_packages_top_the_list_then_severity_outweighs_score() -> None:
    packages = (
        reviewed(key("1.0", name="Demo"), advisory("GHSA-2", vector=MEDIUM)),
        reviewed(key("1.0", name="dEmo"), advisory("GHSA-9", vector=None, label=Severity.CRITICAL)),
        reviewed(key("1.0", name="deMo"), advisory("MAL-2024-1", fixed=None, vector=None)),
    )
    lines = list(summary_lines(_result(*packages)))
    place = lines.index("Most severe (3):")
    assert lines[place + 1] == "  row 4 deMo 1.0: MALICIOUS, 1 vulnerability (highest: UNKNOWN)"
    assert [line.split()[2] for line in lines[place + 1 : place + 4]] == ["deMo", "dEmo", "Demo"]


def test_long_lists_are_cut_at_ten_and_counted() -> None:
    lines = list(summary_lines(_result(*[reviewed(osv=OSV_DOWN)] * 13)))
    assert "Could not check (13):" in lines
    assert sum(line.startswith("  row") for line in lines) == 10
    assert "  ... and 3 more" in lines


def test_the_oldest_answers_of_the_sources_are_told() -> None:
    document = result_document(_result(VULNERABLE, oldest_answers={"KEV": NOW}))
    assert document["summary"]["oldest_answers"] == {"KEV": "2026-03-04T05:06:07Z"}
