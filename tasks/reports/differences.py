"""What differs cell by cell: from the changes of a merge, or from a result held against its original."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tasks.merge.changes import CellChange, CellContent, is_blank, shown
from tasks.merge.rowmatch import match_rows
from tasks.merge.threeway import unchanged
from tasks.merge.vocabulary import meaning_of
from tasks.review.meaning import Meaning
from tasks.workbook.headers import STANDARD_HEADERS
from tasks.workbook.model import Field, Layout, PackageRow, ReviewWorkbook
from tasks.workbook.plan import NewRow

__all__ = ["CellDifference", "ChangeKind", "RowFate", "compare_workbooks", "differences_of", "differences_of_new"]

_LINKS = frozenset(
    {Field.PYPI_LATEST_LINK, Field.NIST_NVD_URL, Field.MITRE_CVE_URL, Field.SNYK_URL, Field.EXPLOIT_DB_URL}
)


class ChangeKind(StrEnum):
    """What happened to a cell: it was blank before, it says something else, or it is blank now."""

    ADDED = "added"
    CHANGED = "changed"
    CLEARED = "cleared"


class RowFate(StrEnum):
    """What happened to the cell's row."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class CellDifference:
    """One cell that says something else.

    row and column are its place in the result, in the original where its row or column was removed. old and new
    are the texts as shown; meaning is that of the new text's colour, None where no colour of a scan belongs to it.
    """

    package: str
    row: int
    column: str
    field: Field
    kind: ChangeKind
    old: str
    new: str
    meaning: Meaning | None
    row_fate: RowFate = RowFate.KEPT

    @property
    def label(self) -> str:
        """The column's standard header."""
        return STANDARD_HEADERS[self.field]

    @property
    def colour(self) -> str | None:
        """The meaning in words, "link" where links share the colour of safe."""
        if self.meaning is None:
            return None
        is_link = self.field in _LINKS and self.meaning is Meaning.LINK
        return "link" if is_link else self.meaning.name.lower().replace("_", " ")


def differences_of(changes: Iterable[CellChange]) -> tuple[CellDifference, ...]:
    """The changes of a merge, in their order; rows are those that the merge writes to."""
    return tuple(
        CellDifference(
            package=change.package,
            row=change.row,
            column=change.column,
            field=change.field,
            kind=_kind(change.old, change.new),
            old=change.old,
            new=change.new,
            meaning=None if is_blank(change.new) else change.meaning,
        )
        for change in changes
    )


def differences_of_new(rows: Sequence[NewRow], after_row: int, layout: Layout) -> tuple[CellDifference, ...]:
    """The cells of package rows that a merge appends below after_row, all in the look of new data."""
    fields = {letters: field for field, letters in layout.columns.items()}
    return tuple(
        CellDifference(
            package=shown(new.values.get(layout.columns[Field.PACKAGE_NAME])),
            row=number,
            column=column,
            field=fields[column],
            kind=ChangeKind.ADDED,
            old="",
            new=shown(value),
            meaning=Meaning.SAFE,
            row_fate=RowFate.ADDED,
        )
        for number, new in enumerate(rows, after_row + 1)
        for column, value in new.values.items()
        if column in fields and not is_blank(shown(value))
    )


def compare_workbooks(original: ReviewWorkbook, result: ReviewWorkbook) -> tuple[CellDifference, ...]:
    """Every cell of the known columns in which two states of a workbook differ, manual ones included.

    Rows are matched by package (`tasks.merge.rowmatch`), so rows that only moved do not differ; a row whose version
    was changed differs in that cell. Added rows count with each filled cell, removed ones with each that was.
    In the order of the result's rows; removed rows stand where they were.
    """
    matched = match_rows(original, result)
    pair = _Pair(original, result)
    now = {**matched.same, **matched.replaced}
    found = [pair.compare(row, now[row.row]) for row in original.rows if row.row in now]
    found += [pair.compare(row, None) for row in matched.gone]
    found += [pair.compare(None, row) for row in matched.added]
    differences = [difference for cells in found for difference in cells]
    return tuple(sorted(differences, key=lambda cell: (cell.row, cell.row_fate is RowFate.REMOVED)))


class _Pair:
    """Two states of one workbook whose rows are compared."""

    def __init__(self, original: ReviewWorkbook, result: ReviewWorkbook) -> None:
        self._columns = {**original.layout.columns, **result.layout.columns}
        self._fields = [field for field in Field if field in self._columns]

    def compare(self, old: PackageRow | None, new: PackageRow | None) -> Iterator[CellDifference]:
        """The differences of one row, in the order of the columns; None for a row that is not there."""
        row = new or old
        if row is None:
            return
        fate = RowFate.ADDED if old is None else RowFate.REMOVED if new is None else RowFate.KEPT
        for field in self._fields:
            before, after = _content(old, field), _content(new, field)
            if unchanged(before, after):
                continue
            texts = shown(before), shown(after)
            meaning = meaning_of(field, after)
            yield CellDifference(
                row.name, row.row, self._columns[field], field, _kind(*texts), *texts, meaning, row_fate=fate
            )


def _content(row: PackageRow | None, field: Field) -> CellContent:
    return row.cells.get(field) if row else None


def _kind(old: str, new: str) -> ChangeKind:
    if is_blank(new):
        return ChangeKind.CLEARED
    return ChangeKind.ADDED if is_blank(old) else ChangeKind.CHANGED
