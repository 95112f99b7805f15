"""Whatever the workbook and the updates: other bytes stay, readers agree, and writing twice is writing once."""

import io
import re
import tempfile
from array import array
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from tasks.workbook.areas import Area, area_of, areas_of, cell_key, column_letters, column_number, first_key_inside
from tasks.workbook.model import CellStyle, CellUpdate, CellValue, Keep
from tasks.workbook.splicer import Splicer
from tasks.workbook.values import content_of
from tasks.workbook.verify import verify_written
from tasks.workbook.xmltree import utf8_chunks
from tests.workbook.books import SHEET, STYLE_SHEET, Book, Written, write

TEXT = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["=1+1", "@x", " a ", "_x0041_", "\r\n", "<&>"]
)
WILD = st.integers(-(10**17), 10**17) | st.floats()
# calamine gives up on numbers beyond its calendar in cells that show dates.
TAME = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)
STYLES = st.none() | st.builds(
    CellStyle,
    fill=st.sampled_from([None, "FFE6E6", "00FF00"]),
    font=st.sampled_from([None, "CC0000", "123456"]),
    bold=st.sampled_from([None, True, False]),
    wrap=st.sampled_from([None, True, False]),
    number_format=st.sampled_from([None, "0.00", "yyyy-mm-dd"]),
)
CELLS = st.tuples(st.integers(1, 8), st.sampled_from("ABCDEFG"))


def updates_with(numbers: "st.SearchStrategy[int | float]") -> "st.SearchStrategy[list[CellUpdate]]":
    """Updates of different cells."""
    values: st.SearchStrategy[CellValue] = TEXT | numbers | st.none()
    return st.dictionaries(CELLS, st.tuples(values, STYLES), max_size=12).map(
        lambda cells: [CellUpdate(row, column, value, style) for (row, column), (value, style) in cells.items()]
    )


UPDATES = updates_with(TAME)
WILD_UPDATES = updates_with(WILD)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cell_xml(name: str, kind: int, number: int) -> str:
    """One of several ways to write a cell."""
    style = f' s="{number % 6}"' if number % 2 else ""
    return (
        f'<c r="{name}"{style}/>',
        f'<c r="{name}"{style}><v>{number}</v></c>',
        f"<c  s='2' r='{name}' t='s' ><v>{number % 3}</v></c>",
        f'<c r="{name}" t="inlineStr"{style}><is><r><t>a</t></r><r><t>b &gt;</t></r></is></c>',
        f'<c r="{name}" t="str"><f>A1&amp;"x"</f><v>{number}</v></c>',
        f'\n  <!-- {name} --><c r="{name}" t="b"><v>1</v></c >',
        f'<c r="{name}" t="e" vm="1"><v>#N/A</v></c>',
    )[kind]


@st.composite
def sheets(draw: st.DrawFn) -> Book:
    """A small sheet with rows and cells in ascending order, some of them missing."""
    rows = ""
    for row in sorted(draw(st.sets(st.integers(1, 8), max_size=6))):
        letters = sorted(draw(st.sets(st.sampled_from("ABCDEFG"), max_size=5)))
        cells = "".join(
            cell_xml(f"{column}{row}", draw(st.integers(0, 6)), draw(st.integers(0, 99))) for column in letters
        )
        spans = draw(st.sampled_from(["", ' spans="1:3"', ' s="5" customFormat="1"']))
        rows += f'<row r="{row}"{spans}>{cells}</row>' if cells or draw(st.booleans()) else f'<row r="{row}"{spans} />'
    columns = draw(st.sampled_from(["", '<cols><col min="2" max="4" style="1"/></cols>']))
    return Book(rows=rows, before='<dimension ref="A1:B2"/>' + columns, styles=STYLE_SHEET)


def written_in(folder: str, book: Book, updates: list[CellUpdate]) -> Written:
    return write(book, Path(folder), updates)


