"""New packages go below the last row, and what covered that row covers them too; anything in the way is named."""

from pathlib import Path

import pytest
from openpyxl import load_workbook

from tasks.errors import MergeRefused
from tasks.workbook.model import CellStyle
from tasks.workbook.plan import NewRow
from tests.workbook import books
from tests.workbook.books import Book, update, write

TABLE = "xl/tables/table1.xml"
ROWS = "".join(
    f'<row r="{row}"><c r="A{row}"><v>{row}</v></c><c r="B{row}" t="str"><v>pkg{row}</v></c></row>'
    for row in range(3, 7)
)
NEW = [NewRow({"A": 4, "B": "new-one"}, CellStyle(fill="E6FFE6")), NewRow({"B": "new-two", "C": "1.0"})]


def table(ref: str, more: str = "", inner: str = "") -> str:
    """A table part."""
    return (
        f'{books.HEAD}<table xmlns="{books.MAIN}" id="1" name="T" displayName="T" ref="{ref}" {more}>'
        f'<autoFilter ref="{ref}"><filterColumn colId="1"/></autoFilter>'
        f'<sortState ref="A4:C6"><sortCondition ref="A4:A6"/></sortState>{inner}</table>'
    )


def with_table(ref: str, more: str = "", rows: str = ROWS, other: str | None = None) -> Book:
    """A book with a table, and perhaps another one."""
    links, extra = [("table", "/" + TABLE)], {TABLE: table(ref, more)}
    if other:
        links.append(("table", "../tables/table2.xml"))
        extra["xl/tables/table2.xml"] = table(other).replace('displayName="T"', 'displayName="Other"')
    return Book(rows=rows, sheet_links=links, extra={**extra})


def test_new_rows_follow_the_last_package(tmp_path: Path) -> None:
    written = write(Book(rows=ROWS, before='<dimension ref="A3:B6"/>'), tmp_path, [update("B4", "x")], NEW, 6)
    sheet = load_workbook(written.target)["Review"]
    assert [cell.value for cell in sheet[7]] == [4, "new-one", None]
    assert [cell.value for cell in sheet[8]] == [None, "new-two", "1.0"]
    assert sheet["B7"].fill.fgColor.rgb == "FFE6FFE6"
    assert '<dimension ref="A3:C8"/>' in written.part()
    assert written.report.added_rows == 2


@pytest.mark.parametrize(
    "below",
    [
        '<row r="7" ht="30" customHeight="1"/>',
        '<row r="7"><c r="A7" s="2"/><c r="D7" s="5"/></row><row r="9"/>',
        '<row r="8"/>',
    ],
)
def test_blank_rows_are_used(tmp_path: Path, below: str) -> None:
    written = write(Book(rows=ROWS + below), tmp_path, [], NEW, 6)
    sheet = load_workbook(written.target)["Review"]
    assert (sheet["B7"].value, sheet["B8"].value) == ("new-one", "new-two")
    assert ('ht="30"' in below) == ('ht="30"' in written.part())
    assert ('<c r="D7" s="5"/>' in below) == ('<c r="D7" s="5"/>' in written.part())


@pytest.mark.parametrize(
    ("below", "words"),
    [
        ('<row r="7"><c r="D7"><v>1</v></c></row>', "row 7 .*D7"),
        ('<row r="8"><c r="B8" t="inlineStr"><is><t>Total</t></is></c></row>', "row 8 .*B8"),
        ('<row r="8"><c r="Z8"><f>SUM(A1:A6)</f></c></row>', "row 8 .*Z8"),
        ('<row r="7"><c r="A7" t="s"><v>0</v></c></row>', "row 7 .*A7"),
    ],
)
def test_a_footer_is_not_overwritten(tmp_path: Path, below: str, words: str) -> None:
    with pytest.raises(MergeRefused, match=words):
        write(Book(rows=ROWS + below), tmp_path, [], NEW, 6)


def test_new_rows_need_to_know_the_last(tmp_path: Path) -> None:
    with pytest.raises(MergeRefused, match="last package row"):
        write(Book(rows=ROWS), tmp_path, [], NEW)


