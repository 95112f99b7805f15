"""Which of the workbook's rows a run is about: `--start-row`, `--end-row` and `--packages`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.errors import UsageError
from tasks.workbook.model import PackageRow, ReviewWorkbook
from tasks.workbook.rows import parse_name
from tasks.workbook.versions import clean_text, excerpt

__all__ = ["Selection", "select_rows"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows chosen, in sheet order, and the names asked for that stand in no row of the sheet, as typed."""

    rows: tuple[PackageRow, ...]
    missing_names: tuple[str, ...] = ()


def select_rows(
    workbook: ReviewWorkbook,
    *,
    start_row: int | None = None,
    end_row: int | None = None,
    packages: Sequence[str] | None = None,
) -> Selection:
    """The rows between two Excel row numbers (both included, each effective alone) and with one of the names.

    Names are compared as PEP 503 names; a name that stands only outside the rows asked for is not missing.
    UsageError, with the range there is, for a limit outside the data, a start after the end, a range without any
    package, and a text that is no package name. `packages` empty or None means all.
    """
    first, last = _data_range(workbook)
    start, end = _limit("start", start_row, first, first, last), _limit("end", end_row, last, first, last)
    if start > end:
        raise UsageError(f"--start-row {start} is after --end-row {end}: the packages stand in rows {first} to {last}")
    rows = tuple(row for row in workbook.rows if start <= row.row <= end)
    if not rows:
        raise UsageError(f"rows {start} to {end} hold no package: the packages stand in rows {first} to {last}")
    if not packages:
        return Selection(rows)
    wanted: dict[str, str] = {}
    for name in packages:
        wanted.setdefault(_project(name), clean_text(name))
    present = {row.project for row in workbook.rows}
    missing = tuple(name for project, name in wanted.items() if project not in present)
    return Selection(tuple(row for row in rows if row.project in wanted), missing)


def _data_range(workbook: ReviewWorkbook) -> tuple[int, int]:
    numbers = [row.row for row in workbook.rows] + [number for number, _ in workbook.odd_rows]
    return workbook.layout.data_start_row, max(numbers, default=workbook.layout.data_start_row)


def _limit(which: str, asked: int | None, default: int, first: int, last: int) -> int:
    if asked is not None and not first <= asked <= last:
        raise UsageError(f"--{which}-row {asked} is outside the data: the packages stand in rows {first} to {last}")
    return default if asked is None else asked


def _project(name: str) -> str:
    parsed = parse_name(name)
    if not parsed.project:
        raise UsageError(f"--packages {excerpt(name)}: {parsed.problem or 'the name is blank'}")
    return parsed.project
