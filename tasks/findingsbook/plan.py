"""From a scan's result and the workbook as it is now to the plan of one merge."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tasks.errors import InputError, MergeRefused
from tasks.findingsbook.fitting import Fitted, fit
from tasks.findingsbook.interface import Table
from tasks.findingsbook.template import write_template
from tasks.merge.commit import MergePlan
from tasks.workbook.model import Layout
from tasks.workbook.reader import Value, read_sheets

__all__ = ["BookPlan", "plan_findings"]


@dataclass(frozen=True, slots=True)
class BookPlan:
    """The merge, and sentences about what of the result has no place in the workbook."""

    merge: MergePlan
    warnings: tuple[str, ...]


def plan_findings(
    target: Path, tables: Sequence[Table], *, scratch: Path, backups: Path, scan_id: str, now: datetime
) -> BookPlan:
    """Fit the tables into the workbook at target, or into a new one made in the folder scratch.

    The first table's sheet must be there. MergeRefused names what is in the way; now is naive local time.
    """
    source = target
    if not target.exists():
        source = scratch / "new.xlsx"
        write_template(source, tables)
    try:
        fingerprint, sheets = read_sheets(source, {table.title for table in tables})
    except InputError as error:
        raise MergeRefused(f"{error}; it is left as it is, name another file for --output") from error
    if tables[0].title not in sheets:
        raise MergeRefused(f'{target} is not a findings workbook (no sheet "{tables[0].title}"); name another file')
    fitted = {table.title: _fit(target, table, sheets[table.title]) for table in tables if table.title in sheets}
    first, *others = fitted.values()
    merge = MergePlan(
        source=source,
        target=target,
        layout=Layout(first.edits.sheet, first.header_row, first.header_row + 1, {}),
        expected=fingerprint,
        changes=(),
        new_rows=tuple(first.edits.new_rows),
        after_row=first.edits.after_row,
        backups=backups,
        scan_id=scan_id,
        now=now,
        restyles=tuple(first.edits.updates),
        further=tuple(one.edits for one in others),
    )
    lost = [
        f'{target} has no sheet "{table.title}", which is not written' for table in tables if table.title not in fitted
    ]
    return BookPlan(merge, (*lost, *(line for one in fitted.values() for line in _missing(target, one))))


def _fit(target: Path, table: Table, rows: Sequence[Sequence[Value]]) -> Fitted:
    try:
        return fit(table, rows)
    except MergeRefused as error:
        raise MergeRefused(f"{target}, {error}") from error


def _missing(target: Path, one: Fitted) -> list[str]:
    if not one.missing:
        return []
    return [f'{target}, sheet "{one.edits.sheet}": no column {", ".join(one.missing)}, which is not written']