def test_what_covered_the_last_row_grows(tmp_path: Path) -> None:
    after = (
        '<autoFilter ref="A3:C6"><sortState ref="A4:C6"/></autoFilter>'
        '<conditionalFormatting sqref="B4:B6 D1:D2"><cfRule type="expression"><formula>B4="x"</formula></cfRule>'
        '</conditionalFormatting><conditionalFormatting sqref="E1:E5"/><conditionalFormatting sqref="A:A"/>'
        '<dataValidations count="2"><dataValidation type="list" sqref="$C$4:$C$6"><formula1>"a"</formula1>'
        '</dataValidation><dataValidation sqref="C1"/></dataValidations>'
        "<extLst><ext><x14:conditionalFormattings><x14:conditionalFormatting><x14:cfRule><xm:f>A1</xm:f></x14:cfRule>"
        "<xm:sqref>B4:B6</xm:sqref></x14:conditionalFormatting></x14:conditionalFormattings><x14:dataValidations>"
        "<x14:dataValidation><xm:sqref>D2:D6 D9</xm:sqref></x14:dataValidation></x14:dataValidations>"
        "<x14:sparklineGroups><x14:sparkline><xm:f>B4:B6</xm:f><xm:sqref>B6</xm:sqref></x14:sparkline>"
        "</x14:sparklineGroups></ext></extLst>"
    )
    names = (
        '<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="0" hidden="1">\'Review\'!$A$3:$C$6'
        '</definedName><definedName name="_xlnm._FilterDatabase" localSheetId="1">Other!$A$3:$C$6</definedName>'
        '<definedName name="mine">Review!$A$3:$C$6</definedName></definedNames>'
    )
    book = Book(rows=ROWS, after=after, workbook_after=names)
    written = write(book, tmp_path, [], NEW, 6)
    expected = (
        after.replace('autoFilter ref="A3:C6"', 'autoFilter ref="A3:C8"')
        .replace('sortState ref="A4:C6"', 'sortState ref="A4:C8"')
        .replace('sqref="B4:B6 D1:D2"', 'sqref="B4:B8 D1:D2"')
        .replace('sqref="$C$4:$C$6"', 'sqref="C4:C8"')
        .replace("<xm:sqref>B4:B6</xm:sqref>", "<xm:sqref>B4:B8</xm:sqref>")
        .replace("D2:D6 D9", "D2:D8 D9")
    )
    assert expected in written.part()
    assert names.replace("$C$6", "$C$8", 1) in written.part(books.WORKBOOK)
    assert write(book, tmp_path, {"B4": "x"}).changed == {books.SHEET}


def test_a_table_grows_with_its_filter_and_sorting(tmp_path: Path) -> None:
    written = write(with_table("A3:C6"), tmp_path, [], NEW, 6)
    grown = table("A3:C8").replace("A4:C6", "A4:C8").replace("A4:A6", "A4:A8")
    assert written.part(TABLE) == grown
    assert set(written.report.changed_parts) == {books.SHEET, TABLE, books.STYLES}


def test_a_table_that_ends_elsewhere_stays(tmp_path: Path) -> None:
    for ref in ("A3:C5", "A3:C20", "E10:F20"):
        assert TABLE not in write(with_table(ref), tmp_path, [], NEW, 6).changed


def test_a_table_cannot_grow_over_its_totals_or_another(tmp_path: Path) -> None:
    with pytest.raises(MergeRefused, match="row 6 is the totals row of table T"):
        write(with_table("A3:C6", 'totalsRowCount="1"'), tmp_path, [], NEW, 6)
    with pytest.raises(MergeRefused, match="table T cannot grow to A3:C8: table Other is at C8:D9"):
        write(with_table("A3:C6", other="C8:D9"), tmp_path, [], [NewRow({"A": 1}), NewRow({"A": 2})], 6)
    beside = with_table("A3:B6", other="C3:D4")
    assert TABLE in write(beside, tmp_path, [], [NewRow({"A": 1})], 6).changed


@pytest.mark.parametrize(
    ("target", "words"),
    [("B3", "B3 belongs to the header of table T"), ("C6", "C6 belongs to the totals row of table T")],
)
def test_headers_and_totals_are_not_written(tmp_path: Path, target: str, words: str) -> None:
    book = with_table("A3:C6", 'totalsRowCount="1"')
    with pytest.raises(MergeRefused, match=words):
        write(book, tmp_path, {target: "x"})
    assert write(book, tmp_path, {"D3": "x", "B4": "y"}).report.cells == 2
    bare = with_table("A3:C6", 'headerRowCount="0"')
    assert write(bare, tmp_path, {"B3": "x"}).report.cells == 1


def test_a_header_that_already_says_so_is_no_change(tmp_path: Path) -> None:
    assert write(with_table("A3:C6"), tmp_path, {"B3": "pkg3", "B4": "x"}).report.cells == 1


@pytest.mark.parametrize("target", ["E4", "F4", "E5", "F5"])
def test_merged_ranges_are_not_written(tmp_path: Path, target: str) -> None:
    merges = '<mergeCells count="2"><mergeCell ref="E4:F5"/><mergeCell ref="G4"/></mergeCells>'
    book = Book(rows=ROWS, after=merges)
    with pytest.raises(MergeRefused, match=rf"{target} belongs to a merged range \(E4:F5\)"):
        write(book, tmp_path, {"A4": "x", target: "x"})
    assert merges in write(book, tmp_path, {"G4": "x", "D4": "x", "E6": "x", target: None}).part()


def test_pivot_tables_are_not_written(tmp_path: Path) -> None:
    pivot = f'<pivotTableDefinition xmlns="{books.MAIN}"><location ref="E3:G9"/></pivotTableDefinition>'
    book = Book(rows=ROWS, sheet_links=[("pivotTable", "/xl/pivot1.xml")], extra={"xl/pivot1.xml": pivot})
    with pytest.raises(MergeRefused, match="F5 belongs to a pivot table"):
        write(book, tmp_path, {"F5": "x"})


def test_a_table_without_a_readable_area_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MergeRefused, match=r"table1\.xml: 'nonsense' is no cell"):
        write(with_table("nonsense"), tmp_path, {"D4": "x"})


def test_a_custom_view_keeps_its_own_filter(tmp_path: Path) -> None:
    view = (
        '<customSheetViews><customSheetView guid="{A}"><autoFilter ref="A3:C6"/></customSheetView></customSheetViews>'
    )
    assert view in write(Book(rows=ROWS, after=view), tmp_path, [], NEW, 6).part()
