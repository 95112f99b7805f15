"""The workbook changed while the scan ran: rows are found by package, and the reviewer's cells stay."""

from datetime import datetime, timedelta

import pytest

from tasks.merge.changes import CellChange, CellContent
from tasks.merge.threeway import Conflict, Decision, Reconciled, reconcile
from tasks.review.meaning import Meaning
from tasks.settings.processing import MergeStrategy
from tasks.workbook.model import KEEP, STANDARD_COLUMNS, CellUpdate, Field, Formula, Layout, PackageRow
from tests.merge.merge_books import book, cells_of, change

MERGE, USE_CURRENT, USE_CHECKPOINT = MergeStrategy.MERGE, MergeStrategy.USE_CURRENT, MergeStrategy.USE_CHECKPOINT
W, P, F = Field.RECOMMENDATION, Field.NIST_NVD_RESULT, Field.LATEST_VERSION
A = cells_of("alpha", index=1, recommendation="old a")
B = cells_of("beta", index=2, recommendation="old b")
C = cells_of("gamma", index=3, recommendation="old c")
BASE = book([A, B, C])
CHANGES = tuple(change(row, W, f"new {row.name}") for row in BASE.rows)


def places(found: Reconciled) -> dict[str, tuple[int, str]]:
    """Where each package's change goes."""
    assert all((c.row, c.column) == (c.update.row, c.update.column) for c in found.changes)
    return {c.package: (c.row, c.column) for c in found.changes}


def test_nothing_changed_meanwhile_is_nothing_to_do() -> None:
    assert reconcile(BASE, BASE, CHANGES, MERGE) == Reconciled(CHANGES)


def test_inserted_moved_and_sorted_rows_are_found_again() -> None:
    inserted = reconcile(BASE, book([cells_of("new"), A, None, B, C]), CHANGES, MERGE)
    assert places(inserted) == {"alpha": (5, "W"), "beta": (7, "W"), "gamma": (8, "W")}
    turned = reconcile(BASE, book([C, B, A]), CHANGES, MERGE)
    assert places(turned) == {"gamma": (4, "W"), "beta": (5, "W"), "alpha": (6, "W")}
    assert [c.row for c in turned.changes] == [4, 5, 6]


def test_a_deleted_row_is_listed_and_not_brought_back() -> None:
    found = reconcile(BASE, book([A, C]), CHANGES, USE_CHECKPOINT)
    assert places(found) == {"alpha": (4, "W"), "gamma": (5, "W")}
    (gone,) = found.gone
    assert (gone.package, gone.version, gone.row, gone.changes) == ("beta", "1.0", 5, (CHANGES[1],))
    assert gone.sentence == "beta 1.0 (row 5 as read) is no longer there; nothing was written for it"


def test_a_renamed_row_is_gone() -> None:
    found = reconcile(BASE, book([A, cells_of("other", index=2, recommendation="old b"), C]), CHANGES, USE_CHECKPOINT)
    assert set(places(found)) == {"alpha", "gamma"}
    assert [gone.package for gone in found.gone] == ["beta"]


def test_another_spelling_of_name_and_version_is_the_same_row() -> None:
    base = book([cells_of("ruamel.yaml", "1.0"), cells_of("pip", 6)])
    theirs = book([cells_of("Pip", "6.0.0"), cells_of("Ruamel_YAML", "v1.0.0")])
    found = reconcile(base, theirs, [change(row, W, "x") for row in base.rows], MERGE)
    assert places(found) == {"Pip": (4, "W"), "Ruamel_YAML": (5, "W")}


def test_a_row_of_another_version_gets_nothing() -> None:
    theirs = book([A, cells_of("beta", "2.0", recommendation="old b"), C])
    for strategy in MergeStrategy:
        found = reconcile(BASE, theirs, CHANGES, strategy, lambda _: Decision.OURS)
        assert set(places(found)) == {"alpha", "gamma"}
        assert found.gone == ()
        (replaced,) = found.replaced
        assert (replaced.package, replaced.row, replaced.former_row, replaced.changes) == ("beta", 5, 5, (CHANGES[1],))
    assert replaced.sentence == "beta (row 5): version changed from 1.0 to 2.0 while the scan ran: run again"


