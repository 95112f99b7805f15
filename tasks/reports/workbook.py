"""What a workbook says as it is, without looking anything up: verdicts by column, and the rows that need somebody."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.merge.changes import is_blank, shown
from tasks.merge.unanswered import needs_another_try
from tasks.merge.vocabulary import meaning_of
from tasks.review.cells import RESULT_FIELDS
from tasks.review.meaning import Meaning
from tasks.workbook.model import Field, PackageRow

__all__ = ["WorkbookReport", "workbook_document", "workbook_lines"]

_COLUMNS = (*RESULT_FIELDS, Field.RECOMMENDATION)
_WORDS = {
    Meaning.RISK: "affected",
    Meaning.SAFE: "not affected",
    Meaning.MANUAL_REVIEW: "manual review",
    Meaning.COULD_NOT_CHECK: "could not check",
    Meaning.VERSION_UPDATE: "update available",
    Meaning.UPDATED: "not applicable",
}
_OTHER, _EMPTY = "other words", "empty"


@dataclass(frozen=True, slots=True)
class WorkbookReport:
    """A workbook's rows at a time (the reviewer's own)."""

    generated: datetime
    workbook: Path
    rows: Sequence[PackageRow]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many rows say what, by field key."""
        return {field.value: dict(Counter(_said(row, field) for row in self.rows)) for field in _COLUMNS}

    def at_risk(self) -> list[PackageRow]:
        """The rows whose recommendation is of a known vulnerability."""
        return [row for row in self.rows if _said(row, Field.RECOMMENDATION) == _WORDS[Meaning.RISK]]

    def unanswered(self) -> list[PackageRow]:
        """The rows that `--retry-failed` would look up again."""
        return [row for row in self.rows if needs_another_try(row)]


def _said(row: PackageRow, field: Field) -> str:
    content = row.cells.get(field)
    if is_blank(content):
        return _EMPTY
    meaning = meaning_of(field, content)
    return _OTHER if meaning is None else _WORDS.get(meaning, _OTHER)


def workbook_lines(report: WorkbookReport) -> Iterator[str]:
    """The report as a person reads it."""
    yield f"Review of {report.workbook} as of {report.generated:%Y-%m-%d %H:%M:%S}"
    yield f"Packages: {len(report.rows)}"
    for field, counts in report.counts().items():
        yield f"  {field}: " + ", ".join(f"{number} {words}" for words, number in sorted(counts.items()))
    for title, rows in (("At risk", report.at_risk()), ("Not answered", report.unanswered())):
        yield f"{title}: {len(rows)}"
        for row in rows:
            yield f"  row {row.row} {row.name} {row.version_text}: {shown(row.cells.get(Field.RECOMMENDATION))}"


def workbook_document(report: WorkbookReport) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "schema": 1,
        "workbook": str(report.workbook),
        "generated": report.generated.isoformat(timespec="seconds"),
        "packages": len(report.rows),
        "counts": report.counts(),
        "at_risk": [_plain(row) for row in report.at_risk()],
        "unanswered": [_plain(row) for row in report.unanswered()],
    }


def _plain(row: PackageRow) -> dict[str, Any]:
    advice = shown(row.cells.get(Field.RECOMMENDATION))
    return {"row": row.row, "name": row.name, "version": row.version_text, "recommendation": advice}
