"""Cells are replaced and inserted where they belong; every other byte of the sheet stays."""

from pathlib import Path

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from tasks.errors import MergeRefused
from tasks.workbook.model import CellStyle, CellUpdate, CellValue
from tests.workbook import books
from tests.workbook.books import Book, write

ROWS = (
    '<row r="3"><c r="A3" t="s"><v>0</v></c></row>'
    '<row r="4" spans="1:4"><c r="A4"><v>1</v></c><c r="B4" s="2" t="s"><v>1</v></c><c r="D4"><v>7</v></c></row>'
)


def test_a_cell_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    written = write(Book(rows=ROWS), tmp_path, {"D4": "new"})
    expected = books.Book(rows=ROWS).parts()[books.SHEET]
    old, new = '<c r="D4"><v>7</v></c>', '<c r="D4" t="inlineStr"><is><t>new</t></is></c>'
    assert isinstance(expected, str)
    assert written.part() == expected.replace(old, new)
    assert written.changed == {books.SHEET}
    assert written.report.changed_parts == (books.SHEET,)
    assert written.report.cells == 1


def test_no_change_gives_the_same_file(tmp_path: Path) -> None:
    held: dict[str, CellValue] = {"A3": "plain", "B4": "rich text", "D4": 7, "C4": None, "Z99": None}
    written = write(Book(rows=ROWS), tmp_path, held)
    assert written.target.read_bytes() == written.source.read_bytes()
    assert written.report.changed_parts == ()
    assert len(written.report.spans) == 0


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('<c r="A1" t="s"><v>2</v></c>', " <odd> _x0041_"),
        ('<c r="A1" t="str"><v>x</v></c>', "x"),
        ('<c r="A1" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>', "ab"),
        ('<c r="A1" t="b"><v>1</v></c>', True),
        ('<c r="A1"><v>1.50</v></c>', 1.5),
        ('<c r="A1" t="n"><v>7E0</v></c>', 7),
        ('<c r="A1" s="1"/>', None),
        ('<c r="A1"><v/></c>', None),
        ('<c r="A1" t="inlineStr"><is><t/></is></c>', ""),
    ],
)
def test_values_that_already_hold_are_left(tmp_path: Path, cell: str, value: CellValue) -> None:
    written = write(Book(rows=f'<row r="1">{cell}</row>'), tmp_path, {"A1": value})
    assert written.target.read_bytes() == written.source.read_bytes()


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="A1" t="e"><v>#N/A</v></c>',
        '<c r="A1" t="b"><v>0</v></c>',
        '<c r="A1" t="d"><v>2024-01-01T00:00:00</v></c>',
        '<c r="A1" t="n"><v/></c>',
        '<c r="A1" t="s"><v>1</v></c>',
        "<c r='A1' t='s'  ><v >0</v ></c >",
        '<c r="A1"></c>',
        '<c r="A1"/>',
        '<c r="A1" t="str"><f>B1</f><v>x</v></c>',
        '<c r="A1"><!-- a > b --><v>1</v><?pi x?></c>',
        '<c r="A1" t="str"><v><![CDATA[</c><v>]]></v></c>',
    ],
)
def test_every_kind_of_cell_is_replaced_whole(tmp_path: Path, cell: str) -> None:
    rows = f'<row r="1">{cell}<c r="B1"><v>5</v></c></row>'
    written = write(Book(rows=rows), tmp_path, {"A1": "new"})
    assert written.row(1) == '<row r="1"><c r="A1" t="inlineStr"><is><t>new</t></is></c><c r="B1"><v>5</v></c></row>'


def test_format_stays_and_what_described_the_old_value_goes(tmp_path: Path) -> None:
    cell = (
        '<c r="A1" s="2" t="e" vm="1" cm="1" ph="1" x="kept &gt; it"><v>#VALUE!</v><extLst><ext uri="u"/></extLst></c>'
    )
    written = write(Book(rows=f'<row r="1">{cell}</row>'), tmp_path, {"A1": "new"})
    kept = '<c r="A1" x="kept &gt; it" s="2" t="inlineStr"><is><t>new</t></is><extLst><ext uri="u"/></extLst></c>'
    assert kept in written.part()


def test_an_emptied_cell_keeps_its_format(tmp_path: Path) -> None:
    written = write(Book(rows='<row r="1"><c r="A1" s="2" t="s"><v>0</v></c></row>'), tmp_path, {"A1": None})
    assert '<c r="A1" s="2"/>' in written.part()


