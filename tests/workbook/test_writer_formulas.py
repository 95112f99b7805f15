"""Formulas of other cells survive: shared groups, arrays, the calculation chain and the recalculation on opening."""

from pathlib import Path

import pytest
from openpyxl import load_workbook

from tasks.errors import MergeRefused
from tasks.workbook.formulas import shift_formula
from tasks.workbook.model import CellStyle, CellUpdate, Formula
from tests.workbook import books
from tests.workbook.books import Book, write

CHAIN = "xl/calcChain.xml"


@pytest.mark.parametrize(
    ("formula", "rows", "columns", "moved"),
    [
        ("A1+$B2*C$3+$D$4", 2, 1, "B3+$B4*D$3+$D$4"),
        ("LOG10(A1)&\"A1\"&'My A1'!B2", 1, 0, "LOG10(A2)&\"A1\"&'My A1'!B3"),
        ("SUM(A:A,1:3,$A:B,$1:2)", 2, 1, "SUM(B:B,3:5,$A:C,$1:4)"),
        ("T1[[#This Row],[A1]]+T1[A1]+[1]Sheet1!A1", 1, 0, "T1[[#This Row],[A1]]+T1[A1]+[1]Sheet1!A2"),
        ("_xlfn.XLOOKUP(A1,Sheet2!C1:C9,name1,ZZZ1)", 1, 1, "_xlfn.XLOOKUP(B2,Sheet2!D2:D10,name1,ZZZ1)"),
        ("1E5+A1+1.5", 0, 3, "1E5+D1+1.5"),
        ("IF(A1=#REF!,TRUE,#N/A)", 1, 0, "IF(A2=#REF!,TRUE,#N/A)"),
        ('"it""s A1"&A1', 1, 0, '"it""s A1"&A2'),
        ("A1+B2", -1, 0, "#REF!+B1"),
        ("A1+A:B+2:3", 0, -1, "#REF!+#REF!+2:3"),
        ("XFD1048576+A1", 1, 1, "#REF!+B2"),
        ("'A1''s'!A1", 1, 0, "'A1''s'!A2"),
    ],
)
def test_shifting(formula: str, rows: int, columns: int, moved: str) -> None:
    assert shift_formula(formula, rows, columns) == moved


def shared_column(first: int, last: int) -> str:
    """Column E shares one formula, column F another, G holds plain values."""
    rows = ""
    for row in range(first, last + 1):
        e, f = '<f t="shared" si="0" ca="1"/>', '<f t="shared" si="1"/>'
        if row == first:
            e = f'<f t="shared" ref="E{first}:E{last}" si="0" ca="1">A{row}&amp;$B$1&amp;"A1"</f>'
            f = f'<f t="shared" ref="F{first}:F{last}" si="1">A{row}*2</f>'
        rows += (
            f'<row r="{row}"><c r="A{row}"><v>{row}</v></c><c r="E{row}" t="str">{e}<v>old</v></c>'
            f'<c r="F{row}">{f}<v>{row * 2}</v></c></row>'
        )
    return rows


def test_an_overwritten_first_cell_hands_its_formula_on(tmp_path: Path) -> None:
    written = write(Book(rows=shared_column(4, 7)), tmp_path, {"E4": "new"})
    assert '<f t="shared" si="0" ca="1"/>' not in written.row(5)
    assert '<f ref="E5:E7" t="shared" si="0" ca="1">A5&amp;$B$1&amp;"A1"</f><v>old</v>' in written.row(5)
    assert written.row(6) == _row(shared_column(4, 7), 6)
    before = load_workbook(written.source)["Review"]
    after = load_workbook(written.target)["Review"]
    for row in range(4, 8):
        assert after[f"F{row}"].value == before[f"F{row}"].value
        assert row == 4 or after[f"E{row}"].value == f'=A{row}&$B$1&"A1"'


def _row(rows: str, number: int) -> str:
    start = rows.index(f'<row r="{number}"')
    return rows[start : rows.index("</row>", start) + 6]


