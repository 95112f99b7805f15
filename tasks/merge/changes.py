"""Which cells a set of reviews changes: proposals held against what the cells say now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tasks.review.cells import CellProposal, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageReview
from tasks.review.words import COULD_NOT_CHECK
from tasks.workbook.model import MANUAL_FIELDS, CellUpdate, CellValue, Field, Formula, Layout, PackageRow

FORMER_MARK = " | ❓ "
"""Between a former answer and the note that it could not be checked again."""

CellContent = str | int | float | datetime | bool | None


@dataclass(frozen=True, slots=True)
class CellChange:
    """One cell that a merge changes: where, of which package, what it said, what it says, and its look."""

    row: int
    column: str
    field: Field
    package: str
    old: str
    new: str
    meaning: Meaning
    update: CellUpdate


def changes(
    rows: Sequence[PackageRow], reviews: Mapping[int, PackageReview], layout: Layout, *, empty_only: bool = False
) -> Iterator[CellChange]:
    """The changes of all reviewed rows in sheet order; reviews by row number. Manual fields are never among them."""
    for row in rows:
        review = reviews.get(row.row)
        if review is not None:
            yield from _row_changes(row, review, layout, empty_only=empty_only)


def _row_changes(row: PackageRow, review: PackageReview, layout: Layout, *, empty_only: bool) -> Iterator[CellChange]:
    for proposal in proposals(review):
        column = layout.columns.get(proposal.field)
        if column is None or proposal.field in MANUAL_FIELDS:
            continue
        former = row.cells.get(proposal.field)
        value = _wanted(proposal, former, empty_only=empty_only)
        if value is not None and not same_content(former, value):
            update = CellUpdate(row.row, column, value, proposal.meaning.style)
            yield CellChange(
                row.row, column, proposal.field, row.name, shown(former), shown(value), proposal.meaning, update
            )


def _wanted(proposal: CellProposal, former: CellContent, *, empty_only: bool) -> CellValue:
    """The value the cell should get; None leaves it alone."""
    if is_blank(former):
        return proposal.value
    if empty_only or (proposal.only_if_empty and not _is_own_excuse(former)):
        return None
    if proposal.after_former and isinstance(former, str) and isinstance(proposal.value, str):
        settled = former.split(FORMER_MARK)[0]
        note = proposal.value.split(FORMER_MARK.strip(" |"))[-1].strip()
        return proposal.value if _is_own_excuse(settled) else f"{settled}{FORMER_MARK}{note}"
    return proposal.value


def _is_own_excuse(former: CellContent) -> bool:
    """Whether a cell holds no earlier answer but our own word that there is none."""
    text = str(former)
    return text.startswith(COULD_NOT_CHECK) or text.startswith("🔍 MANUAL REVIEW | ❓")


def is_blank(value: CellContent) -> bool:
    """Whether a cell holds nothing a person would see."""
    return value is None or (isinstance(value, str) and not value.strip())


def same_content(former: CellContent, value: CellValue) -> bool:
    """Whether a cell already says this; a formula is known by its shown text, a date by its second."""
    if isinstance(value, Formula):
        return former == value.cached
    if isinstance(value, datetime):
        if isinstance(former, datetime):
            return abs((former - value).total_seconds()) < 1
        return isinstance(former, date) and datetime(former.year, former.month, former.day) == value  # noqa: DTZ001
    if isinstance(value, str):
        return isinstance(former, str) and former == value
    return type(former) in (int, float) and former == value


def shown(value: CellContent | CellValue) -> str:
    """A cell's content as a report shows it."""
    if value is None:
        return ""
    if isinstance(value, Formula):
        return value.cached
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
