"""What is different between a workbook as a scan read it and as it is now, cell by cell."""

from collections.abc import Iterator

from tasks.merge.changes import shown
from tasks.merge.rowmatch import match_rows
from tasks.workbook.model import PackageRow, ReviewWorkbook

_LONGEST = 60


def differences(former: ReviewWorkbook, present: ReviewWorkbook) -> tuple[str, ...]:
    """One sentence for each cell or row that differs, in the order of the former rows, new rows last.

    Rows are found again by package; cells are compared in the columns that both states have.
    """
    return tuple(_sentences(former, present))


def _sentences(former: ReviewWorkbook, present: ReviewWorkbook) -> Iterator[str]:
    matched = match_rows(former, present)
    for row in former.rows:
        if row.row in matched.same:
            yield from _cells(former, present, row, matched.same[row.row])
        elif row.row in matched.replaced:
            now = matched.replaced[row.row]
            yield f"row {now.row} {row.name}: version {_quoted(row.version_text)} is now {_quoted(now.version_text)}"
        else:
            yield f"{row.name} {row.version_text} (row {row.row} then) is no longer there"
    yield from (f"row {row.row} {row.name} {row.version_text} is new" for row in matched.added)


def _cells(former: ReviewWorkbook, present: ReviewWorkbook, then: PackageRow, now: PackageRow) -> Iterator[str]:
    for field, column in present.layout.columns.items():
        if field not in former.layout.columns:
            continue
        before, after = shown(then.cells.get(field)), shown(now.cells.get(field))
        if before != after:
            yield f"{column}{now.row} ({now.name}): {_quoted(before)} is now {_quoted(after)}"


def _quoted(text: str) -> str:
    line = " ".join(text.split())
    return f'"{line[:_LONGEST]}..."' if len(line) > _LONGEST else f'"{line}"'
