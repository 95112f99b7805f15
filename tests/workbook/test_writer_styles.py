"""Cell formats are cloned and appended; what a cell's format says beyond the change stays."""

from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell

from tasks.errors import MergeRefused
from tasks.workbook.model import CellStyle, CellUpdate
from tasks.workbook.numberformats import is_date_code, is_date_id
from tasks.workbook.styles import EMPTY_STYLES, MOST_FORMATS, StyleBook
from tests.workbook import books
from tests.workbook.books import STYLE_SHEET, Book, write

FULL = CellStyle(fill="E6FFE6", font="006600", bold=True, wrap=True)


def cell_of(path: Path, name: str) -> Cell:
    """openpyxl's view of a cell."""
    found = load_workbook(path)["Review"][name]
    assert isinstance(found, Cell)
    return found


@pytest.mark.parametrize("base", range(6))
def test_only_what_was_asked_for_changes(tmp_path: Path, base: int) -> None:
    book = Book(rows=f'<row r="1"><c r="A1" s="{base}"/><c r="B1" s="{base}"/></row>')
    written = write(book, tmp_path, [CellUpdate(1, "A", "x", FULL)])
    new, old = cell_of(written.target, "A1"), cell_of(written.target, "B1")
    assert (new.fill.fgColor.rgb, new.fill.fill_type) == ("FFE6FFE6", "solid")
    assert (new.font.color.rgb, new.font.b, new.alignment.wrap_text) == ("FF006600", True, True)
    assert (new.font.sz, new.font.name, new.font.i) == (old.font.sz, old.font.name, old.font.i)
    # openpyxl's style proxies are never equal, what they print is.
    assert (repr(new.border), repr(new.protection)) == (repr(old.border), repr(old.protection))
    assert new.number_format == old.number_format
    assert new.alignment.horizontal == old.alignment.horizontal
    assert new.quotePrefix == old.quotePrefix
    assert cell_of(written.source, "B1").style_id == old.style_id


def test_old_formats_keep_their_bytes(tmp_path: Path) -> None:
    written = write(Book(), tmp_path, [CellUpdate(1, "A", "x", FULL)])
    styles = written.part(books.STYLES)
    for section in ("cellXfs", "fonts", "fills"):
        old = STYLE_SHEET.split(f"<{section} ")[1].split(f"</{section}>")[0].partition(">")[2]
        new = styles.split(f"<{section} ")[1].split(f"</{section}>")[0].partition(">")[2]
        assert new.startswith(old)
        assert new != old
    assert 'cellXfs count="7"' in styles
    for section in ("borders", "cellStyleXfs", "cellStyles", "dxfs", "numFmts"):
        assert STYLE_SHEET.split(f"<{section}")[1].split(f"</{section}")[0] in styles


def test_equal_formats_are_made_once(tmp_path: Path) -> None:
    changes = [CellUpdate(row, "A", f"x{row}", FULL) for row in range(1, 30)]
    written = write(Book(), tmp_path, changes)
    assert written.part(books.STYLES).count("FFE6FFE6") == 1
    assert 'cellXfs count="7"' in written.part(books.STYLES)


def test_a_format_that_already_holds_is_left(tmp_path: Path) -> None:
    held = CellStyle(fill="ffe6e6", font="CC0000", bold=True, wrap=True)
    book = Book(rows='<row r="1"><c r="A1" s="2" t="s"><v>0</v></c></row>')
    written = write(book, tmp_path, [CellUpdate(1, "A", "plain", held)])
    assert written.target.read_bytes() == written.source.read_bytes()


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        (CellStyle(bold=False), '<font><i/><sz val="9"/><color rgb="FFCC0000"/><name val="Arial"/></font>'),
        (CellStyle(font="000000"), '<font><b/><i/><sz val="9"/><color rgb="FF000000"/><name val="Arial"/></font>'),
        (CellStyle(wrap=False), '<alignment horizontal="center" wrapText="0"/>'),
        (CellStyle(number_format="0.00"), 'numFmtId="2"'),
        (CellStyle(number_format="yyyy\\-mm\\-dd"), 'numFmtId="164"'),
        (CellStyle(number_format='0" <d>"'), '<numFmt numFmtId="165" formatCode=\'0" &lt;d&gt;"\'/>'),
    ],
)
def test_single_changes(tmp_path: Path, style: CellStyle, expected: str) -> None:
    book = Book(rows='<row r="1"><c r="A1" s="2"/></row>')
    written = write(book, tmp_path, [CellUpdate(1, "A", "x", style)])
    assert expected in written.part(books.STYLES).replace(STYLE_SHEET, "")
    load_workbook(written.target)


