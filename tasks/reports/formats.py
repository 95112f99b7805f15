"""The format check report: cells whose colour does not say what their text says, as lines and as plain data."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Any

from tasks.merge.formatting import FormatIssue
from tasks.text.plain import counted, one_line, section
from tasks.workbook.areas import column_number
from tasks.workbook.headers import STANDARD_HEADERS
from tasks.workbook.looks import Look

__all__ = ["SCHEMA", "FormatReport", "IssueState", "formats_document", "formats_lines"]

SCHEMA = 1
_EXCERPT = 50
"""Characters of a cell's text in the lines; the data has all of it."""


class IssueState(StrEnum):
    """What became of an issue."""

    FIXED = "FIXED"
    NEEDS_FIX = "NEEDS_FIX"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"


@dataclass(frozen=True, slots=True)
class FormatReport:
    """What the report is about; generated is naive local time, fixed tells whether the workbook was mended.

    rows counts the package rows that were looked at.
    """

    generated: datetime
    workbook: Path
    rows: int
    issues: tuple[FormatIssue, ...]
    fixed: bool = False

    def state(self, issue: FormatIssue) -> IssueState:
        """What became of that issue."""
        if issue.expected is None:
            return IssueState.NOT_UNDERSTOOD
        return IssueState.FIXED if self.fixed else IssueState.NEEDS_FIX


def formats_lines(report: FormatReport) -> Iterator[str]:
    """The report as text, line by line; every text from the workbook stays on its line."""
    yield "FORMAT CHECK REPORT"
    yield "==================="
    yield f"Generated: {report.generated:%Y-%m-%d %H:%M:%S}"
    yield f"Excel file: {one_line(str(report.workbook))}"
    yield from section("SUMMARY", _summary(report))
    yield from section("ISSUES BY COLUMN", _columns(report))
    yield from section("ISSUES BY PACKAGE", _packages(report))


def formats_document(report: FormatReport) -> dict[str, Any]:
    """The report as plain data: everything that the text has, texts uncut."""
    return {
        "schema": SCHEMA,
        "generated": report.generated.isoformat(timespec="seconds"),
        "workbook": str(report.workbook),
        "summary": _figures(report),
        "columns": [
            {"column": column, "field": issues[0].field.value, **_states(report, issues)}
            for column, issues in _by_column(report).items()
        ],
        "issues": [
            {
                "package": issue.package,
                "row": issue.row,
                "column": issue.column,
                "field": issue.field.value,
                "state": report.state(issue).value,
                "text": issue.text,
                "expected": _expected_document(issue),
                "found": _look_document(issue.found),
            }
            for issue in report.issues
        ],
    }


def _summary(report: FormatReport) -> Iterator[str]:
    figures = _figures(report)
    yield f"Package rows checked: {figures['rows']:,}"
    yield f"Rows with issues: {figures['rows_with_issues']:,}"
    yield f"Cells fixed: {figures[IssueState.FIXED.value]:,}"
    yield f"Cells that need fixing: {figures[IssueState.NEEDS_FIX.value]:,}"
    yield f"Cells whose text is not understood (left alone): {figures[IssueState.NOT_UNDERSTOOD.value]:,}"


def _columns(report: FormatReport) -> Iterator[str]:
    for column, issues in _by_column(report).items():
        states = ", ".join(f"{number:,} {state}" for state, number in _states(report, issues).items() if number)
        yield f"Col {column}, {STANDARD_HEADERS[issues[0].field]}: {counted(len(issues), 'cell')} ({states})"


def _packages(report: FormatReport) -> Iterator[str]:
    for (row, package), issues in groupby(report.issues, key=lambda issue: (issue.row, issue.package)):
        yield f"📦 {one_line(package)} (Row {row}):"
        for issue in issues:
            where = f"{STANDARD_HEADERS[issue.field]} (Col {issue.column})"
            yield f"  {where}: {report.state(issue)}: '{one_line(issue.text, _EXCERPT)}'"
            yield f"    expected: {_expected(issue)}"
            yield f"    found: {_described(issue.found)}"


def _expected(issue: FormatIssue) -> str:
    if issue.expected is None:
        return "unknown: the text has none of the known wordings"
    style, words = issue.expected.style, issue.expected.name.lower().replace("_", " ")
    return f"{words} ({_described(Look(style.fill, style.font, bold=True))})"


def _described(look: Look) -> str:
    weight = "bold" if look.bold else "not bold"
    return f"fill {look.fill or 'none or of the theme'}, font {look.font or 'automatic or of the theme'}, {weight}"


def _figures(report: FormatReport) -> dict[str, int]:
    return {
        "rows": report.rows,
        "rows_with_issues": len({issue.row for issue in report.issues}),
        "cells": len(report.issues),
        **_states(report, list(report.issues)),
    }


def _states(report: FormatReport, issues: list[FormatIssue]) -> dict[str, int]:
    counts = Counter(map(report.state, issues))
    return {state.value: counts[state] for state in IssueState}


def _by_column(report: FormatReport) -> dict[str, list[FormatIssue]]:
    columns: dict[str, list[FormatIssue]] = {}
    for issue in sorted(report.issues, key=lambda issue: column_number(issue.column)):
        columns.setdefault(issue.column, []).append(issue)
    return columns


def _expected_document(issue: FormatIssue) -> dict[str, Any] | None:
    if issue.expected is None:
        return None
    style = issue.expected.style
    return {"meaning": issue.expected.name.lower(), **_look_document(Look(style.fill, style.font, bold=True))}


def _look_document(look: Look) -> dict[str, Any]:
    return {"fill": look.fill, "font": look.font, "bold": look.bold}
