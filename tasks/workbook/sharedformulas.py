"""Shared formulas whose first cell is overwritten: the next cell of the group has to carry the formula.

Source: ECMA-376-1, 18.3.1.40 f: the first cell of a group holds text and area, the others only the group's index.
"""

from tasks.errors import MergeRefused
from tasks.workbook.cells import ExistingCell, SharedMaster, master_of, promoted

__all__ = ["SharedGroups"]


class SharedGroups:
    """Follows the groups of one sheet in document order."""

    def __init__(self) -> None:
        self._orphans: dict[str, SharedMaster] = {}
        self._first_seen: set[str] = set()
        self._before_first: set[str] = set()

    @property
    def waiting(self) -> bool:
        """True while some group has lost its first cell."""
        return bool(self._orphans)

    def needs_promotion(self, attributes: dict[str, str]) -> bool:
        """Meet a cell's <f>; True where it depends on a first cell that was overwritten."""
        group = attributes.get("si", "")
        if "ref" in attributes:
            self._first_seen.add(group)
            self._orphans.pop(group, None)
            return False
        if group not in self._first_seen:
            self._before_first.add(group)
        return group in self._orphans

    def overwritten(self, cell: ExistingCell) -> None:
        """A cell with a formula got other content; where it was a first cell, its group waits for the next."""
        master = master_of(cell)
        if master is not None and cell.shared_index is not None:
            self._orphans[cell.shared_index] = master

    def promote(self, tag: bytes, group: str, row: int, column: int) -> bytes:
        """The <f> element of the cell that becomes the group's first; tag is its present opening tag."""
        return promoted(tag, self._orphans.pop(group), row, column)

    def check(self, where: str) -> None:
        """At the sheet's end: MergeRefused where cells before an overwritten first cell would lose their formula."""
        lost = sorted(self._before_first & self._orphans.keys())
        if lost:
            raise MergeRefused(f"{where}: shared formula {lost[0]} begins after its own cells; save the file in Excel")
