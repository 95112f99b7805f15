"""The changes report as plain data for JSON, version 1: everything that the text has, texts uncut."""

from collections.abc import Iterable
from typing import Any

from tasks.merge.changes import CellChange
from tasks.merge.threeway import Conflict, ReplacedRow
from tasks.reports.changefigures import ChangesReport, by_colour, by_column, by_package, figures_of, kinds_of
from tasks.reports.differences import CellDifference

__all__ = ["SCHEMA", "changes_document"]

SCHEMA = 1


def changes_document(report: ChangesReport, *, lazy: bool = False) -> dict[str, Any]:
    """The report as plain data: everything that the text has, texts uncut.

    With `lazy` the packages are an iterator, for `write_document`.
    """
    packages = map(_package_document, by_package(report.differences))
    merge = report.merge
    return {
        "schema": SCHEMA,
        "generated": report.generated.isoformat(timespec="seconds"),
        "original": str(report.original),
        "output": str(report.output) if report.output else None,
        "dry_run": report.dry_run,
        "packages": packages if lazy else list(packages),
        "columns": [
            {"column": column, "field": cells[0].field.value, **kinds_of(cells)}
            for column, cells in by_column(report.differences).items()
        ],
        "colours": {colour or "none": dict(counts) for colour, counts in by_colour(report.differences).items()},
        "conflicts": [_conflict_document(conflict) for conflict in merge.conflicts],
        "gone": [{"package": g.package, "version": g.version, "row": g.row, **_lost(g.changes)} for g in merge.gone],
        "replaced": [_replaced_document(row) for row in merge.replaced],
        "dropped": [_change_document(change) for change in merge.dropped],
        "statistics": figures_of(report),
    }


def _package_document(cells: list[CellDifference]) -> dict[str, Any]:
    first = cells[0]
    return {
        "package": first.package,
        "row": first.row,
        "row_fate": first.row_fate.value,
        "changes": [
            {
                "field": cell.field.value,
                "column": cell.column,
                "kind": cell.kind.value,
                "old": cell.old,
                "new": cell.new,
                "colour": cell.colour,
            }
            for cell in cells
        ],
    }


def _conflict_document(conflict: Conflict) -> dict[str, Any]:
    return {
        "package": conflict.package,
        "row": conflict.row,
        "column": conflict.column,
        "field": conflict.field.value,
        "base": conflict.base,
        "theirs": conflict.theirs,
        "ours": conflict.ours,
        "decided": conflict.decided.value,
    }


def _replaced_document(row: ReplacedRow) -> dict[str, Any]:
    return {
        "package": row.package,
        "row": row.row,
        "former_row": row.former_row,
        "former_version": row.former_version,
        "version": row.version,
        **_lost(row.changes),
    }


def _lost(changes: Iterable[CellChange]) -> dict[str, Any]:
    return {"changes": [_change_document(change) for change in changes]}


def _change_document(change: CellChange) -> dict[str, Any]:
    return {
        "package": change.package,
        "row": change.row,
        "column": change.column,
        "field": change.field.value,
        "old": change.old,
        "new": change.new,
    }