def test_prefixed_styles_get_prefixed_children(tmp_path: Path) -> None:
    tags = STYLE_SHEET.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:").replace("<x:?", "<?")
    styles = tags.replace("xmlns=", "xmlns:x=")
    book = Book(styles=styles, rows='<row r="1"><c r="A1" s="3"/><c r="B1"/></row>')
    written = write(book, tmp_path, [CellUpdate(1, "A", "x", FULL), CellUpdate(1, "B", "x", FULL)])
    assert '<x:font><x:b/><x:color rgb="FF006600"/></x:font>' in written.part(books.STYLES)
    assert '<x:alignment wrapText="1"/><x:protection locked="0"/></x:xf>' in written.part(books.STYLES)


@pytest.mark.parametrize("sections", ["fills", "numFmts", "fills,numFmts"])
def test_missing_sections_are_made(tmp_path: Path, sections: str) -> None:
    styles = STYLE_SHEET
    for name in sections.split(","):
        start = styles.index(f"<{name}")
        styles = styles[:start] + styles[styles.index(f"</{name}>") + len(name) + 3 :]
    style = CellStyle(fill="E6FFE6", number_format='0"%%"')
    written = write(Book(styles=styles), tmp_path, [CellUpdate(1, "A", "x", style)])
    cell = cell_of(written.target, "A1")
    assert (cell.fill.fgColor.rgb, cell.number_format) == ("FFE6FFE6", '0"%%"')
    order = [written.part(books.STYLES).index(f"<{name} ") for name in ("numFmts", "fonts", "fills", "cellXfs")]
    assert order == sorted(order)


@pytest.mark.parametrize("namespace", [books.MAIN, books.STRICT])
def test_a_workbook_without_styles_gets_some(tmp_path: Path, namespace: str) -> None:
    sheet = f'<worksheet xmlns="{namespace}"><sheetData/></worksheet>'
    book = Book(styles=None, namespace=namespace, sheet=sheet)
    written = write(book, tmp_path, [CellUpdate(1, "A", "x", FULL)])
    assert list(written.after)[-1] == books.STYLES
    assert f'<styleSheet xmlns="{namespace}">' in written.part(books.STYLES)
    assert "/xl/styles.xml" in written.part("xl/_rels/workbook.xml.rels") + written.part("[Content_Types].xml")
    if namespace == books.MAIN:
        assert cell_of(written.target, "A1").fill.fgColor.rgb == "FFE6FFE6"


def test_plain_values_need_no_styles(tmp_path: Path) -> None:
    assert write(Book(styles=None), tmp_path, {"A1": "x"}).changed == {books.SHEET}


def test_a_format_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MergeRefused, match="no cell format 99"):
        write(Book(rows='<row r="1"><c r="A1" s="99"/></row>'), tmp_path, [CellUpdate(1, "A", "x", FULL)])


def test_too_many_formats_are_refused() -> None:
    xf = b'<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    full = EMPTY_STYLES.replace(xf + b"</cellXfs>", xf * MOST_FORMATS + b"</cellXfs>")
    book = StyleBook(full, "styles.xml")
    assert book.resolve(5, None, dated=False) == 5
    with pytest.raises(MergeRefused, match="64000"):
        book.resolve(5, FULL, dated=False)


@pytest.mark.parametrize("colour", ["#FF0000", "FFFF0000", 'x"/><a/>', "12345"])
def test_colours_are_checked(colour: str) -> None:
    with pytest.raises(ValueError, match="RRGGBB"):
        StyleBook(EMPTY_STYLES, "styles.xml").resolve(0, CellStyle(fill=colour), dated=False)


@pytest.mark.parametrize("code", ["yyyy-mm-dd", "[h]:mm", "mm:ss.0", "[$-409]d/m;@", '"on" d', "h AM/PM", "[Red]yy"])
def test_date_codes(code: str) -> None:
    assert is_date_code(code)


@pytest.mark.parametrize(
    "code", ["General", "0.00", "@", '0 "days"', "[Red]0", "\\d0", "#,##0_d", "0.0E+00", "[Blue]@"]
)
def test_other_codes(code: str) -> None:
    assert not is_date_code(code)


def test_fixed_date_ids() -> None:
    assert [number for number in range(60) if is_date_id(number)] == [
        *range(14, 23),
        *range(27, 37),
        *range(45, 48),
        *range(50, 59),
    ]
