"""Values become cells as Excel and two independent readers understand them; text never becomes anything else."""

# ruff: noqa: DTZ001 - cells have no time zone

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904, from_excel
from python_calamine import CalamineWorkbook

from tasks.errors import MergeRefused
from tasks.workbook.model import CellValue, Formula
from tasks.workbook.values import MOST_UNITS, Kind, content_of, content_xml, date_serial, encode_text
from tests.workbook import books
from tests.workbook.books import Book, write

INJECTIONS = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "\t=1", "</t></is></c><c><f>1</f></c>", "&amp;<x>"]


def test_text_is_never_a_formula(tmp_path: Path) -> None:
    written = write(Book(), tmp_path, {f"A{row}": text for row, text in enumerate(INJECTIONS, 1)})
    sheet = load_workbook(written.target)["Review"]
    for row, text in enumerate(INJECTIONS, 1):
        cell = sheet.cell(row, 1)
        assert (cell.value, cell.data_type) == (text, "s")
    assert "<f>" not in written.part()


@given(st.text())
def test_encoded_text_says_the_same(text: str) -> None:
    encoded = encode_text(text)
    decoded = _decode(encoded)
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert decoded == "".join("\ufffd" if "\ud800" <= mark <= "\udfff" else mark for mark in expected)
    assert not any(mark < " " and mark not in "\t\n" for mark in encoded)


def _decode(text: str) -> str:
    """ECMA-376-1, 22.9.2.19, written down a second time."""
    out, place = "", 0
    while place < len(text):
        part = text[place : place + 7]
        if (
            len(part) == 7
            and part[:2] == "_x"
            and part[6] == "_"
            and all(c in "0123456789abcdefABCDEF" for c in part[2:6])
        ):
            out += chr(int(part[2:6], 16))
            place += 7
        else:
            out += text[place]
            place += 1
    return out


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("a\r\nb\rc", "a\nb\nc"),
        ("\x00\x1f\ufffe", "_x0000__x001F__xFFFE_"),
        ("_x000D_", "_x005F_x000D_"),
        ("_x00_ _xZZZZ_ _X000D_", "_x00_ _xZZZZ_ _X000D_"),
        ("\ud83d", "\ufffd"),
        ("a\tb\n", "a\tb\n"),
    ],
)
def test_encoding_by_example(text: str, encoded: str) -> None:
    assert encode_text(text) == encoded


@pytest.mark.parametrize("unit", ["x", "é", "😀", "\ud800"])
def test_long_text_is_cut_at_excels_limit(unit: str) -> None:
    def units(text: str) -> int:
        return len(text.encode("utf-16-le")) // 2

    cut = encode_text(unit * 40_000)
    assert cut.endswith("…")
    assert MOST_UNITS - 1 <= units(cut) <= MOST_UNITS
    fits = "x" * MOST_UNITS
    assert encode_text(fits) == fits


@pytest.mark.parametrize("text", [" a", "a ", "a\n", "\ta", "a  b", "a\nb"])
def test_blanks_are_kept(text: str) -> None:
    assert ' xml:space="preserve"' in content_xml(content_of(text, date1904=False), "")


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)))
def test_serials_agree_with_openpyxl(moment: datetime) -> None:
    serial = date_serial(moment, date1904=False)
    assert serial is not None
    assert abs(from_excel(serial) - moment) < timedelta(milliseconds=2)
    # openpyxl reads the first day itself as a time.
    later = max(moment, datetime(1904, 1, 2))
    serial = date_serial(later, date1904=True)
    assert abs(from_excel(serial, CALENDAR_MAC_1904) - later) < timedelta(milliseconds=2)