def test_cells_are_inserted_in_column_order_and_spans_widened(tmp_path: Path) -> None:
    written = write(Book(rows=ROWS), tmp_path, {"C4": 1, "E4": 2, "AA4": 3, "B5": 4, "B2": 5, "B3": 6})
    row = written.row(4)
    assert [row.index(f'r="{name}"') for name in ("A4", "B4", "C4", "D4", "E4", "AA4")] == sorted(
        row.index(f'r="{name}"') for name in ("A4", "B4", "C4", "D4", "E4", "AA4")
    )
    assert '<row r="4" spans="1:27">' in row
    assert written.row(3).endswith('<c r="B3"><v>6</v></c></row>')
    sheet = written.part()
    assert [sheet.index(f'<row r="{number}"') for number in (2, 3, 4, 5)] == sorted(
        sheet.index(f'<row r="{number}"') for number in (2, 3, 4, 5)
    )


@pytest.mark.parametrize(
    "rows", ["", '<row r="4"/>', '<row r="4" ht="20" customHeight="1" />', '<row r="4"></row>', '<row r="9"/>']
)
def test_cells_find_a_place_in_rows_without_cells(tmp_path: Path, rows: str) -> None:
    written = write(Book(rows=rows), tmp_path, {"C4": "x", "B4": "y"})
    sheet = load_workbook(written.target)["Review"]
    assert (sheet["B4"].value, sheet["C4"].value) == ("y", "x")
    assert ("customHeight" in rows) == ("customHeight" in written.part())


@pytest.mark.parametrize("data", ["<sheetData/>", "<sheetData></sheetData>", "<sheetData>\n</sheetData>"])
def test_a_sheet_without_rows_gets_one(tmp_path: Path, data: str) -> None:
    sheet = f'<worksheet xmlns="{books.MAIN}">{data}<pageMargins/></worksheet>'
    written = write(Book(sheet=sheet), tmp_path, {"C4": "x"})
    assert load_workbook(written.target)["Review"]["C4"].value == "x"
    assert written.part().endswith("</sheetData><pageMargins/></worksheet>")


def test_rows_and_cells_without_references_are_counted(tmp_path: Path) -> None:
    rows = '<row><c><v>1</v></c><c t="s"><v>0</v></c></row><row r="4"><c r="B4"/><c><v>5</v></c></row><row><c/></row>'
    written = write(Book(rows=rows), tmp_path, {"B1": "b1", "C4": "c4", "A5": "a5", "D1": "d1"})
    grid = CalamineWorkbook.from_path(str(written.target)).get_sheet_by_name("Review").to_python(skip_empty_area=False)
    assert grid[0][:4] == [1.0, "b1", "", "d1"]
    assert grid[3][2] == "c4"
    assert grid[4][0] == "a5"
    assert '<c t="inlineStr"><is><t>b1</t></is></c>' in written.part()


@pytest.mark.parametrize("namespace", [books.MAIN, books.STRICT])
def test_prefixed_and_strict_sheets(tmp_path: Path, namespace: str) -> None:
    sheet = (
        f'<x:worksheet xmlns:x="{namespace}"><x:dimension ref="A1"/><x:sheetData>'
        '<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    written = write(Book(sheet=sheet, namespace=namespace), tmp_path, {"A1": "a", "B1": "b", "A2": "c"})
    assert written.part() == (
        f'<x:worksheet xmlns:x="{namespace}"><x:dimension ref="A1:B2"/><x:sheetData>'
        '<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c>'
        '<x:c r="B1" t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
        '<x:row r="2"><x:c r="A2" t="inlineStr"><x:is><x:t>c</x:t></x:is></x:c></x:row></x:sheetData></x:worksheet>'
    )


def test_rows_may_declare_their_own_prefix(tmp_path: Path) -> None:
    sheet = (
        f'<worksheet xmlns="{books.MAIN}"><sheetData><q:row xmlns:q="{books.MAIN}" r="1"><q:c r="A1"/></q:row>'
        f'<row r="2"><z:c xmlns:z="{books.MAIN}" r="A2"><z:v>1</z:v></z:c></row></sheetData></worksheet>'
    )
    written = write(Book(sheet=sheet), tmp_path, {"A1": "a", "B1": "b", "A2": "c"})
    grid = CalamineWorkbook.from_path(str(written.target)).get_sheet_by_name("Review").to_python()
    assert grid == [["a", "b"], ["c", ""]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "iso-8859-1", "windows-1252"])
