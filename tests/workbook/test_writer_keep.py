"""An update that keeps the value changes the cell's format and not another byte of it."""

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from tasks.errors import MergeError, MergeRefused
from tasks.workbook.model import KEEP, CellStyle, CellUpdate
from tasks.workbook.verify import verify_written
from tests.workbook.books import SHEET, STYLES, WORKBOOK, Book, Written, save_parts, write
from tests.workbook.test_writer_formulas import shared_column
from tests.workbook.test_writer_properties import sheets

RED = CellStyle(fill="FFE6E6", font="CC0000", bold=True, wrap=True)
LINK = '<c r="E4" s="1" t="str"><f>HYPERLINK("u","t")</f><v>t</v></c>'
ROWS = (
    '<row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4" s="1"><v>45000.5</v></c><c t="inlineStr" r="C4"><is><r><t>ri</t>'
    f'</r><r><t>ch</t></r></is></c><c r="D4" t="e"><v>#N/A</v></c>{LINK}<c r="F4" t="b" cm="1"><v>1</v></c></row>'
)
CELLS = [CellUpdate(4, column, KEEP, RED) for column in "ABCDEF"]


def without_styles(sheet: str) -> str:
    """The sheet's text with the format index of every cell cut out."""
    return re.sub(r'(<c\b[^>]*?) s="\d+"', r"\1", sheet)


def verify(written: Written, updates: list[CellUpdate]) -> None:
    verify_written(written.source, written.target, "Review", updates, report=written.report)


def test_only_the_format_index_changes(tmp_path: Path) -> None:
    written = write(Book(rows=ROWS), tmp_path, CELLS)
    assert without_styles(written.part()) == without_styles(written.before[SHEET].decode())
    assert written.changed == {SHEET, STYLES}
    assert written.report.cells == 6
    verify(written, CELLS)
    sheet = load_workbook(written.target)["Review"]
    for name in ("A4", "B4", "C4", "D4", "E4", "F4"):
        assert (sheet[name].fill.fgColor.rgb, sheet[name].font.color.rgb) == ("FFFFE6E6", "FFCC0000")
    assert sheet["B4"].number_format == "yyyy\\-mm\\-dd"


def test_excel_is_not_asked_to_calculate_for_a_change_of_looks(tmp_path: Path) -> None:
    restyled = write(Book(rows=ROWS), tmp_path, CELLS)
    assert WORKBOOK not in restyled.changed
    for valued in (CellUpdate(5, "A", "x"), CellUpdate(4, "F", "x"), CellUpdate(4, "A", None)):
        written = write(Book(rows=ROWS), tmp_path, [*CELLS[1:2], valued])
        assert "fullCalcOnLoad" in written.part(WORKBOOK)


def test_the_same_format_again_changes_nothing(tmp_path: Path) -> None:
    once = write(Book(rows=ROWS), tmp_path, CELLS)
    again = write(once.target.rename(tmp_path / "once.xlsx"), tmp_path, CELLS)
    assert again.before == again.after
    assert again.report.cells == 0
    verify(again, CELLS)


def test_without_a_style_nothing_changes(tmp_path: Path) -> None:
    written = write(Book(rows=ROWS), tmp_path, [CellUpdate(4, "A", KEEP), CellUpdate(9, "Z", KEEP)])
    assert written.changed == set()


def test_a_kept_cell_without_a_style_does_not_widen_the_used_range(tmp_path: Path) -> None:
    updates = [CellUpdate(4, "A", "x"), CellUpdate(9, "Z", KEEP)]
    written = write(Book(rows=ROWS, before='<dimension ref="A4:F4"/>'), tmp_path, updates)
    assert '<dimension ref="A4:F4"/>' in written.part()


def test_another_number_format_may_make_a_kept_number_a_date(tmp_path: Path) -> None:
    updates = [CellUpdate(4, "C", KEEP, CellStyle(number_format="yyyy-mm-dd"))]
    written = write(Book(rows='<row r="4"><c r="C4"><v>45000</v></c></row>'), tmp_path, updates)
    assert "<v>45000</v>" in written.row(4)
    verify(written, updates)


def test_a_cell_that_is_not_there_becomes_an_empty_one(tmp_path: Path) -> None:
    updates = [CellUpdate(6, "A", KEEP, RED)]
    written = write(Book(rows=ROWS), tmp_path, updates)
    assert '<c r="A6" s="6"/>' in written.row(6)
    verify(written, updates)


def test_a_kept_formula_of_a_group_whose_first_cell_goes_stays_a_formula(tmp_path: Path) -> None:
    updates = [CellUpdate(4, "E", "new"), CellUpdate(5, "E", KEEP, RED)]
    written = write(Book(rows=shared_column(4, 7)), tmp_path, updates)
    formula = '<f ref="E5:E7" t="shared" si="0" ca="1">A5&amp;$B$1&amp;"A1"</f><v>old</v>'
    assert f'<c s="6" r="E5" t="str">{formula}' in written.row(5)
    verify(written, updates)


def test_a_merged_range_is_refused_by_name(tmp_path: Path) -> None:
    book = Book(rows=ROWS, after='<mergeCells count="1"><mergeCell ref="A4:B4"/></mergeCells>')
    with pytest.raises(MergeRefused, match=r"A4 belongs to a merged range"):
        write(book, tmp_path, CELLS[:1])


@pytest.mark.parametrize(("old", "new"), [(b"45000.5", b"45000.4"), (b"<v>1</v></c></row>", b"<v>0</v></c></row>")])
def test_a_kept_value_that_was_lost_is_noticed(tmp_path: Path, old: bytes, new: bytes) -> None:
    written = write(Book(rows=ROWS), tmp_path, CELLS)
    assert old in written.after[SHEET]
    save_parts(written.target, {**written.after, SHEET: written.after[SHEET].replace(old, new)})
    with pytest.raises(MergeError, match=r"[BF]4 lost what it held"):
        verify(written, CELLS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sheets(), st.sets(st.tuples(st.integers(1, 8), st.sampled_from("ABCDEFG")), max_size=8))
def test_whatever_the_sheet_only_format_indices_change(book: Book, cells: set[tuple[int, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = book.save(Path(folder) / "book.xlsx")
        kept = [CellUpdate(row, column, KEEP, RED) for row, column in sorted(cells)]
        written = write(source, Path(folder), kept)
        assert written.changed <= {SHEET, STYLES}
        names = {f"{column}{row}" for row, column in cells}
        added = rf'<c r="(?:{"|".join(names) or "-"})" s="\d+"/>'
        present = set(re.findall(r'r="([A-Z]+\d+)"', written.before[SHEET].decode()))
        after = re.sub(added, lambda m: m[0] if re.findall(r'r="(\w+)"', m[0])[0] in present else "", written.part())
        assert _bare(after) == _bare(written.before[SHEET].decode())
        verify(written, kept)


def _bare(sheet: str) -> str:
    """Without format indices, used range, spans and rows that hold no cell."""
    text = without_styles(sheet)
    return re.sub(r'<row[^>]*?(?:/>|>\s*</row>)|<dimension[^>]*/>| spans="[^"]*"', "", text)
