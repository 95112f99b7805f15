"""Whatever happened to the workbook meanwhile: changes go to their own package, other edits stay."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from tasks.merge.changes import CellChange, CellContent, shown
from tasks.merge.rowmatch import match_rows
from tasks.merge.threeway import Decision, reconcile
from tasks.settings.processing import MergeStrategy
from tasks.workbook.model import Field, Keep, Layout, PackageRow, ReviewWorkbook
from tests.merge.merge_books import LAYOUT, Cells, book, cells_of, change

FIELDS = (Field.LATEST_VERSION, Field.NIST_NVD_RESULT, Field.RECOMMENDATION)
NAMES, VERSIONS = (
    st.sampled_from(["Alpha", "alpha", "beta"]),
    st.sampled_from(["1.0", "1.0.0", "2.0", "NEW", None, "?"]),
)
TEXTS = st.sampled_from([None, "", "one", "two", "None found", "Could not check (x)", 1])
ROW = st.builds(
    lambda name, version, note, texts: cells_of(name, version, notes=note) | dict(zip(FIELDS, texts, strict=True)),
    NAMES,
    VERSIONS,
    st.sampled_from([None, "n"]),
    st.tuples(TEXTS, TEXTS, TEXTS),
)
ROWS = st.lists(st.none() | ROW, max_size=7)
STRATEGIES = st.sampled_from(MergeStrategy)


@st.composite
def scans(draw: st.DrawFn) -> tuple[list[Cells | None], list[CellChange]]:
    """Rows as read, and the scan's changes of some of their cells."""
    rows: list[Cells | None] = list(draw(ROWS))
    found = book(rows).rows
    cells = [(row, field) for row in found for field in FIELDS if draw(st.booleans())]
    return rows, [change(row, field, f"ours {number}") for number, (row, field) in enumerate(cells)]


def identity(row: PackageRow) -> tuple[str, Version | str]:
    """What makes two rows the same package version."""
    return row.project, Version(row.version) if row.version else row.version_text.upper()


def unique(workbook: ReviewWorkbook) -> bool:
    """Whether no package version has two rows."""
    return len({identity(row) for row in workbook.rows}) == len(workbook.rows)


def row_of(workbook: ReviewWorkbook, number: int) -> PackageRow:
    (row,) = (row for row in workbook.rows if row.row == number)
    return row


def written(workbook: ReviewWorkbook, changes: Sequence[CellChange]) -> list[dict[Field, CellContent]]:
    """The rows' cells once the changes are in them."""
    rows = {row.row: dict(row.cells) for row in workbook.rows}
    for made in changes:
        assert not isinstance(made.update.value, Keep)
        rows[made.row][made.field] = made.new
    return list(rows.values())


@given(scans(), STRATEGIES)
def test_an_unchanged_workbook_gets_the_changes_as_they_are(
    scan: tuple[list[Cells | None], list[CellChange]], strategy: MergeStrategy
) -> None:
    rows, changes = scan
    found = reconcile(book(rows), book(rows), changes, strategy)
    assert list(found.changes) == changes
    assert (found.conflicts, found.gone, found.replaced, found.dropped) == ((), (), (), ())


@given(scans(), st.randoms(use_true_random=False), STRATEGIES)
def test_reordered_rows_get_what_they_would_have_got(
    scan: tuple[list[Cells | None], list[CellChange]], random: Random, strategy: MergeStrategy
) -> None:
    rows, changes = scan
    base = book(rows)
    shuffled = list(rows)
    random.shuffle(shuffled)
    theirs = book(shuffled)
    found = reconcile(base, theirs, changes, strategy)
    assert len(found.changes) == len(changes)
    assert found.conflicts == ()
    assert _counted(written(theirs, found.changes)) == _counted(written(base, changes))


def _counted(rows: list[dict[Field, CellContent]]) -> Counter[str]:
    return Counter(repr(sorted((field, shown(value)) for field, value in row.items())) for row in rows)


@settings(max_examples=200)
@given(scans(), ROWS, STRATEGIES, st.booleans())
def test_any_other_workbook_gets_changes_of_its_own_packages_only(
    scan: tuple[list[Cells | None], list[CellChange]], later: list[Cells | None], strategy: MergeStrategy, ask: bool
) -> None:
    rows, changes = scan
    base, theirs = book(rows), book(later)
    decide = (lambda conflict: Decision.OURS if conflict.row % 2 else Decision.THEIRS) if ask else None
    found = reconcile(base, theirs, changes, strategy, decide)
    proposed = {made.new: made for made in changes}
    for made in found.changes:
        before, now = row_of(base, proposed[made.new].row), row_of(theirs, made.row)
        assert identity(before) == identity(now)
        assert (made.field, made.column) == (proposed[made.new].field, theirs.layout.columns[made.field])
    assert len({(made.row, made.field) for made in found.changes}) == len(found.changes)
    lost = sum(len(gone.changes) for gone in found.gone) + sum(len(row.changes) for row in found.replaced)
    kept = [conflict for conflict in found.conflicts if conflict.decided is Decision.THEIRS]
    assert len(changes) == len(found.changes) + lost + len(kept)
    if strategy is not MergeStrategy.USE_CHECKPOINT and not ask:
        assert all(conflict.decided is Decision.THEIRS for conflict in found.conflicts)


@given(scans(), st.data(), STRATEGIES)
def test_edits_of_other_cells_commute_with_the_scan(
    scan: tuple[list[Cells | None], list[CellChange]], data: st.DataObject, strategy: MergeStrategy
) -> None:
    rows, changes = scan
    edited = [None if row is None else dict(row) for row in rows]
    after = [None if row is None else dict(row) for row in rows]
    for number, (first, second) in enumerate(zip(edited, after, strict=True), LAYOUT.data_start_row):
        for field in (*FIELDS, Field.NOTES, Field.INDEX):
            if first is None or second is None:
                continue
            mine = next((made for made in changes if (made.row, made.field) == (number, field)), None)
            if mine is not None:
                second[field] = mine.new
            elif data.draw(st.booleans()):
                first[field] = second[field] = "by hand"
    found = reconcile(book(rows), book(edited), changes, strategy)
    if unique(book(rows)):
        assert written(book(edited), found.changes) == [dict(row.cells) for row in book(after).rows]
        assert found.conflicts == ()


@given(scans(), ROWS, STRATEGIES)
def test_merging_again_changes_nothing(
    scan: tuple[list[Cells | None], list[CellChange]], later: list[Cells | None], strategy: MergeStrategy
) -> None:
    rows, changes = scan
    base, theirs = book(rows), book(later)
    once = reconcile(base, theirs, changes, strategy)
    merged = book(list(written(theirs, once.changes)))
    if unique(base) and unique(theirs):
        assert reconcile(base, merged, changes, strategy).changes == ()


@given(ROWS, ROWS)
def test_every_row_is_in_one_place_of_a_match(former: list[Cells | None], present: list[Cells | None]) -> None:
    before, after = book(former), book(present, Layout("Review", 1, 2))
    found = match_rows(before, after)
    pairs = [*found.same.values(), *found.replaced.values()]
    assert sorted([*found.same, *found.replaced, *(row.row for row in found.gone)]) == [r.row for r in before.rows]
    assert sorted(row.row for row in (*pairs, *found.added)) == [row.row for row in after.rows]
    for number, row in found.same.items():
        assert identity(row_of(before, number)) == identity(row)
    for number, row in found.replaced.items():
        assert row_of(before, number).project == row.project
        assert identity(row_of(before, number)) != identity(row)