def test_other_encodings_become_utf8(tmp_path: Path, encoding: str) -> None:
    label = "UTF-16" if encoding == "utf-16-le" else encoding
    text = (
        f'<?xml version="1.0" encoding="{label}"?><worksheet xmlns="{books.MAIN}"><sheetData><row r="1">'
        '<c r="A1" t="inlineStr"><is><t>é</t></is></c><c r="B1"/></row></sheetData></worksheet>'
    )
    written = write(Book(sheet=text.encode(encoding)), tmp_path, {"B1": "ü€"})
    sheet = load_workbook(written.target)["Review"]
    assert (sheet["A1"].value, sheet["B1"].value) == ("é", "ü€")
    assert 'encoding="UTF-8"' in written.part()


def test_byte_order_mark_comments_and_blanks_stay(tmp_path: Path) -> None:
    rows = '\n <!-- <row r="1"> -->\n <row r="1">\n  <c r="A1">\n <v>1</v> </c>\n\t<c r="C1"/></row>\n<?pi row?>\n'
    sheet = f'\ufeff<worksheet xmlns="{books.MAIN}"><sheetData>{rows}</sheetData><!-- end --></worksheet>'
    written = write(Book(sheet=sheet.encode()), tmp_path, {"A1": 2, "B1": 3})
    old, new = '<c r="A1">\n <v>1</v> </c>', '<c r="A1"><v>2</v></c>'
    expected = sheet.replace(old, new).replace('<c r="C1"/>', '<c r="B1"><v>3</v></c><c r="C1"/>')
    assert written.part() == expected


def test_a_cell_larger_than_every_chunk(tmp_path: Path) -> None:
    long = "long text " * 60_000
    rows = f'<row r="1"><c r="A1" t="str"><v>{long}</v></c><c r="B1"><v>1</v></c></row>'
    written = write(Book(rows=rows), tmp_path, {"B1": 2})
    assert written.part().count(long) == 1
    assert '<c r="B1"><v>2</v></c>' in written.part()


def test_new_cells_take_the_format_of_row_or_column(tmp_path: Path) -> None:
    columns = '<cols><col min="1" max="2" style="1"/><col min="3" max="16384" style="5"/></cols>'
    rows = '<row r="1" s="2" customFormat="1"><c r="A1"/></row><row r="2" s="2"><c r="A2"/></row>'
    written = write(Book(rows=rows, before=columns), tmp_path, {"B1": "x", "B2": "x", "C3": "x"})
    assert '<c r="B1" s="2" t="inlineStr">' in written.part()
    assert '<c r="B2" s="1" t="inlineStr">' in written.part()
    assert '<c r="C3" s="5" t="inlineStr">' in written.part()


def test_only_the_format_changes_where_the_value_holds(tmp_path: Path) -> None:
    change = CellUpdate(4, "B", "rich text", CellStyle(fill="00FF00"))
    written = write(Book(rows=ROWS), tmp_path, [change])
    assert '<c r="B4" s="6" t="s"><v>1</v></c>' in written.part()
    assert written.changed == {books.SHEET, books.STYLES}


def test_updates_may_come_in_any_order(tmp_path: Path) -> None:
    straight = write(Book(rows=ROWS), tmp_path, {"A4": 2, "C4": 3, "A9": 4}).after
    turned = write(Book(rows=ROWS), tmp_path, {"A9": 4, "C4": 3, "A4": 2}).after
    assert straight == turned


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ('<row r="5"/><row r="4"><c r="A4"/></row>', "row 4 after row 5"),
        ('<row r="4"/><row r="4"><c r="A4"/></row>', "row 4 after row 4"),
        ('<row r="4"><c r="B4"/><c r="A4"/></row>', "A4 out of order"),
        ('<row r="4"><c r="A5"/></row>', "A5 out of order"),
        ('<row r="4"><c r="A4"/><c r="A4"/></row>', "A4 out of order"),
        ('<row r="4"><c r="4A"/></row>', "'4A'"),
        ('<row r="4"><x14:alt><c r="A4"/></x14:alt></row>', "inside other elements"),
        ('<x14:alt><row r="4"/></x14:alt>', "inside other elements"),
    ],
)
def test_sheets_out_of_order_are_refused(tmp_path: Path, rows: str, words: str) -> None:
    with pytest.raises(MergeRefused, match=words):
        write(Book(rows=rows), tmp_path, {"A4": "x"})


def test_a_cell_named_twice_or_outside_is_refused(tmp_path: Path) -> None:
    for cells in ([("A", 4), ("A", 4)], [("XFE", 4)], [("A", 0)], [("A", 1_048_577)], [("4", 4)]):
        with pytest.raises(MergeRefused, match="nothing was written"):
            write(Book(rows=ROWS), tmp_path, [CellUpdate(row, column, "x") for column, row in cells])