@pytest.mark.parametrize(
    ("moment", "date1904", "serial"),
    [
        (datetime(1900, 1, 1), False, 1),
        (datetime(1900, 2, 28), False, 59),
        (datetime(1900, 3, 1), False, 61),
        (datetime(2024, 1, 1, 12), False, 45292.5),
        (datetime(1904, 1, 1), True, 0),
        (datetime(2024, 1, 1, 12), True, 43830.5),
        (datetime(1899, 12, 31), False, None),
        (datetime(1903, 12, 31), True, None),
    ],
)
def test_serials_by_example(moment: datetime, date1904: bool, serial: float | None) -> None:
    assert date_serial(moment, date1904=date1904) == serial


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, Kind.EMPTY, ""),
        ("", Kind.EMPTY, ""),
        (0, Kind.NUMBER, "0"),
        (-1.5, Kind.NUMBER, "-1.5"),
        (2.0, Kind.NUMBER, "2"),
        (1e300, Kind.NUMBER, "1e+300"),
        (10**15, Kind.TEXT, "1000000000000000"),
        (float("nan"), Kind.TEXT, "nan"),
        (float("-inf"), Kind.TEXT, "-inf"),
        (True, Kind.BOOLEAN, "1"),
        (datetime(1800, 1, 1, 2, 3), Kind.TEXT, "1800-01-01 02:03:00"),
        (datetime(2024, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), Kind.NUMBER, "45292"),
        (datetime(2024, 1, 1, tzinfo=UTC), Kind.NUMBER, "45292"),
    ],
)
def test_kinds_by_example(value: CellValue, kind: Kind, text: str) -> None:
    content = content_of(value, date1904=False)
    assert (content.kind, content.text) == (kind, text)


def test_formulas_carry_their_cached_text(tmp_path: Path) -> None:
    formula = Formula('HYPERLINK(CONCATENATE("https://x/?q=",$B4,"&a=<"),"t")', " shown\x01 ")
    written = write(Book(), tmp_path, {"A1": formula, "A2": Formula("=B1", "")})
    assert load_workbook(written.target)["Review"]["A1"].value == f"={formula.expression}"
    assert load_workbook(written.target, data_only=True)["Review"]["A1"].value is not None
    rows = CalamineWorkbook.from_path(str(written.target)).get_sheet_by_name("Review").to_python()
    assert rows == [[" shown\x01 "], [""]]
    assert "<f>B1</f>" in written.part()


def test_a_formula_beyond_excels_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MergeRefused, match=r"A7: the formula is longer"):
        write(Book(), tmp_path, {"A7": Formula("1+" * 5_000 + "1", "")})


@pytest.mark.parametrize("date1904", [False, True])
def test_dates_follow_the_workbooks_day_zero(tmp_path: Path, date1904: bool) -> None:
    moment = datetime(2024, 5, 6, 7, 8, 9)
    flag = f'<workbookPr date1904="{int(date1904)}"/>'
    written = write(Book(workbook_before=flag), tmp_path, {"A1": moment})
    assert load_workbook(written.target)["Review"]["A1"].value == moment
    assert CalamineWorkbook.from_path(str(written.target)).get_sheet_by_name("Review").to_python() == [[moment]]


def test_a_date_keeps_a_date_format_and_gets_one_otherwise(tmp_path: Path) -> None:
    formats = {0: False, 1: True, 3: False, 4: True}
    cells = "".join(f'<c r="{letter}1" s="{style}"/>' for letter, style in zip("ABCD", formats, strict=True))
    moment = datetime(2024, 5, 6)
    written = write(Book(rows=f'<row r="1">{cells}</row>'), tmp_path, {f"{letter}1": moment for letter in "ABCD"})
    sheet = load_workbook(written.target)["Review"]
    assert [sheet[f"{letter}1"].number_format for letter in "ABCD"] == [
        "yyyy-mm-dd h:mm:ss",
        "yyyy\\-mm\\-dd",
        "yyyy-mm-dd h:mm:ss",
        "m/d/yy h:mm",
    ]
    assert all(sheet[f"{letter}1"].value == moment for letter in "ABCD")
    assert books.STYLES in written.changed
    again = write(written.target.rename(tmp_path / "first.xlsx"), tmp_path, {"A1": moment, "B1": moment, "C1": moment})
    assert again.target.read_bytes() == again.source.read_bytes()