@QUICK
@given(sheets(), UPDATES)
def test_other_cells_keep_their_bytes(book: Book, updates: list[CellUpdate]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = written_in(folder, book, updates)
        targets = {f"{change.column}{change.row}" for change in updates}
        before, after = (cells_by_name(parts[SHEET].decode()) for parts in (written.before, written.after))
        for name in before.keys() - targets:
            assert after[name] == before[name]
        assert after.keys() <= before.keys() | targets
        assert list(after) == sorted(after, key=lambda name: (int(name[1:]), name[0]))
        verify_written(written.source, written.target, "Review", updates, report=written.report)


def cells_by_name(sheet: str) -> dict[str, str]:
    """Each cell's raw XML; the sheets above hold no nested or tricky markup inside cells."""
    found = re.finditer(r"""<c\s[^>]*?r=["']([A-Z]+\d+)["'][^>]*?(?:/>|>.*?</c\s*>)""", sheet, re.DOTALL)
    return {match[1]: match[0] for match in found}


# openpyxl warns of dates that a random number and a random date format make.
@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date:UserWarning")
@QUICK
@given(sheets(), UPDATES)
def test_both_readers_see_the_values(book: Book, updates: list[CellUpdate]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = written_in(folder, book, updates)
        sheet = load_workbook(io.BytesIO(written.target.read_bytes()))["Review"]
        found = CalamineWorkbook.from_path(str(written.target)).get_sheet_by_name("Review")
        grid = found.to_python(skip_empty_area=False)
        for change in updates:
            assert not isinstance(change.value, Keep)
            content = content_of(change.value, date1904=False)
            seen = sheet[f"{change.column}{change.row}"]
            column = column_number(change.column) - 1
            other = grid[change.row - 1][column] if change.row <= len(grid) and column < len(grid[0]) else ""
            assert seen.data_type != "f"
            if isinstance(change.value, str) and change.value:
                assert seen.value == content.text
                assert other == change.value.replace("\r\n", "\n").replace("\r", "\n")
            elif content.text == "":
                assert seen.value is None
                assert other == ""


@QUICK
@given(sheets(), WILD_UPDATES)
def test_writing_twice_is_writing_once(book: Book, updates: list[CellUpdate]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = written_in(folder, book, updates)
        once = first.target.rename(Path(folder) / "once.xlsx")
        again = write(once, Path(folder), updates)
        assert again.target.read_bytes() == once.read_bytes()
        assert again.report.cells == 0


@QUICK
@given(sheets())
def test_merging_nothing_changes_nothing(book: Book) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written = written_in(folder, book, [])
        assert written.target.read_bytes() == written.source.read_bytes()


@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 9), st.binary(max_size=5))),
    st.data(),
)
def test_splicing_in_chunks_is_splicing_at_once(
    data: bytes, wishes: list[tuple[int, int, bytes]], draw: st.DataObject
) -> None:
    edits: list[tuple[int, int, bytes]] = []
    for start, length, new in sorted(wishes):
        if start >= (edits[-1][1] if edits else 0) and start + length <= len(data):
            edits.append((start, start + length, new))
    expected, place = b"", 0
    for start, end, new in edits:
        expected += data[place:start] + new
        place = end
    expected += data[place:]
    splicer, got, fed = Splicer(), b"", 0
    for edit in edits:
        while fed < edit[1]:
            size = draw.draw(st.integers(1, 50))
            splicer.feed(data[fed : fed + size])
            fed += size
        splicer.replace(*edit)
        got += splicer.drain(edit[1])
    splicer.feed(data[fed:])
    got += splicer.finish()
    assert got == expected
    numbers = splicer.spans.numbers
    for start, end, new_start, new_end in zip(*(numbers[side::4] for side in range(4)), strict=True):
        assert start <= end
        assert new_start <= new_end
    outside_old = b"".join(data[a:b] for a, b in gaps(numbers, 0, len(data)))
    outside_new = b"".join(expected[a:b] for a, b in gaps(numbers, 2, len(expected)))
    assert outside_old == outside_new


def gaps(numbers: "array[int]", side: int, end: int) -> list[tuple[int, int]]:
    """What lies between the spans."""
    starts, ends = numbers[side::4], numbers[side + 1 :: 4]
    return list(zip([0, *ends], [*starts, end], strict=True))


@given(st.integers(1, 16384))
def test_column_letters_round_trip(number: int) -> None:
    assert column_number(column_letters(number)) == number


AREAS = st.builds(
    lambda top, left, height, width: Area(top, left, top + height, left + width),
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(0, 9),
    st.integers(0, 9),
)


@given(AREAS, st.sets(st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_the_first_cell_inside_an_area(area: Area, cells: set[tuple[int, int]]) -> None:
    assert area_of(str(area)) == area
    keys = sorted(cell_key(*cell) for cell in cells)
    inside = [
        cell_key(row, column)
        for row, column in sorted(cells)
        if area.top <= row <= area.bottom and area.left <= column <= area.right
    ]
    assert first_key_inside(area, keys) == (inside[0] if inside else None)


def test_whole_columns_and_rows() -> None:
    assert list(areas_of("A:C $2:$3 B7")) == [Area(1, 1, 1_048_576, 3), Area(2, 1, 3, 16_384), Area(7, 2, 7, 2)]


@given(st.text(st.characters(codec="utf-16"), max_size=600), st.integers(1, 700), st.sampled_from(["utf-16", "utf-8"]))
def test_recoding_in_chunks(text: str, size: int, encoding: str) -> None:
    document = f'<?xml version="1.0" encoding="{encoding}"?><a>' + text.replace("<", "") + "</a>"
    data = document.encode(encoding)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    recoded = b"".join(utf8_chunks(chunks, "part")).decode()
    assert recoded.partition("?>")[2] == document.partition("?>")[2]
    assert 'encoding="UTF-8"' in recoded or encoding == "utf-8"
