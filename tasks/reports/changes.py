"""The changes report as text: every changed cell with old text, new text and colour, by package, column and colour."""

from collections.abc import Iterable, Iterator

from tasks.merge.threeway import Conflict, Decision, Reconciled
from tasks.reports.changefigures import ChangesReport, by_colour, by_column, by_package, figures_of, kinds_of
from tasks.reports.changesdocument import changes_document
from tasks.reports.differences import (
    CellDifference,
    ChangeKind,
    RowFate,
    compare_workbooks,
    differences_of,
    differences_of_new,
)
from tasks.text.plain import counted, one_line, section
from tasks.workbook.headers import STANDARD_HEADERS

__all__ = [
    "CellDifference",
    "ChangesReport",
    "changes_document",
    "changes_lines",
    "compare_workbooks",
    "differences_of",
    "differences_of_new",
]

_FATES = {RowFate.KEPT: "", RowFate.ADDED: ", row added", RowFate.REMOVED: ", row removed"}
_SIDES = {Decision.OURS: "the scan's text was written", Decision.THEIRS: "the workbook's text stays"}
_NO_COLOUR = "no colour of a scan"


def changes_lines(report: ChangesReport) -> Iterator[str]:
    """The report as text, line by line; every text from a workbook stays on its line."""
    yield from _head(report)
    yield from section("CHANGES BY PACKAGE", _packages(report.differences))
    yield from section("CHANGES BY COLUMN", _columns(report.differences))
    yield from section("COLOUR SUMMARY", _colours(report.differences))
    yield from section("CONFLICTS", map(_conflict, report.merge.conflicts))
    yield from section("NOT WRITTEN", _not_written(report.merge))
    yield from section("STATISTICS", _statistics(report))


def _head(report: ChangesReport) -> Iterator[str]:
    yield "CHANGES REPORT"
    yield "=============="
    yield f"Generated: {report.generated:%Y-%m-%d %H:%M:%S}"
    yield f"Original file: {one_line(str(report.original))}"
    yield f"Output file: {one_line(str(report.output)) if report.output else 'none'}"
    yield f"Dry run mode: {'yes' if report.dry_run else 'no'}"
    figures = figures_of(report)
    kinds = ", ".join(f"{figures[kind.value]:,} {kind}" for kind in ChangeKind)
    where = counted(figures["packages"], "package row")
    yield f"Changes: {counted(figures['cells'], 'cell')} in {where} ({kinds})"


def _packages(differences: Iterable[CellDifference]) -> Iterator[str]:
    for cells in by_package(differences):
        first = cells[0]
        yield f"📦 {one_line(first.package)} (Row {first.row}{_FATES[first.row_fate]}):"
        for cell in cells:
            colour = f" [{cell.colour}]" if cell.colour else ""
            yield f"  {_said(cell)}{colour}"


def _said(cell: CellDifference) -> str:
    where, old, new = f"{cell.label} (Col {cell.column})", one_line(cell.old), one_line(cell.new)
    if cell.kind is ChangeKind.ADDED:
        return f"✅ {where}: Added '{new}'"
    return f"🔄 {where}: '{old}' → '{new}'" if cell.kind is ChangeKind.CHANGED else f"🗑 {where}: Cleared '{old}'"


def _columns(differences: Iterable[CellDifference]) -> Iterator[str]:
    for column, cells in by_column(differences).items():
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in kinds_of(cells).items() if number)
        yield f"Col {column}, {cells[0].label}: {counted(len(cells), 'cell')} ({kinds})"


def _colours(differences: Iterable[CellDifference]) -> Iterator[str]:
    looks = {cell.colour: cell.meaning for cell in differences}
    for colour, counts in by_colour(differences).items():
        meaning = looks[colour]
        look = f" (fill {meaning.value[0]}, font {meaning.value[1]})" if meaning else ""
        yield f"{colour or _NO_COLOUR}{look}: {counted(counts.total(), 'cell')}"
        for label, number in counts.items():
            yield f"  {label}: {number:,}"


def _conflict(conflict: Conflict) -> str:
    texts = (("read", conflict.base), ("now", conflict.theirs), ("scan", conflict.ours))
    said = ", ".join(f"{name} '{one_line(text)}'" for name, text in texts)
    where = (
        f"{one_line(conflict.package)} (Row {conflict.row}), {STANDARD_HEADERS[conflict.field]} (Col {conflict.column})"
    )
    return f"⚠️ {where}: {said}: {_SIDES[conflict.decided]}"


def _not_written(merge: Reconciled) -> Iterator[str]:
    for gone in merge.gone:
        yield f"{one_line(gone.sentence)} ({counted(len(gone.changes), 'change')} dropped)"
    for replaced in merge.replaced:
        yield f"{one_line(replaced.sentence)} ({counted(len(replaced.changes), 'change')} dropped)"
    for change in merge.dropped:
        what = f"{one_line(change.package)} (Row {change.row} as read), {STANDARD_HEADERS[change.field]}"
        yield f"{what}: the column is no longer there; '{one_line(change.new)}' was not written"


def _statistics(report: ChangesReport) -> Iterator[str]:
    figures = figures_of(report)
    if report.processed is not None:
        yield f"Packages processed: {figures['processed']:,}"
        yield f"Packages failed: {figures['failed']:,}"
        if figures["success_rate"] is not None:
            yield f"Success rate: {figures['success_rate']:.1f} %"
    yield f"Cells changed: {figures['cells']:,}"
    yield f"Package rows changed: {figures['packages']:,}"
    yield f"Rows added: {figures['rows_added']:,}"
    yield f"Rows removed: {figures['rows_removed']:,}"
    yield f"Conflicts: {figures['conflicts']:,}"
    yield f"Rows not written: {figures['rows_not_written']:,}"
