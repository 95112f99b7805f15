"""Which cells a set of reviews changes: proposals held against what the cells say now."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.merge.former import with_former
from tasks.review.cells import CellProposal, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageReview
from tasks.review.recommendation import RUN_AGAIN, UNCHECKED
from tasks.review.words import COULD_NOT_CHECK
from tasks.workbook.model import MANUAL_FIELDS, CellUpdate, CellValue, Field, Formula, Layout, PackageRow
from tasks.workbook.values import encode_text

FORMER_MARK = " | ❓ "
"""Between a former answer and the note that it could not be checked again."""

RISK_WORDS = "SECURITY RISK"
"""What every recommendation says that found a known vulnerability, today's and the older tool's."""

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
            meaning = _meaning(proposal, value)
            update = CellUpdate(row.row, column, value, meaning.style)
            yield CellChange(row.row, column, proposal.field, row.name, shown(former), shown(value), meaning, update)


def _wanted(proposal: CellProposal, former: CellContent, *, empty_only: bool) -> CellValue:
    """The value the cell should get; None leaves it alone."""
    if is_blank(former) or is_own_excuse(former):
        return proposal.value
    if empty_only or proposal.only_if_empty:
        return None
    if proposal.after_former and isinstance(proposal.value, str):
        settled = shown(former).partition(FORMER_MARK)[0]
        note = proposal.value.partition(FORMER_MARK)[2]
        return f"{settled}{FORMER_MARK}{note}"
    if isinstance(former, str) and isinstance(proposal.value, str):
        return with_former(proposal, former, proposal.value)
    return proposal.value


def _meaning(proposal: CellProposal, value: CellValue) -> Meaning:
    """The look a cell gets: a former answer with a note looks unchecked, except that a risk stays red."""
    noted = proposal.after_former and isinstance(value, str) and value != proposal.value
    return Meaning.RISK if noted and RISK_WORDS in str(value).partition(FORMER_MARK)[0] else proposal.meaning


def is_own_excuse(former: CellContent) -> bool:
    """Whether a cell holds no earlier answer but our own word that there is none."""
    if not isinstance(former, str):
        return False
    in_result = former.startswith(f"{COULD_NOT_CHECK} (") and former.endswith(")")
    return in_result or (former.startswith(UNCHECKED) and former.endswith(RUN_AGAIN))


def is_blank(value: CellContent) -> bool:
    """Whether a cell holds nothing a person would see."""
    return value is None or (isinstance(value, str) and not value.strip())


def same_content(former: CellContent, value: CellValue) -> bool:
    """Whether a cell already says this; a formula is known by its shown text, a date by its second.

    Text is compared as a workbook can hold it, and a number says what it shows: 2022.7 says "2022.7", 6 says "6".
    """
    if isinstance(value, Formula):
        return same_content(former, value.cached)
    if isinstance(value, datetime):
        return isinstance(former, datetime) and abs((former - value).total_seconds()) < 1
    if isinstance(value, str):
        return encode_text(shown(former)) == encode_text(value) and not isinstance(former, bool | datetime)
    return type(former) in (int, float) and former == value


def shown(value: CellContent | CellValue) -> str:
    """A cell's content as a report shows it."""
    if value is None:
        return ""
    if isinstance(value, Formula):
        return value.cached
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str(value)