@pytest.mark.parametrize(("before", "now"), [("1.0", None), (None, "1.0"), ("NEW", "1.0"), ("1.0", "1.0rc1")])
def test_other_version_cells_are_another_version_too(before: CellContent, now: CellContent) -> None:
    base = book([cells_of("alpha", before)])
    found = reconcile(base, book([cells_of("alpha", now)]), [change(base.rows[0], W, "x")], MERGE)
    assert found.changes == ()
    assert len(found.replaced) == 1
    assert "None" not in found.replaced[0].sentence


def test_words_and_new_are_versions_that_are_found_again() -> None:
    base = book([cells_of("alpha", "NEW"), cells_of("beta", "latest"), cells_of("gamma", None)])
    theirs = book([cells_of("gamma", None), cells_of("beta", "latest"), cells_of("alpha", "new")])
    found = reconcile(base, theirs, [change(row, W, "x") for row in base.rows], MERGE)
    assert places(found) == {"gamma": (4, "W"), "beta": (5, "W"), "alpha": (6, "W")}


def test_moved_headers_and_columns_lead_to_theirs() -> None:
    columns = {Field.PACKAGE_NAME: "C", Field.CURRENT_VERSION: "B", W: "AA"}
    found = reconcile(BASE, book([C, A, B], Layout("Review", 7, 9, columns)), CHANGES, MERGE)
    assert places(found) == {"gamma": (9, "AA"), "alpha": (10, "AA"), "beta": (11, "AA")}
    assert found.conflicts == ()


def test_a_field_without_a_column_is_dropped_and_listed() -> None:
    columns = {field: letters for field, letters in STANDARD_COLUMNS.items() if field is not P}
    extra = change(BASE.rows[0], P, "None found")
    found = reconcile(BASE, book([B, A, C], Layout("Review", 3, 4, columns)), [extra, *CHANGES], MERGE)
    assert found.dropped == (extra,)
    assert set(places(found)) == {"alpha", "beta", "gamma"}


# Cells


def settled(
    base: CellContent,
    theirs: CellContent,
    ours: CellChange | str | datetime | Formula | None,
    strategy: MergeStrategy = MERGE,
) -> Reconciled:
    """One package whose recommendation was base, is theirs and should become ours."""
    before = book([cells_of("alpha", recommendation=base)])
    after = book([cells_of("alpha", recommendation=theirs)])
    made = ours if isinstance(ours, CellChange) else change(before.rows[0], W, ours)
    return reconcile(before, after, [made], strategy)


@pytest.mark.parametrize(
    ("base", "theirs"),
    [
        ("old", "old"),
        (None, "  "),
        (6, "6"),
        (6, 6.0),
        ("a\r\nb", "a\nb"),
        (datetime(2020, 1, 2, 3, 4, 5, 600_000), datetime(2020, 1, 2, 3, 4, 6)),  # noqa: DTZ001
    ],
)
def test_a_cell_that_still_shows_the_same_gets_ours(base: CellContent, theirs: CellContent) -> None:
    found = settled(base, theirs, "new")
    assert [c.new for c in found.changes] == ["new"]
    assert found.conflicts == ()


@pytest.mark.parametrize(
    ("base", "theirs", "ours"),
    [("old", "new", "new"), (None, "link", Formula("HYPERLINK()", "link")), ("old", None, None)],
)
def test_both_to_the_same_is_no_change(base: CellContent, theirs: CellContent, ours: str | Formula | None) -> None:
    for strategy in MergeStrategy:
        assert settled(base, theirs, ours, strategy) == Reconciled(())


def test_what_only_they_changed_is_nothing_to_do() -> None:
    theirs = book([{**A, P: "by hand"}, {**B, Field.NOTES: "mine", W: "by hand"}, C])
    assert reconcile(BASE, theirs, CHANGES[::2], MERGE) == Reconciled(CHANGES[::2])


