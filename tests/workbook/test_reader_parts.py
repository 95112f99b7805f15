"""What is looked up in the sheet's XML itself: its extent, unread cells, and parts that need a plainer copy."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.workbook.package import open_package
from tasks.workbook.reader import read_review
from tasks.workbook.reader_extent import looks_far, measure
from tasks.workbook.reader_plain import plain_copy
from tasks.workbook.reader_unread import find_unread
from tasks.workbook.versions import Unread
from tests.workbook import reader_books as books

START, END = "<worksheet><sheetData>", "</sheetData></worksheet>"


def pieces(xml: str, size: int) -> Iterator[bytes]:
    data = xml.encode()
    return (data[start : start + size] for start in range(0, len(data), size))


def extent(body: str) -> tuple[int, int]:
    found = measure([f"{START}{body}{END}".encode()], "sheet1.xml")
    return found.last_row, found.last_column


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize(
    ("reference", "far"),
    [
        ('r="A1"', False),
        ('r="CZ99999"', False),
        ("r='CZ99999'", False),
        ('r="DA1"', True),
        ('r="XFD1"', True),
        ('r="A100000"', True),
        ('s="1" r = "XFD1"', True),
        ("\tr='XFD1'", True),
        ('r="xfd1"', True),
        ('r="&#88;FD1"', True),
        ('header="0.5"', False),
    ],
)
def test_far_references_are_noticed_wherever_the_chunks_are_cut(reference: str, far: bool, size: int) -> None:
    xml = f'{START}<row r="1"><c {reference}><v>1</v></c></row>{END}'
    assert looks_far(pieces(xml, size)) is far


def test_only_cells_with_content_count() -> None:
    assert extent('<row r="9"><c r="XFD9" s="1"/></row>') == (0, 0)
    assert extent('<row r="2"><c r="C2"><v>1</v></c></row><row r="9"><c r="B9"><is/></c></row>') == (9, 3)
    assert extent("<row><c/><c><v>1</v></c></row><row/><row><c><v>1</v></c></row>") == (3, 2)
    assert extent('<row r="5"><c><v>1</v></c></row><row><c r="xfd6"><v>1</v></c></row>') == (6, 16384)


@pytest.mark.parametrize("cell", ['r="XFE1"', 'r="1"', 'r=""', 'r="A1B1"'])
def test_a_reference_that_is_none_is_refused(cell: str) -> None:
    with pytest.raises(InputError, match=r"sheet1\.xml"):
        extent(f"<row><c {cell}><v>1</v></c></row>")


UNREAD = """
<row r="4"><c r="A4"><f>1</f></c><c r="B4" t="e"><v>#REF!</v></c><c r="C4"><f>=3.8.5</f><v/></c></row>
<row r="5"><c t="e" r="C5"><f>NA()</f><v>#N/A</v></c></row>
<row r="6"><c r="B6" t="str"><f>A1&amp;""</f><v></v></c><c r="C6"><f>1+1</f><v>2</v></c></row>
<row r="7"><c r="B7" t="s"><v>0</v></c><c r="C7" s="1"/><c r="D7"><f>1</f></c></row>
<row r="8"><c r="BB8"><f>1</f></c><c r="C8" t="n"> <f t="shared" si="0"/></c></row>
"""
EXPECTED = {
    4: {"B": Unread("#REF!", is_error=True), "C": Unread("==3.8.5")},
    5: {"C": Unread("#N/A", is_error=True)},
    8: {"C": Unread("=")},
}


def without_references(xml: str) -> str:
    cells = {4: "ABC", 5: "..C", 6: ".BC", 7: ".BCD", 8: "..C"}
    out = xml.replace('<c r="BB8"><f>1</f></c>', "")
    for row, letters in cells.items():
        for letter in letters.replace(".", ""):
            out = out.replace(f' r="{letter}{row}"', "")
        start = out.index(f'<row r="{row}">') + len(f'<row r="{row}">')
        out = out[:start] + "<c/>" * letters.count(".") + out[start:]
    return out


@pytest.mark.parametrize("size", [1, 50, 10_000])
@pytest.mark.parametrize("change", [str, without_references])
def test_unread_cells_are_found_with_and_without_references(change: Callable[[str], str], size: int) -> None:
    xml = f"{START}{change(UNREAD)}{END}"
    assert find_unread(pieces(xml, size), "BC", "sheet1.xml") == EXPECTED


@pytest.mark.parametrize("size", [1, 10_000])
def test_unread_cells_are_found_under_a_prefix(size: int) -> None:
    xml = f"{START}{UNREAD}{END}".replace("</", "\0").replace("<", "<x:").replace("\0", "</x:")
    assert find_unread(pieces(xml, size), "BC", "sheet1.xml") == EXPECTED


def test_a_sheet_without_cells_has_no_unread_ones() -> None:
    assert find_unread([f"{START}{END}".encode()], "BC", "sheet1.xml") == {}


def test_errors_and_uncalculated_formulas_are_never_dropped_silently(tmp_path: Path) -> None:
    book = books.review(
        tmp_path / "b.xlsx", ("a", "==3.8.5"), ("b", "=VLOOKUP(B5,X!A:B,2)"), ("c", "x"), ("=A1", "1.0"), ("e", "1.0")
    )
    error = '<c r="C6" t="e"><v>#N/A</v></c>'
    below = '<row r="30"><c r="B30"><f>A1</f></c></row></sheetData>'
    books.rewrite(book, lambda xml: books.replace_cell(xml, "C6", error).replace("</sheetData>", below))
    read = read_review(book)
    assert [(row.name, row.version) for row in read.rows] == [("a", "3.8.5"), ("b", None), ("c", None), ("e", "1.0")]
    assert "without a stored result" in (read.rows[1].problem or "")
    assert "the error #N/A" in (read.rows[2].problem or "")
    assert [number for number, _ in read.odd_rows] == [7, 30]


def recoded(encoding: str) -> Callable[[str], bytes]:
    declaration = f'<?xml version="1.0" encoding="{encoding}"?>'
    return lambda xml: (declaration + xml.partition("?>")[2] if "?>" in xml else declaration + xml).encode(encoding)


ODD_SHEETS: dict[str, Callable[[str], str | bytes]] = {
    "UTF-16": recoded("utf-16"),
    "Latin-1": recoded("iso-8859-1"),
    "byte order mark": lambda xml: b"\xef\xbb\xbf" + xml.encode(),
    "CDATA in a value": lambda xml: books.replace_cell(xml, "C5", '<c r="C5"><v><![CDATA[1.5]]></v></c>'),
    "comment in a value": lambda xml: books.replace_cell(xml, "C5", '<c r="C5"><v>1<!-- <c> -->.5</v></c>'),
    "comments between rows": lambda xml: xml.replace('<row r="5"', '<!-- <row r="5"> --><?pi x?><row r="5"'),
    "no dimension": lambda xml: xml.replace("<dimension", "<!-- ").replace('"/><sheetViews', '" --><sheetViews'),
    "line breaks": lambda xml: xml.replace("><", ">\n<"),
    "single quotes": lambda xml: xml.replace('r="B5"', "r='B5'"),
    "dates as text": lambda xml: books.replace_cell(xml, "E5", '<c r="E5" t="d"><v>2024-05-06T07:08:09</v></c>'),
}


@pytest.mark.parametrize("change", ODD_SHEETS.values(), ids=ODD_SHEETS.keys())
def test_valid_but_unusual_sheets_read_the_same(tmp_path: Path, change: Callable[[str], str | bytes]) -> None:
    book = books.review(tmp_path / "b.xlsx", ("caf\u00e9", "x"), ("requests", 1.5, "a", "b"), ("flask", "1 & <2>"))
    plain = read_review(book)
    read = read_review(books.rewrite(book, change))
    assert [(row.row, row.name, row.version, row.problem) for row in read.rows] == [
        (row.row, row.name, row.version, row.problem) for row in plain.rows
    ]
    assert read.odd_rows == plain.odd_rows
    assert [row.version for row in read.rows] == [None, "1.5", None]


def test_strict_files_and_a_moved_workbook_part_read_the_same(tmp_path: Path) -> None:
    book = books.review(tmp_path / "b.xlsx", ("requests", "2.0"))
    parts = books.parts_of(book)
    names = {
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": (
            b"http://purl.oclc.org/ooxml/officeDocument/relationships"
        ),
        b"xl/workbook.xml": b"xl/book/main.xml",
        b'Target="styles.xml"': b'Target="../styles.xml"',
    }
    moved = {"xl/workbook.xml": "xl/book/main.xml", "xl/_rels/workbook.xml.rels": "xl/book/_rels/main.xml.rels"}
    changed = {}
    for name, data in parts.items():
        for old, new in names.items():
            data = data.replace(old, new)  # noqa: PLW2901
        changed[moved.get(name, name)] = data
    assert [row.name for row in read_review(books.pack(book, changed)).rows] == ["requests"]


def test_an_ordinary_workbook_needs_no_copy(tmp_path: Path) -> None:
    with open_package(books.review(tmp_path / "b.xlsx", ("requests", "2.0"))) as package:
        assert plain_copy(package) is None
