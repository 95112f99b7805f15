"""What a three-way merge comes to: the changes that fit, and everything that is not written, with the reason."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tasks.merge.changes import CellChange
from tasks.workbook.model import Field

__all__ = ["Conflict", "Decide", "Decision", "GoneRow", "Reconciled", "ReplacedRow"]


class Decision(StrEnum):
    """Who wins a cell that both changed."""

    OURS = "ours"
    THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One cell that both the reviewer and the scan changed, differently.

    row and column are where the cell is now; base, theirs and ours are its texts as read, now, and as the scan
    would have it; decided says which of the last two stands in the end.
    """

    field: Field
    package: str
    row: int
    column: str
    base: str
    theirs: str
    ours: str
    decided: Decision = Decision.THEIRS


Decide = Callable[[Conflict], Decision]
"""Asks a person about one conflict; the conflict's own `decided` is what happens if nobody is asked."""


@dataclass(frozen=True, slots=True)
class GoneRow:
    """A row that is no longer there: its package, version text and number as read, and the changes it would have got.

    A row is also gone when its name cell was emptied or now names another package.
    """

    package: str
    version: str
    row: int
    changes: tuple[CellChange, ...] = ()

    @property
    def sentence(self) -> str:
        """What happened, for a report."""
        return f"{self.package} {self.version} (row {self.row} as read) is no longer there; nothing was written for it"


@dataclass(frozen=True, slots=True)
class ReplacedRow:
    """A row whose version cell was changed while the scan ran; row is where it is now, former_row where it was read.

    changes are those of the former version, which are not written.
    """

    package: str
    row: int
    former_row: int
    former_version: str
    version: str
    changes: tuple[CellChange, ...] = ()

    @property
    def sentence(self) -> str:
        """What happened and what to do, for a report."""
        versions = f"from {self.former_version or 'none'} to {self.version or 'none'}"
        return f"{self.package} (row {self.row}): version changed {versions} while the scan ran: run again"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What is to be written into the workbook as it is now, and everything that is not, with the reason.

    changes are in sheet order and name the rows and columns of now. dropped are changes of fields that have no
    column any more, as they were proposed (rows and columns as read).
    """

    changes: tuple[CellChange, ...]
    conflicts: tuple[Conflict, ...] = ()
    gone: tuple[GoneRow, ...] = ()
    replaced: tuple[ReplacedRow, ...] = ()
    dropped: tuple[CellChange, ...] = ()