@pytest.mark.parametrize(
    ("base", "theirs"), [(b, t) for b in ("old", None, "  ") for t in ("by hand", 5, "old ")] + [("old", None)]
)
def test_both_differently_is_a_conflict(base: CellContent, theirs: CellContent) -> None:
    kept = settled(base, theirs, "new", USE_CURRENT)
    assert kept.changes == ()
    (conflict,) = kept.conflicts
    texts = str(base or ""), str(theirs or ""), "new"
    assert conflict == Conflict(W, "alpha", 4, "W", *texts, Decision.THEIRS)
    assert settled(base, theirs, "new", MERGE) == kept
    written = settled(base, theirs, "new", USE_CHECKPOINT)
    (change_,) = written.changes
    assert (change_.old, change_.new, change_.update.value) == (texts[1], "new", "new")
    assert [c.decided for c in written.conflicts] == [Decision.OURS]


def test_a_second_apart_is_a_change() -> None:
    before = datetime(2020, 1, 2)  # noqa: DTZ001
    assert len(settled(before, before + timedelta(seconds=1), "new").conflicts) == 1


def test_a_person_decides_each_conflict_once_in_sheet_order() -> None:
    theirs = book([{**C, W: "c by hand"}, {**B, W: "b by hand"}, A])
    asked: list[Conflict] = []

    def decide(conflict: Conflict) -> Decision:
        asked.append(conflict)
        return Decision.OURS if conflict.package == "beta" else Decision.THEIRS

    found = reconcile(BASE, theirs, CHANGES, MERGE, decide)
    assert [(c.package, c.row, c.base, c.theirs, c.ours) for c in asked] == [
        ("gamma", 4, "old c", "c by hand", "new gamma"),
        ("beta", 5, "old b", "b by hand", "new beta"),
    ]
    assert places(found) == {"beta": (5, "W"), "alpha": (6, "W")}
    assert [(c.package, c.decided) for c in found.conflicts] == [("gamma", Decision.THEIRS), ("beta", Decision.OURS)]


@pytest.mark.parametrize("strategy", [USE_CURRENT, USE_CHECKPOINT])
def test_a_strategy_that_decides_asks_nobody(strategy: MergeStrategy) -> None:
    def decide(conflict: Conflict) -> Decision:
        raise AssertionError(conflict)

    theirs = book([{**A, W: "by hand"}, B, C])
    assert len(reconcile(BASE, theirs, CHANGES, strategy, decide).conflicts) == 1


# What could not be checked


@pytest.mark.parametrize(
    "excuse",
    ["Could not check (osv: down)", "🔍 MANUAL REVIEW | ❓ osv down | 📋 Run again; nothing is known to be safe"],
)
def test_an_excuse_never_replaces_an_answer_and_an_answer_replaces_an_excuse(excuse: str) -> None:
    for strategy in MergeStrategy:
        kept = settled(None, "VULNERABLE - by hand", excuse, strategy)
        assert kept.changes == ()
        assert [c.decided for c in kept.conflicts] == [Decision.THEIRS]
        replaced = settled(None, excuse, "None found", strategy)
        assert [c.new for c in replaced.changes] == ["None found"]
        assert replaced.conflicts == ()


def test_a_note_behind_the_former_answer_does_not_replace_a_new_one() -> None:
    note = "✅ PROCEED | ❓ could not check: osv | 📋 Run again; nothing is known to be safe"
    assert settled("✅ PROCEED", "🚨 by hand", note, USE_CHECKPOINT).changes == ()
    assert [c.new for c in settled("✅ PROCEED", "✅ PROCEED", note).changes] == [note]


def test_malware_that_was_found_although_something_failed_is_an_answer() -> None:
    report = "☠️ REPORTED AS MALICIOUS (MAL-1): do not install"
    found = f"🔍 MANUAL REVIEW | {report} | ❓ x | 📋 Run again; nothing is known to be safe"
    assert [c.new for c in settled("old", "by hand", found, USE_CHECKPOINT).changes] == [found]


# Several rows of one package version


def duplicates(*notes: str, version: str = "1.0") -> list[dict[Field, CellContent]]:
    """Rows of one package version, told apart by their notes."""
    return [cells_of("twin", version, index=n, notes=note) for n, note in enumerate(notes, 1)]


