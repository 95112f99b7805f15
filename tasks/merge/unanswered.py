"""Which rows of a workbook say that something could not be checked: those that another try may fill."""

from tasks.merge.changes import FORMER_MARK, is_own_excuse, shown
from tasks.review.cells import RESULT_FIELDS
from tasks.workbook.model import Field, PackageRow

__all__ = ["needs_another_try"]


def needs_another_try(row: PackageRow) -> bool:
    """Whether a result cell or the recommendation says "could not check", or nothing at all."""
    results = [row.cells.get(field) for field in RESULT_FIELDS]
    advice = row.cells.get(Field.RECOMMENDATION)
    said = shown(advice)
    return any(map(is_own_excuse, (*results, advice))) or FORMER_MARK in said or not said.strip()