def test_several_first_cells_in_turn_and_whole_groups(tmp_path: Path) -> None:
    written = write(
        Book(rows=shared_column(4, 7)), tmp_path, {"E4": "a", "E5": "b", "F4": 1, "F5": 1, "F6": 1, "F7": 1}
    )
    assert '<f ref="E6:E7" t="shared" si="0" ca="1">A6&amp;$B$1&amp;"A1"</f>' in written.row(6)
    assert 'si="1"' not in written.part()


def test_a_dependent_that_is_a_target_but_keeps_its_formula_is_promoted(tmp_path: Path) -> None:
    rows = shared_column(4, 6).replace("<v>old</v>", "<v>5</v>")
    kept = CellUpdate(5, "F", "never", CellStyle(bold=True))
    written = write(Book(rows=rows), tmp_path, [CellUpdate(4, "F", "x"), kept])
    assert '<f ref="F6:F6" t="shared" si="1">A6*2</f>' in written.row(6).replace('ref="F6"', 'ref="F6:F6"')


def test_overwriting_a_dependent_changes_no_other(tmp_path: Path) -> None:
    written = write(Book(rows=shared_column(4, 7)), tmp_path, {"E5": "new", "E7": "new"})
    for row in (4, 6):
        assert written.row(row) == _row(shared_column(4, 7), row)


def test_groups_along_a_row_and_over_a_block(tmp_path: Path) -> None:
    dependent = '<f t="shared" si="0"/>'
    rows = "".join(
        f'<row r="{row}">'
        + "".join(
            f'<c r="{column}{row}">'
            + (f'<f t="shared" ref="B1:D2" si="0">A{row}+1</f>' if (column, row) == ("B", 1) else dependent)
            + "<v>1</v></c>"
            for column in "BCD"
        )
        + "</row>"
        for row in (1, 2)
    )
    written = write(Book(rows=rows), tmp_path, {"B1": 9})
    after = load_workbook(written.target)["Review"]
    assert [after[name].value for name in ("B1", "C1", "D1", "B2", "D2")] == [9, "=B1+1", "=C1+1", "=A2+1", "=C2+1"]


def test_a_group_that_begins_after_its_cells_is_refused(tmp_path: Path) -> None:
    rows = (
        '<row r="1"><c r="A1"><f t="shared" si="0"/></c></row>'
        '<row r="2"><c r="A2"><f t="shared" ref="A1:A2" si="0">B2</f></c></row>'
    )
    with pytest.raises(MergeRefused, match="shared formula 0"):
        write(Book(rows=rows), tmp_path, {"A2": 1})


@pytest.mark.parametrize(
    ("rows", "target"),
    [
        ('<row r="4"><c r="E4"><f t="array" ref="E4:E6">A1:A3</f><v>1</v></c></row>', "E4"),
        (
            '<row r="4"><c r="E4"><f t="array" ref="E4:E6">A1:A3</f></c></row><row r="5"><c r="E5"><v>1</v></c></row>',
            "E5",
        ),
        ('<row r="4"><c r="E4" cm="1"><f t="array" ref="E4:F9">SORT(A1:A3)</f></c></row>', "F9"),
        ('<row r="4"><c r="E4" cm="1"><f t="array" ref="E4">SORT(A1)</f></c></row>', "E4"),
        ('<row r="4"><c r="E4"><f t="dataTable" ref="E4:F5" dt2D="1" r1="A1" r2="A2"/></c></row>', "F5"),
    ],
)
def test_array_formulas_and_their_results_are_refused(tmp_path: Path, rows: str, target: str) -> None:
    with pytest.raises(MergeRefused, match=f"{target} belongs to an array formula"):
        write(Book(rows=rows), tmp_path, {target: "new"})
    beside = write(Book(rows=rows), tmp_path, {"G4": "new"})
    assert "<f t=" in beside.part()


def with_chain(rows: str, entries: str, **more: str) -> Book:
    """A book with a calculation chain."""
    chain = f'{books.HEAD}<calcChain xmlns="{books.MAIN}">{entries}</calcChain>'
    links, types = [("calcChain", "calcChain.xml")], {CHAIN: f"{books.TYPES}.calcChain+xml"}
    return Book(rows=rows, links=links, types=types, extra={CHAIN: chain}, **more)  # type: ignore[arg-type]