def test_duplicates_are_told_apart_by_what_is_written_by_hand() -> None:
    base = book(duplicates("x", "y", "z"))
    ours = [change(row, W, f"for {row.cells[Field.NOTES]}") for row in base.rows]
    one, two, three = duplicates("x", "y", "z")
    found = reconcile(base, book([three, {**one, Field.INDEX: 9}, {**two, P: "by hand"}]), ours, MERGE)
    assert [(c.row, c.new) for c in found.changes] == [(4, "for z"), (5, "for x"), (6, "for y")]


def test_of_equal_duplicates_the_nth_stays_the_nth() -> None:
    base = book(duplicates("", "", ""))
    ours = [change(row, W, f"row {row.row}") for row in base.rows]
    found = reconcile(base, book([None, *duplicates("", "", "")]), ours, MERGE)
    assert [(c.row, c.new) for c in found.changes] == [(5, "row 4"), (6, "row 5"), (7, "row 6")]


@pytest.mark.parametrize("gone", [None, Field.SNYK_RESULT])
def test_duplicates_that_were_sorted_and_numbered_anew_are_told_apart_by_their_results(gone: Field | None) -> None:
    rows = [cells_of("twin", index=n, nist_nvd_result=text, snyk_result="x") for n, text in ((1, "one"), (2, "two"))]
    base = book(rows)
    ours = [change(row, W, f"for {row.cells[P]}") for row in base.rows]
    layout = Layout("Review", 3, 4, {f: c for f, c in STANDARD_COLUMNS.items() if f is not gone})
    theirs = book([{**rows[1], Field.INDEX: 1}, {**rows[0], Field.INDEX: 2}], layout)
    found = reconcile(base, theirs, ours, MERGE)
    assert [(c.row, c.new) for c in found.changes] == [(4, "for two"), (5, "for one")]


def test_a_deleted_duplicate_is_gone_and_the_other_found() -> None:
    base = book(duplicates("x", "y"))
    ours = [change(row, W, f"for {row.cells[Field.NOTES]}") for row in base.rows]
    found = reconcile(base, book(duplicates("x", "y")[1:]), ours, MERGE)
    assert [(c.row, c.new) for c in found.changes] == [(4, "for y")]
    assert [gone.row for gone in found.gone] == [4]


def test_a_duplicate_that_became_another_version_is_the_one_replaced() -> None:
    base = book(duplicates("x", "y"))
    theirs = book([*duplicates("x", version="2.0"), duplicates("x", "y")[1]])
    ours = [change(row, W, f"for {row.cells[Field.NOTES]}") for row in base.rows]
    found = reconcile(base, theirs, ours, MERGE)
    assert [(c.row, c.new) for c in found.changes] == [(5, "for y")]
    assert [(r.row, r.former_row, r.version) for r in found.replaced] == [(4, 4, "2.0")]


def test_an_added_duplicate_gets_nothing() -> None:
    base = book(duplicates("x"))
    found = reconcile(base, book([duplicates("other")[0], duplicates("x")[0]]), [change(base.rows[0], W, "n")], MERGE)
    assert [c.row for c in found.changes] == [5]


# Odd calls


def test_a_change_of_a_row_that_was_not_read_is_an_error() -> None:
    stray = change(PackageRow(99, "alpha", "alpha", "1.0", "1.0"), W, "x")
    with pytest.raises(ValueError, match="row 99 has changes and is no package row"):
        reconcile(BASE, BASE, [stray], MERGE)


def test_a_change_of_looks_follows_its_text_and_is_dropped_with_it() -> None:
    before = book([cells_of("alpha", recommendation="old")])
    looks = CellChange(4, "W", W, "alpha", "old", "old", Meaning.RISK, CellUpdate(4, "W", KEEP, Meaning.RISK.style))
    moved = reconcile(before, book([None, cells_of("alpha", recommendation="old")]), [looks], MERGE)
    assert [(c.row, c.update.value) for c in moved.changes] == [(5, KEEP)]
    assert settled("old", "by hand", looks, USE_CHECKPOINT) == Reconciled(())


def test_no_rows_at_all() -> None:
    assert reconcile(book([]), BASE, [], MERGE) == Reconciled(())
    assert [gone.package for gone in reconcile(BASE, book([]), CHANGES, MERGE).gone] == ["alpha", "beta", "gamma"]
