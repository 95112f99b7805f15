"""What a changes report is about, and its numbers: by row, by column and by colour."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from tasks.merge.threeway import Reconciled
from tasks.reports.differences import CellDifference, ChangeKind, RowFate
from tasks.workbook.areas import column_number

__all__ = ["ChangesReport", "by_colour", "by_column", "by_package", "figures_of", "kinds_of"]


@dataclass(frozen=True, slots=True)
class ChangesReport:
    """What the report is about; generated is naive local time, output None where nothing was written.

    merge adds what a three-way merge did not write. processed and failed count packages; None where none was looked
    up, as with --changes-only.
    """

    generated: datetime
    original: Path
    output: Path | None
    differences: tuple[CellDifference, ...]
    dry_run: bool = False
    merge: Reconciled = field(default_factory=lambda: Reconciled(()))
    processed: int | None = None
    failed: int = 0


def figures_of(report: ChangesReport) -> dict[str, Any]:
    """The report's numbers; success_rate in percent of the processed packages, None where there is none."""
    rows = {_row(cell) for cell in report.differences}
    fates = Counter(fate for _, _, fate in rows)
    processed, merge = report.processed, report.merge
    rate = round(100 * (processed - report.failed) / processed, 1) if processed else None
    return {
        "cells": len(report.differences),
        "packages": len(rows),
        **kinds_of(report.differences),
        "rows_added": fates[RowFate.ADDED],
        "rows_removed": fates[RowFate.REMOVED],
        "conflicts": len(merge.conflicts),
        "rows_not_written": len(merge.gone) + len(merge.replaced),
        "processed": processed,
        "failed": report.failed if processed is not None else None,
        "success_rate": rate,
    }


def _row(cell: CellDifference) -> tuple[int, str, RowFate]:
    return cell.row, cell.package, cell.row_fate


def by_package(differences: Iterable[CellDifference]) -> Iterator[list[CellDifference]]:
    """The cells row by row: rows of one package stay apart."""
    return (list(cells) for _, cells in groupby(differences, key=_row))


def by_column(differences: Iterable[CellDifference]) -> Mapping[str, list[CellDifference]]:
    """The cells by column letters, in the sheet's order of columns."""
    columns: dict[str, list[CellDifference]] = {}
    for cell in sorted(differences, key=lambda cell: column_number(cell.column)):
        columns.setdefault(cell.column, []).append(cell)
    return columns


def by_colour(differences: Iterable[CellDifference]) -> Mapping[str | None, Counter[str]]:
    """How many cells of which column header got which colour, most frequent colours first."""
    colours: dict[str | None, Counter[str]] = {}
    for cell in differences:
        colours.setdefault(cell.colour, Counter())[cell.label] += 1
    return dict(sorted(colours.items(), key=lambda item: -item[1].total()))


def kinds_of(cells: Iterable[CellDifference]) -> dict[str, int]:
    """How many cells were added, changed and cleared, by these words."""
    counts = Counter(cell.kind for cell in cells)
    return {kind.value: counts[kind] for kind in ChangeKind}
