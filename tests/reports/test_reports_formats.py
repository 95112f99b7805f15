"""The format check report says every cell with a wrong look, what it should be, and what became of it."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.merge.formatting import FormatIssue
from tasks.reports.formats import FormatReport, IssueState, formats_document, formats_lines
from tasks.review.meaning import Meaning
from tasks.workbook.looks import Look
from tasks.workbook.model import STANDARD_COLUMNS, Field

WHEN = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001
P, W = Field.NIST_NVD_RESULT, Field.RECOMMENDATION


def issue(
    field: Field, text: str, expected: Meaning | None, found: Look, *, row: int = 4, package: str = "alpha"
) -> FormatIssue:
    return FormatIssue(package, row, STANDARD_COLUMNS[field], field, text, expected, found)


ISSUES = (
    issue(P, "VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH), which is a long text", Meaning.RISK, Look()),
    issue(W, "by hand", None, Look("E6FFE6", "006600", bold=True)),
    issue(P, "None found", Meaning.SAFE, Look("FFE6E6", "CC0000", bold=True), row=5, package="twin"),
    issue(P, "None found", Meaning.SAFE, Look("FFE6E6", "CC0000", bold=True), row=6, package="twin"),
)
REPORT = FormatReport(WHEN, Path("review.xlsx"), 9, ISSUES)


def test_the_lines() -> None:
    assert list(formats_lines(REPORT)) == [
        "FORMAT CHECK REPORT",
        "===================",
        "Generated: 2026-03-04 05:06:07",
        "Excel file: review.xlsx",
        "",
        "SUMMARY",
        "-------",
        "  Package rows checked: 9",
        "  Rows with issues: 3",
        "  Cells fixed: 0",
        "  Cells that need fixing: 3",
        "  Cells whose text is not understood (left alone): 1",
        "",
        "ISSUES BY COLUMN",
        "----------------",
        "  Col P, NIST NVD Lookup Result: 3 cells (3 NEEDS_FIX)",
        "  Col W, Recommendation: 1 cell (1 NOT_UNDERSTOOD)",
        "",
        "ISSUES BY PACKAGE",
        "-----------------",
        "  📦 alpha (Row 4):",
        "    NIST NVD Lookup Result (Col P): NEEDS_FIX: 'VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH), …'",
        "      expected: risk (fill FFE6E6, font CC0000, bold)",
        "      found: fill none or of the theme, font automatic or of the theme, not bold",
        "    Recommendation (Col W): NOT_UNDERSTOOD: 'by hand'",
        "      expected: unknown: the text has none of the known wordings",
        "      found: fill E6FFE6, font 006600, bold",
        "  📦 twin (Row 5):",
        "    NIST NVD Lookup Result (Col P): NEEDS_FIX: 'None found'",
        "      expected: safe (fill E6FFE6, font 006600, bold)",
        "      found: fill FFE6E6, font CC0000, bold",
        "  📦 twin (Row 6):",
        "    NIST NVD Lookup Result (Col P): NEEDS_FIX: 'None found'",
        "      expected: safe (fill E6FFE6, font 006600, bold)",
        "      found: fill FFE6E6, font CC0000, bold",
    ]


def test_after_mending_what_is_understood_is_fixed() -> None:
    fixed = FormatReport(WHEN, Path("review.xlsx"), 9, ISSUES, fixed=True)
    assert [fixed.state(item) for item in ISSUES] == [
        IssueState.FIXED,
        IssueState.NOT_UNDERSTOOD,
        IssueState.FIXED,
        IssueState.FIXED,
    ]
    assert "  Cells fixed: 3" in list(formats_lines(fixed))


def test_the_document_has_it_all_and_is_json() -> None:
    made = json.loads(json.dumps(formats_document(REPORT)))
    assert (made["schema"], made["workbook"], made["generated"]) == (1, "review.xlsx", "2026-03-04T05:06:07")
    assert made["summary"] == {
        "rows": 9,
        "rows_with_issues": 3,
        "cells": 4,
        "FIXED": 0,
        "NEEDS_FIX": 3,
        "NOT_UNDERSTOOD": 1,
    }
    assert made["columns"][0] == {
        "column": "P",
        "field": "nist_nvd_result",
        "FIXED": 0,
        "NEEDS_FIX": 3,
        "NOT_UNDERSTOOD": 0,
    }
    first, second = made["issues"][:2]
    assert first["text"] == ISSUES[0].text
    assert first["expected"] == {"meaning": "risk", "fill": "FFE6E6", "font": "CC0000", "bold": True}
    assert first["found"] == {"fill": None, "font": None, "bold": False}
    assert (second["state"], second["expected"]) == ("NOT_UNDERSTOOD", None)


def test_without_issues_only_head_and_summary_remain() -> None:
    clean = list(formats_lines(FormatReport(WHEN, Path("review.xlsx"), 9, ())))
    assert clean[-1] == "  Cells whose text is not understood (left alone): 0"
    assert len(clean) == 12


@given(st.text(max_size=80), st.text(max_size=80))
def test_hostile_texts_stay_on_their_line(name: str, text: str) -> None:
    made = FormatReport(WHEN, Path("review.xlsx"), 1, (issue(P, text, Meaning.RISK, Look(), package=name),))
    lines = list(formats_lines(made))
    assert len(lines) == 23
    assert all(len(line.splitlines()) == 1 for line in lines if line)


@pytest.mark.parametrize("expected", list(Meaning))
def test_every_meaning_has_words_and_colours(expected: Meaning) -> None:
    made = FormatReport(WHEN, Path("x"), 1, (issue(P, "x", expected, Look()),))
    fill, font = expected.value
    assert any(line.endswith(f"(fill {fill}, font {font}, bold)") for line in formats_lines(made))
