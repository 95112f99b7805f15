"""What a sheet of the findings workbook is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tasks.review.meaning import Meaning
from tasks.workbook.model import CellValue

__all__ = ["FIRST_SEEN", "NOTES", "STATUS", "Key", "Row", "Table"]

STATUS, FIRST_SEEN, NOTES = "Status", "First seen", "Notes"

Key = tuple[str, ...]
"""The texts of a row's key columns: what it is found again by."""

Row = Mapping[str, CellValue]
"""A row's values by column header."""


def _stays(_: Key) -> Row | None:
    return None


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet as a scan fills it.

    keys are the columns that identify a row, columns the others that the scan writes, own those that belong to the
    reviewer. gone answers what to write into a row of the workbook that the scan has no more; None leaves it as it is.
    meanings give the look of the status column by its text.
    """

    title: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    own: tuple[str, ...] = ()
    gone: Callable[[Key], Row | None] = _stays
    meanings: Mapping[str, Meaning] = field(default_factory=dict)

    @property
    def headers(self) -> tuple[str, ...]:
        """All columns in their order in a new workbook."""
        return (*self.keys, *self.columns, *self.own)

    def key_of(self, row: Row) -> Key:
        """What identifies the row."""
        return tuple(str(row[name]) for name in self.keys)
