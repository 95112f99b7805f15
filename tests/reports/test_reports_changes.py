"""The changes report says every cell that changed, and every one that could not be changed, once and on one line."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.merge.changes import CellContent
from tasks.merge.threeway import reconcile
from tasks.reports.changes import (
    CellDifference,
    ChangesReport,
    changes_document,
    changes_lines,
    compare_workbooks,
    differences_of,
    differences_of_new,
)
from tasks.reports.differences import ChangeKind, RowFate
from tasks.review.meaning import Meaning
from tasks.settings.processing import MergeStrategy
from tasks.text.plain import counted, one_line, section
from tasks.workbook.model import STANDARD_COLUMNS, Field, Formula, Layout
from tasks.workbook.plan import NewRow
from tests.merge.merge_books import LAYOUT, book, cells_of, change

W, P, F = Field.RECOMMENDATION, Field.NIST_NVD_RESULT, Field.LATEST_VERSION
WHEN = datetime(2026, 3, 4, 5, 6, 7)  # noqa: DTZ001
ORIGINAL, OUTPUT = Path("in") / "review.xlsx", Path("out") / "review.xlsx"
RISKY = "VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH)"


def report(*differences: CellDifference, **others: object) -> ChangesReport:
    return ChangesReport(WHEN, ORIGINAL, OUTPUT, differences, **others)  # type: ignore[arg-type]


def lines_of(made: ChangesReport) -> list[str]:
    return list(changes_lines(made))


def part(made: ChangesReport, title: str) -> list[str]:
    """The lines of one section, without their indentation."""
    lines = lines_of(made)
    if title not in lines:
        return []
    start = lines.index(title) + 2
    end = lines.index("", start) if "" in lines[start:] else len(lines)
    return [line.removeprefix("  ") for line in lines[start:end]]


BASE = book(
    [
        cells_of("alpha", recommendation="✅ PROCEED", latest_version="1.0"),
        cells_of("twin", nist_nvd_result="None found"),
        cells_of("twin", nist_nvd_result="None found"),
    ]
)
CHANGES = (
    change(BASE.rows[0], F, "2.0", Meaning.VERSION_UPDATE),
    change(BASE.rows[0], P, RISKY, Meaning.RISK),
    change(BASE.rows[0], W, None, Meaning.SAFE),
    change(BASE.rows[1], P, RISKY, Meaning.RISK),
    change(BASE.rows[2], P, RISKY, Meaning.RISK),
    change(BASE.rows[2], Field.SNYK_URL, Formula("HYPERLINK()", "Snyk twin link"), Meaning.LINK),
)
FULL = report(*differences_of(CHANGES), processed=3, failed=1)


def test_the_head_says_what_was_compared() -> None:
    assert lines_of(FULL)[:7] == [
        "CHANGES REPORT",
        "==============",
        "Generated: 2026-03-04 05:06:07",
        f"Original file: {ORIGINAL}",
        f"Output file: {OUTPUT}",
        "Dry run mode: no",
        "Changes: 6 cells in 3 package rows (2 added, 3 changed, 1 cleared)",
    ]
    dry = ChangesReport(WHEN, ORIGINAL, None, (), dry_run=True)
    assert lines_of(dry)[4:7] == [
        "Output file: none",
        "Dry run mode: yes",
        "Changes: 0 cells in 0 package rows (0 added, 0 changed, 0 cleared)",
    ]


def test_every_cell_is_said_by_package_and_duplicates_stay_apart() -> None:
    assert part(FULL, "CHANGES BY PACKAGE") == [
        "📦 alpha (Row 4):",
        "  🔄 Latest Version (Col F): '1.0' → '2.0' [version update]",
        f"  ✅ NIST NVD Lookup Result (Col P): Added '{RISKY}' [risk]",
        "  🗑 Recommendation (Col W): Cleared '✅ PROCEED'",
        "📦 twin (Row 5):",
        f"  🔄 NIST NVD Lookup Result (Col P): 'None found' → '{RISKY}' [risk]",
        "📦 twin (Row 6):",
        f"  🔄 NIST NVD Lookup Result (Col P): 'None found' → '{RISKY}' [risk]",
        "  ✅ SNYK Vulnerability Lookup URL (Col S): Added 'Snyk twin link' [link]",
    ]


def test_columns_and_colours_are_counted() -> None:
    assert part(FULL, "CHANGES BY COLUMN") == [
        "Col F, Latest Version: 1 cell (1 changed)",
        "Col P, NIST NVD Lookup Result: 3 cells (1 added, 2 changed)",
        "Col S, SNYK Vulnerability Lookup URL: 1 cell (1 added)",
        "Col W, Recommendation: 1 cell (1 cleared)",
    ]
    assert part(FULL, "COLOUR SUMMARY") == [
        "risk (fill FFE6E6, font CC0000): 3 cells",
        "  NIST NVD Lookup Result: 3",
        "version update (fill FFF0E6, font FF6600): 1 cell",
        "  Latest Version: 1",
        "no colour of a scan: 1 cell",
        "  Recommendation: 1",
        "link (fill E6FFE6, font 006600): 1 cell",
        "  SNYK Vulnerability Lookup URL: 1",
    ]


def test_statistics_count_packages_only_where_some_were_looked_up() -> None:
    assert part(FULL, "STATISTICS")[:3] == ["Packages processed: 3", "Packages failed: 1", "Success rate: 66.7 %"]
    assert part(report(processed=0), "STATISTICS")[:3] == [
        "Packages processed: 0",
        "Packages failed: 0",
        "Cells changed: 0",
    ]
    assert part(report(), "STATISTICS")[0] == "Cells changed: 0"


def test_without_changes_only_head_and_statistics_remain() -> None:
    assert [line for line in lines_of(report()) if line.isupper()] == ["CHANGES REPORT", "STATISTICS"]


def merged() -> ChangesReport:
    """A merge in which everything happens that can."""
    base = book([cells_of(name, recommendation="old") for name in ("alpha", "beta", "gamma", "delta")])
    theirs = book(
        [
            cells_of("delta", recommendation="by\nhand"),
            cells_of("beta", "2.0", recommendation="old"),
            cells_of("alpha", recommendation="old"),
        ],
        Layout("Review", 3, 4, {f: c for f, c in STANDARD_COLUMNS.items() if f is not P}),
    )
    ours = [change(row, W, "new") for row in base.rows]
    found = reconcile(base, theirs, [*ours, change(base.rows[0], P, "None found")], MergeStrategy.MERGE)
    return report(*differences_of(found.changes), merge=found)


def test_what_was_not_written_is_said() -> None:
    assert part(merged(), "CHANGES BY PACKAGE")[0] == "📦 alpha (Row 6):"
    assert part(merged(), "CONFLICTS") == [
        "⚠️ delta (Row 4), Recommendation (Col W): read 'old', now 'by\\nhand', scan 'new': the workbook's text stays"
    ]
    assert part(merged(), "NOT WRITTEN") == [
        "gamma 1.0 (row 6 as read) is no longer there; nothing was written for it (1 change dropped)",
        "beta (row 5): version changed from 1.0 to 2.0 while the scan ran: run again (1 change dropped)",
        "alpha (Row 4 as read), NIST NVD Lookup Result: the column is no longer there; 'None found' was not written",
    ]
    assert part(merged(), "STATISTICS")[-2:] == ["Conflicts: 1", "Rows not written: 2"]


def test_the_document_has_it_all_and_is_json() -> None:
    made = json.loads(json.dumps(changes_document(merged())))
    assert made["schema"] == 1
    assert (made["original"], made["output"], made["dry_run"]) == (str(ORIGINAL), str(OUTPUT), False)
    assert made["generated"] == "2026-03-04T05:06:07"
    (package,) = made["packages"]
    assert (package["package"], package["row"], package["row_fate"]) == ("alpha", 6, "kept")
    assert package["changes"] == [
        {"field": "recommendation", "column": "W", "kind": "changed", "old": "old", "new": "new", "colour": "updated"}
    ]
    (conflict,) = made["conflicts"]
    assert (conflict["base"], conflict["theirs"], conflict["ours"], conflict["decided"]) == (
        "old",
        "by\nhand",
        "new",
        "theirs",
    )
    assert [(g["package"], g["row"], len(g["changes"])) for g in made["gone"]] == [("gamma", 6, 1)]
    assert [(r["row"], r["former_version"], r["version"]) for r in made["replaced"]] == [(5, "1.0", "2.0")]
    assert [(d["field"], d["new"]) for d in made["dropped"]] == [("nist_nvd_result", "None found")]
    assert made["statistics"]["conflicts"] == 1
    full = changes_document(FULL)
    assert full["columns"][1] == {"column": "P", "field": "nist_nvd_result", "added": 1, "changed": 2, "cleared": 0}
    assert full["colours"]["risk"] == {"NIST NVD Lookup Result": 3}
    assert full["statistics"]["success_rate"] == 66.7


@given(st.text(max_size=40), st.text(min_size=1, max_size=40), st.text(max_size=40))
def test_hostile_texts_make_neither_lines_nor_control_characters(name: str, new: str, old: str) -> None:
    differences = CellDifference(name, 4, "W", W, ChangeKind.CHANGED, old, new, Meaning.SAFE)
    lines = lines_of(report(differences, processed=1))
    assert len(lines) == len(
        lines_of(report(CellDifference("a", 4, "W", W, ChangeKind.CHANGED, "b", "c", Meaning.SAFE), processed=1))
    )
    assert all(len(line.splitlines()) <= 1 for line in lines)
    "\n".join(lines).encode()


def test_long_texts_are_cut_in_lines_and_whole_in_data() -> None:
    made = report(CellDifference("a", 4, "W", W, ChangeKind.ADDED, "", "x" * 5_000, None))
    assert max(map(len, lines_of(made))) < 1_100
    assert changes_document(made)["packages"][0]["changes"][0]["new"] == "x" * 5_000


# Comparing a result with its original


def brief(
    original: list[dict[Field, CellContent] | None], result: list[dict[Field, CellContent] | None]
) -> list[tuple[object, ...]]:
    found = compare_workbooks(book(original), book(result))
    return [(c.package, c.row, c.column, c.kind.value, c.old, c.new, c.row_fate.value) for c in found]


A: dict[Field, CellContent] = cells_of("alpha", recommendation="old", notes="mine")


def test_equal_workbooks_and_rows_that_only_moved_do_not_differ() -> None:
    assert brief([A], [A]) == []
    assert brief([A, cells_of("beta")], [None, cells_of("beta"), A]) == []


def test_added_changed_cleared_and_manual_cells_differ() -> None:
    after = {**A, W: None, F: 3, Field.NOTES: "yours", P: "  "}
    assert brief([A], [after]) == [
        ("alpha", 4, "F", "added", "", "3", "kept"),
        ("alpha", 4, "N", "changed", "mine", "yours", "kept"),
        ("alpha", 4, "W", "cleared", "old", "", "kept"),
    ]


def test_added_and_removed_rows_count_with_their_cells() -> None:
    assert brief([A], [cells_of("beta", "2.0")]) == [
        ("beta", 4, "B", "added", "", "beta", "added"),
        ("beta", 4, "C", "added", "", "2.0", "added"),
        ("alpha", 4, "B", "cleared", "alpha", "", "removed"),
        ("alpha", 4, "C", "cleared", "1.0", "", "removed"),
        ("alpha", 4, "N", "cleared", "mine", "", "removed"),
        ("alpha", 4, "W", "cleared", "old", "", "removed"),
    ]
    made = report(*compare_workbooks(book([A]), book([cells_of("beta", "2.0")])))
    heads = [line for line in part(made, "CHANGES BY PACKAGE") if line.startswith("📦")]
    assert heads == ["📦 beta (Row 4, row added):", "📦 alpha (Row 4, row removed):"]
    assert {"Rows added: 1", "Rows removed: 1"} <= set(part(made, "STATISTICS"))


def test_a_new_version_is_a_difference_of_that_cell() -> None:
    assert brief([A], [{**A, Field.CURRENT_VERSION: "1.1"}]) == [("alpha", 4, "C", "changed", "1.0", "1.1", "kept")]


def test_duplicates_are_compared_each_with_its_own() -> None:
    twins: list[dict[Field, CellContent] | None] = [cells_of("twin", index=1), cells_of("twin", index=2)]
    after = [cells_of("twin", index=1, recommendation="x"), cells_of("twin", index=2, recommendation="y")]
    assert brief(twins, [after[1], None, after[0]]) == [
        ("twin", 4, "W", "added", "", "y", "kept"),
        ("twin", 6, "W", "added", "", "x", "kept"),
    ]


def test_colours_are_those_a_scan_gives_such_texts() -> None:
    after = {**A, W: "✅ PROCEED", P: RISKY, F: "2.0", Field.SNYK_URL: "Snyk a link", Field.NOTES: "x"}
    colours = {cell.field: cell.colour for cell in compare_workbooks(book([A]), book([after]))}
    assert colours == {F: "version update", Field.NOTES: None, P: "risk", Field.SNYK_URL: "link", W: "safe"}


def test_a_column_that_is_gone_reads_as_cleared_where_it_was() -> None:
    layout = Layout("Review", 3, 4, {Field.PACKAGE_NAME: "A", Field.CURRENT_VERSION: "B"})
    found = compare_workbooks(book([cells_of("alpha", recommendation="old")]), book([cells_of("alpha")], layout))
    assert [(c.column, c.kind, c.old) for c in found] == [("W", ChangeKind.CLEARED, "old")]


def test_appended_rows_are_said_with_every_filled_cell() -> None:
    new = NewRow({"A": 9, "B": "delta", "C": "1.0", "O": Formula("HYPERLINK()", "link"), "Z": "?", "N": None})
    found = differences_of_new([new], 20, LAYOUT)
    assert [(c.package, c.row, c.column, c.new) for c in found] == [
        ("delta", 21, "A", "9"),
        ("delta", 21, "B", "delta"),
        ("delta", 21, "C", "1.0"),
        ("delta", 21, "O", "link"),
    ]
    assert {(c.row_fate, c.meaning, c.kind) for c in found} == {(RowFate.ADDED, Meaning.SAFE, ChangeKind.ADDED)}


# Words


@pytest.mark.parametrize(
    ("text", "line"),
    [("a\r\nb\tc", "a\\r\\nb\\tc"), ("\u202egnp", "\\u202egnp"), ("lone \udcff", "lone \\udcff"), ("ok ✅", "ok ✅")],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


def test_counted_and_section() -> None:
    assert [counted(n, "cell") for n in (0, 1, 2_000)] == ["0 cells", "1 cell", "2,000 cells"]
    assert counted(2, "batch", "batches") == "2 batches"
    assert list(section("EMPTY", [])) == []
    assert list(section("ONE", ["x"])) == ["", "ONE", "---", "  x"]