FORMULAS = '<row r="1"><c r="A1"><f>B1</f><v>1</v></c><c r="C1"><f>B1</f><v>1</v></c></row>'


def test_the_chain_loses_exactly_the_cells_that_lost_their_formula(tmp_path: Path) -> None:
    entries = '<c r="A1" i="3"/><c r="A1" i="7"/><c r="C1" l="1"/><c r="A1" i="8"/>'
    written = write(with_chain(FORMULAS, entries), tmp_path, {"A1": "x"})
    assert '<c r="A1" i="3"/><c i="7" r="C1" l="1"/><c r="A1" i="8"/>' in written.part(CHAIN)
    assert written.report.dropped_parts == ()
    assert load_workbook(written.target)["Review"]["C1"].value == "=B1"


def test_an_empty_chain_goes_with_its_relationship_and_type(tmp_path: Path) -> None:
    written = write(with_chain(FORMULAS, '<c r="A1" i="7"/><c r="C1"/>'), tmp_path, {"A1": "x", "C1": None})
    assert CHAIN not in written.after
    assert "calcChain" not in written.part("xl/_rels/workbook.xml.rels") + written.part("[Content_Types].xml")
    assert written.report.dropped_parts == (CHAIN,)


def test_the_chain_stays_where_a_formula_replaces_a_formula(tmp_path: Path) -> None:
    written = write(with_chain(FORMULAS, '<c r="A1" i="7"/><c r="C1"/>'), tmp_path, {"A1": Formula("B2", "x")})
    assert written.after[CHAIN] == written.before[CHAIN]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ('<calcPr calcId="1"/>', '<calcPr fullCalcOnLoad="1" calcId="1"/>'),
        ('<calcPr fullCalcOnLoad="0"></calcPr>', '<calcPr fullCalcOnLoad="1"></calcPr>'),
        ('<definedNames/><oleSize ref="A1"/>', '<definedNames/><calcPr fullCalcOnLoad="1"/><oleSize ref="A1"/>'),
        ("", '</sheets><calcPr fullCalcOnLoad="1"/></workbook>'),
    ],
)
def test_excel_is_told_to_recalculate(tmp_path: Path, after: str, expected: str) -> None:
    written = write(Book(rows=FORMULAS, workbook_after=after), tmp_path, {"D1": "x"})
    assert expected in written.part(books.WORKBOOK)


def test_workbooks_without_formulas_stay_as_they_are(tmp_path: Path) -> None:
    written = write(Book(workbook_after='<calcPr calcId="1"/>'), tmp_path, {"D1": "x"})
    assert written.changed == {books.SHEET}
    formula = write(Book(workbook_after='<calcPr calcId="1"/>'), tmp_path, {"D1": Formula("A1", "x")})
    assert formula.changed == {books.SHEET, books.WORKBOOK}


def test_formulas_on_other_sheets_count_too(tmp_path: Path) -> None:
    other = (
        f'<x:worksheet xmlns:x="{books.MAIN}"><x:sheetData><x:row r="1"><x:c r="A1"><x:f>Review!D1</x:f></x:c>'
        "</x:row></x:sheetData></x:worksheet>"
    )
    book = Book(
        links=[("worksheet", "/xl/worksheets/other.xml")],
        extra={"xl/worksheets/other.xml": other},
        workbook_after="<calcPr/>",
    )
    parts = book.parts()
    workbook = parts[books.WORKBOOK]
    assert isinstance(workbook, str)
    parts[books.WORKBOOK] = workbook.replace("</sheets>", '<sheet name="Other" sheetId="8" r:id="rId2"/></sheets>')
    source = books.save_parts(tmp_path / "two.xlsx", parts)
    assert 'fullCalcOnLoad="1"' in write(source, tmp_path, {"D1": "x"}).part(books.WORKBOOK)
