"""The look after writing passes what is right and notices each kind of wrong."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.errors import MergeError
from tasks.workbook.model import CellStyle, CellUpdate, Formula
from tasks.workbook.plan import NewRow
from tasks.workbook.splicer import Spans
from tasks.workbook.verify import verify_written
from tests.workbook import books
from tests.workbook.books import Book, Written, save_parts, write
from tests.workbook.test_writer_formulas import FORMULAS, shared_column, with_chain

ROWS = '<row r="4"><c r="A4"><v>1</v></c><c r="B4" t="s"><v>0</v></c><c r="E4"><v>3</v></c><c r="F4"><v>4</v></c></row>'
UPDATES = [CellUpdate(4, "E", "=x_x0041_\r\n", CellStyle(fill="E6FFE6", bold=True)), CellUpdate(9, "C", 2.5)]


def verify(
    written: Written, updates: list[CellUpdate], new_rows: list[NewRow] | None = None, last: int | None = None
) -> None:
    """Verify what a test wrote."""
    verify_written(
        written.source, written.target, "review", updates, new_rows or (), after_row=last, report=written.report
    )


def good(folder: Path) -> Written:
    """A right write."""
    return write(Book(rows=ROWS), folder, UPDATES)


def test_what_is_right_passes(tmp_path: Path) -> None:
    verify(good(tmp_path), UPDATES)


def test_no_change_passes(tmp_path: Path) -> None:
    held = [CellUpdate(4, "B", "plain"), CellUpdate(4, "C", None)]
    verify(write(Book(rows=ROWS), tmp_path, held), held)


def test_dropped_chain_promoted_formula_and_new_rows_pass(tmp_path: Path) -> None:
    gone = [CellUpdate(1, "A", "x"), CellUpdate(1, "C", Formula("B2", " shown "))]
    verify(write(with_chain(FORMULAS, '<c r="A1" i="7"/>'), tmp_path, gone), gone)
    first = [CellUpdate(4, "E", "x"), CellUpdate(5, "E", None)]
    verify(write(Book(rows=shared_column(4, 8)), tmp_path, first), first)
    rows = [NewRow({"B": "new", "A": 1}), NewRow({"B": "newer"})]
    verify(write(Book(rows=ROWS), tmp_path, UPDATES[:1], rows, 4), UPDATES[:1], rows, 4)


def test_names_in_comments_are_no_cells(tmp_path: Path) -> None:
    cell = '<c r="E4"><!-- <c r="Z9"> --><v><![CDATA[5]]></v><?pi <c r="Z9"/> ?></c>'
    changes = [CellUpdate(4, "E", "x")]
    verify(write(Book(rows=f'<row r="4">{cell}</row>'), tmp_path, changes), changes)


def test_a_sheet_without_styles_passes(tmp_path: Path) -> None:
    verify(write(Book(rows=ROWS, styles=None), tmp_path, UPDATES), UPDATES)


def change(name: str, old: bytes, new: bytes) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """A fault: other bytes in one part."""

    def spoil(parts: dict[str, bytes]) -> dict[str, bytes]:
        assert old in parts[name]
        return {**parts, name: parts[name].replace(old, new)}

    return spoil


FAULTS: list[tuple[Callable[[dict[str, bytes]], dict[str, bytes]], str]] = [
    (change(books.SHEET, b'<c r="F4"><v>4', b'<c r="F4"><v>5'), "differs outside"),
    (change(books.SHEET, b"</worksheet>", b"</worksheet>\n"), "differs outside"),
    (change(books.SHEET, b"_x005F_", b"_x005E_"), "E4 reads as"),
    (change(books.SHEET, b"<v>2.5</v>", b"<v>2.6</v>"), "C9 reads as"),
    (change(books.STYLES, b"center", b"right"), "cellXfs were changed"),
    (change(books.STYLES, b"thin", b"thick"), "borders were changed"),
    (change(books.STYLES, b"</dxfs>", b"<dxf/></dxfs>"), "dxfs were changed"),
    (change("docProps/app.xml", b"Kept", b"Lost"), r"docProps/app\.xml was changed"),
    (lambda parts: {name: data for name, data in parts.items() if "app" not in name}, r"app\.xml is missing"),
    (lambda parts: {**parts, "xl/new.xml": b"<x/>"}, r"xl/new\.xml was added"),
    (lambda parts: dict(reversed(parts.items())), "missing or out of its place"),
]


@pytest.mark.parametrize(("spoil", "words"), FAULTS)
def test_each_fault_is_noticed(
    tmp_path: Path, spoil: Callable[[dict[str, bytes]], dict[str, bytes]], words: str
) -> None:
    written = good(tmp_path)
    spoiled: dict[str, str | bytes] = {**spoil(written.after)}
    save_parts(written.target, spoiled)
    with pytest.raises(MergeError, match=words) as caught:
        verify(written, UPDATES)
    assert "\n" not in str(caught.value)


def test_damage_after_writing_is_noticed(tmp_path: Path) -> None:
    written = write(save_parts(tmp_path / "s.xlsx", Book(rows=ROWS).parts(), zipfile.ZIP_STORED), tmp_path, UPDATES)
    data = written.target.read_bytes()
    written.target.write_bytes(data.replace(b"Kept", b"Lost"))
    with pytest.raises(MergeError, match="cannot be read back"):
        verify(written, UPDATES)


def test_a_swallowed_neighbour_is_noticed(tmp_path: Path) -> None:
    """The writer says where it wrote; it must not have written over cells that are no targets."""
    written = good(tmp_path)
    spans = written.report.spans.numbers
    wide = spans[:]
    wide[1] += len('<c r="F4"><v>4</v></c>')
    wide[3] += len('<c r="F4"><v>4</v></c>')
    report = replace(written.report, spans=Spans(wide))
    with pytest.raises(MergeError, match="F4 was written though it is no target"):
        verify_written(written.source, written.target, "Review", UPDATES, report=report)


def test_a_report_that_names_a_foreign_part_is_noticed(tmp_path: Path) -> None:
    written = good(tmp_path)
    report = replace(written.report, changed_parts=(*written.report.changed_parts, "docProps/app.xml"))
    with pytest.raises(MergeError, match="not the merge's to change"):
        verify_written(written.source, written.target, "Review", UPDATES, report=report)


def test_an_update_that_was_not_written_is_noticed(tmp_path: Path) -> None:
    written = good(tmp_path)
    for more in (CellUpdate(4, "F", "other"), CellUpdate(99, "A", "far"), CellUpdate(4, "A", None)):
        with pytest.raises(MergeError, match="reads as"):
            verify(written, [*UPDATES, more])
