"""The format check: cells whose colour does not say what their text says, and the updates that mend them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.merge.changes import shown
from tasks.merge.vocabulary import verdict_of
from tasks.review.cells import RESULT_FIELDS
from tasks.review.meaning import Meaning
from tasks.workbook.looks import Look, looks_of
from tasks.workbook.model import KEEP, CellUpdate, Field, PackageRow, ReviewWorkbook

__all__ = ["CHECKED_FIELDS", "FormatIssue", "check_formats", "repairs"]

CHECKED_FIELDS = (*RESULT_FIELDS, Field.RECOMMENDATION, Field.DATE_PUBLISHED)
"""The columns that are looked at: M, P, R, T, V, W, and E where it says "Not Available"."""

_NO_TEXT = frozenset({"", "none", "null"})
"""What the older tool left in cells that say nothing."""


@dataclass(frozen=True, slots=True)
class FormatIssue:
    """One cell whose look is not that of its text; expected is None for a text of no known wording.

    text is the whole text of the cell as shown, row and column are its place in the sheet.
    """

    package: str
    row: int
    column: str
    field: Field
    text: str
    expected: Meaning | None
    found: Look


@dataclass(frozen=True, slots=True)
class _Seen:
    row: PackageRow
    column: str
    field: Field
    text: str
    expected: Meaning | None

    @property
    def name(self) -> str:
        return f"{self.column}{self.row.row}"


def check_formats(path: Path, workbook: ReviewWorkbook) -> tuple[FormatIssue, ...]:
    """Every cell of the verdict columns that looks otherwise than its text asks for, in sheet order by row.

    path is the file that workbook was read from. A text of no known wording is an issue without an expectation.
    Fill, font colour and weight are compared, of the cell's own format. InputError where path cannot be read.
    """
    seen = tuple(_seen(workbook))
    looks = looks_of(path, workbook.layout.sheet, {cell.name for cell in seen})
    return tuple(_issues(seen, looks))


def repairs(issues: Iterable[FormatIssue]) -> tuple[CellUpdate, ...]:
    """The updates that give each understood cell its look and keep all that it holds, formulas too."""
    return tuple(
        CellUpdate(issue.row, issue.column, KEEP, issue.expected.style)
        for issue in issues
        if issue.expected is not None
    )


def _seen(workbook: ReviewWorkbook) -> Iterator[_Seen]:
    columns = workbook.layout.columns
    fields = [field for field in CHECKED_FIELDS if field in columns]
    for row in workbook.rows:
        for field in fields:
            text = shown(row.cells.get(field)).strip()
            expected = verdict_of(field, text)
            # A date of publication has no look it must have: those that were there from the first have none.
            if text.casefold() not in _NO_TEXT and (expected is not None or field is not Field.DATE_PUBLISHED):
                yield _Seen(row, columns[field], field, text, expected)


def _issues(seen: Iterable[_Seen], looks: dict[str, Look]) -> Iterator[FormatIssue]:
    for cell in seen:
        found = looks.get(cell.name, Look())
        if cell.expected is None or not _fits(found, cell.expected):
            yield FormatIssue(cell.row.name, cell.row.row, cell.column, cell.field, cell.text, cell.expected, found)


def _fits(look: Look, meaning: Meaning) -> bool:
    style = meaning.style
    return (look.fill, look.font, look.bold) == (style.fill, style.font, style.bold)
