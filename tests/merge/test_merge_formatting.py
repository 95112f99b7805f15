"""The format check on real files: what looks wrong is listed, mended without touching a value, and then is right."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.styles.colors import Color

from tasks.errors import InputError
from tasks.merge.formatting import FormatIssue, check_formats, repairs
from tasks.review.meaning import Meaning
from tasks.workbook.headers import STANDARD_HEADERS
from tasks.workbook.looks import Look, looks_of
from tasks.workbook.model import KEEP, Field, ReviewWorkbook
from tasks.workbook.reader import LayoutWanted, read_review
from tasks.workbook.verify import verify_written
from tasks.workbook.writer import write_workbook
from tests.workbook.books import SHEET, Book, read_parts
from tests.workbook.test_writer_keep import without_styles

RISKY = "VULNERABLE - 1 CVE affects v1.0 (Highest: HIGH)"
PLAIN = Look(None, None, bold=False)


def painted(meaning: Meaning, *, bold: bool = True) -> tuple[PatternFill, Font]:
    fill, font = meaning.value
    return PatternFill("solid", fgColor=fill), Font(color=font, bold=bold)


def saved(path: Path, rows: list[Mapping[str, str | int]], looks: Mapping[str, Meaning] | None = None) -> Path:
    """A review workbook: one package a row from row 4 on, values by column letter, looks by cell name."""
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.title = "Review"
    for column, header in enumerate(STANDARD_HEADERS.values(), 1):
        sheet.cell(3, column).value = header
    for number, row in enumerate(rows, 4):
        for letter, value in ({"B": f"package-{number}", "C": "1.0"} | dict(row)).items():
            sheet[f"{letter}{number}"].value = value
    for name, meaning in (looks or {}).items():
        sheet[name].fill, sheet[name].font = painted(meaning)
    made.save(path)
    return path


def checked(path: Path) -> tuple[ReviewWorkbook, tuple[FormatIssue, ...]]:
    workbook = read_review(path)
    return workbook, check_formats(path, workbook)


def brief(issues: tuple[FormatIssue, ...]) -> dict[str, Meaning | None]:
    return {f"{issue.column}{issue.row}": issue.expected for issue in issues}


def mended(path: Path, folder: Path) -> Path:
    """The workbook with its issues mended, verified as every write is."""
    workbook, issues = checked(path)
    target = folder / "mended.xlsx"
    report = write_workbook(path, target, workbook.layout.sheet, repairs(issues))
    verify_written(path, target, workbook.layout.sheet, repairs(issues), report=report)
    return target


def test_every_wrong_look_is_listed_and_no_right_one(tmp_path: Path) -> None:
    texts = {
        "E": "Not Available",
        "M": "None found",
        "P": RISKY,
        "R": "None found",
        "T": "None found",
        "W": "✅ PROCEED",
    }
    right = {"M4": Meaning.SAFE, "R4": Meaning.RISK}
    path = saved(tmp_path / "book.xlsx", [{**texts, "V": "Error scanning Exploit-DB: x"}], right)
    _, issues = checked(path)
    assert brief(issues) == {
        "E4": Meaning.NOT_AVAILABLE,
        "P4": Meaning.RISK,
        "R4": Meaning.SAFE,
        "T4": Meaning.SAFE,
        "V4": Meaning.COULD_NOT_CHECK,
        "W4": Meaning.SAFE,
    }
    found = {issue.column: issue for issue in issues}
    assert found["R"].found == Look("FFE6E6", "CC0000", bold=True)
    assert (found["P"].package, found["P"].field, found["P"].text) == ("package-4", Field.NIST_NVD_RESULT, RISKY)


def test_unknown_wording_is_listed_without_an_expectation_and_not_mended(tmp_path: Path) -> None:
    path = saved(tmp_path / "book.xlsx", [{"P": "checked by Ann", "W": 5}], {"P4": Meaning.RISK})
    _, issues = checked(path)
    assert brief(issues) == {"P4": None, "W4": None}
    assert repairs(issues) == ()


@pytest.mark.parametrize("text", ["", "  ", "None", "null"])
def test_cells_that_say_nothing_are_passed_over(tmp_path: Path, text: str) -> None:
    _, issues = checked(saved(tmp_path / "book.xlsx", [{"P": text, "W": text, "E": text}]))
    assert issues == ()


def test_dates_and_other_columns_are_passed_over(tmp_path: Path) -> None:
    row = {"E": "2020-01-02", "F": "None found", "N": RISKY, "K": "https://github.com/a/b", "D": "Not Available"}
    _, issues = checked(saved(tmp_path / "book.xlsx", [row], {"N4": Meaning.SAFE}))
    assert issues == ()


@pytest.mark.parametrize("wrong", ["fill", "font", "bold"])
def test_fill_font_and_weight_count_each(tmp_path: Path, wrong: str) -> None:
    path = saved(tmp_path / "book.xlsx", [{"P": RISKY}], {"P4": Meaning.RISK})
    assert checked(path)[1] == ()
    made = load_workbook(path)
    cell = made["Review"]["P4"]
    if wrong == "fill":
        cell.fill = PatternFill("solid", fgColor="E6FFE6")
    else:
        cell.font = Font(color="CC0000" if wrong == "bold" else "006600", bold=wrong != "bold")
    made.save(path)
    assert brief(checked(path)[1]) == {"P4": Meaning.RISK}


def test_mending_leaves_no_issue_and_every_value(tmp_path: Path) -> None:
    rows: list[Mapping[str, str | int]] = [
        {"M": "None found", "P": RISKY, "N": "note", "W": "🚨 SECURITY RISK | 1 confirmed vulnerability found"},
        {"P": "checked by Ann", "R": '=IF(1,"None found","")', "E": "Not Available", "F": 3},
    ]
    path = saved(tmp_path / "book.xlsx", rows, {"M4": Meaning.RISK})
    target = mended(path, tmp_path)
    assert brief(checked(target)[1]) == {"P5": None}
    before, after = read_parts(path), read_parts(target)
    assert {name for name in before if before[name] != after[name]} == {SHEET, "xl/styles.xml"}
    assert without_styles(after[SHEET].decode()) == without_styles(before[SHEET].decode())
    assert load_workbook(target)["Review"]["R5"].value == '=IF(1,"None found","")'
    (tmp_path / "again").mkdir()
    again = mended(target, tmp_path / "again")
    assert again.read_bytes() == target.read_bytes()


def test_a_formula_s_result_is_judged_and_the_formula_kept(tmp_path: Path) -> None:
    rows = "".join(
        f'<c r="{letter}3" t="inlineStr"><is><t>{header}</t></is></c>'
        for letter, header in zip("ABCDEFGHIJKLMNOPQRSTUVW", STANDARD_HEADERS.values(), strict=True)
    )
    formula = '<c r="P4" t="str"><f>HYPERLINK("u","None found")</f><v>None found</v></c>'
    names = '<c r="B4" t="inlineStr"><is><t>a</t></is></c><c r="C4"><v>1</v></c>'
    path = Book(rows=f'<row r="3">{rows}</row><row r="4">{names}{formula}</row>').save(tmp_path / "book.xlsx")
    _, issues = checked(path)
    assert brief(issues) == {"P4": Meaning.SAFE}
    assert [update.value for update in repairs(issues)] == [KEEP]
    assert formula.partition("<f>")[2] in read_parts(mended(path, tmp_path))[SHEET].decode()


def test_a_field_without_a_column_is_not_looked_at(tmp_path: Path) -> None:
    path = saved(tmp_path / "book.xlsx", [{"P": RISKY}])
    columns = {Field.PACKAGE_NAME: "B", Field.CURRENT_VERSION: "C", Field.SNYK_RESULT: "P"}
    (issue,) = check_formats(path, read_review(path, LayoutWanted(columns=columns)))
    assert (issue.field, issue.column) == (Field.SNYK_RESULT, "P")
    del columns[Field.SNYK_RESULT]
    assert check_formats(path, read_review(path, LayoutWanted(columns=columns))) == ()


# Looks


def test_looks_in_sheets_of_every_kind(tmp_path: Path) -> None:
    unnamed = '<x:row><x:c/><x:c s="2"/></x:row>'
    cells = f'<x:row><x:c/></x:row><x:row r="4"><x:c s="2"><x:v>1</x:v></x:c><x:c r="C4" s="99"/></x:row>{unnamed}'
    sheet = (
        '<?xml version="1.0"?><x:worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f'<x:cols><x:col min="1" max="2"/></x:cols><x:sheetData>{cells}</x:sheetData></x:worksheet>'
    )
    path = Book(sheet=sheet.encode("utf-16")).save(tmp_path / "book.xlsx")
    red = Look("FFE6E6", "CC0000", bold=True)
    assert looks_of(path, "Review", {"A1", "A4", "B4", "C4", "A5", "B5", "Z9"}) == {
        "A1": PLAIN,
        "A4": red,
        "C4": PLAIN,
        "A5": PLAIN,
        "B5": red,
    }


def test_looks_without_a_styles_part_and_theme_colours(tmp_path: Path) -> None:
    bare = Book(rows='<row r="1"><c r="A1" s="3"/></row>', styles=None).save(tmp_path / "bare.xlsx")
    assert looks_of(bare, "Review", {"A1"}) == {"A1": PLAIN}
    path = saved(tmp_path / "theme.xlsx", [{"P": RISKY}])
    made = load_workbook(path)
    made["Review"]["P4"].fill = PatternFill("solid", fgColor=Color(theme=4))
    made["Review"]["P4"].font = Font(color=Color(theme=1), bold=True)
    made.save(path)
    assert looks_of(path, "Review", {"P4"}) == {"P4": Look(None, None, bold=True)}


@pytest.mark.parametrize(
    ("book", "words"),
    [
        (Book(name="Other"), 'no sheet "Review"'),
        (Book(sheet="<worksheet><sheetData>"), "is not well-formed XML"),
        (Book(rows='<row r="1"><c r="1A"/></row>'), "row 1 holds a cell named '1A'"),
    ],
)
def test_what_cannot_be_looked_at_is_said_in_one_line(tmp_path: Path, book: Book, words: str) -> None:
    with pytest.raises(InputError) as caught:
        looks_of(book.save(tmp_path / "book.xlsx"), "Review", {"A1"})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_no_cell_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no cell"):
        looks_of(Book().save(tmp_path / "book.xlsx"), "Review", {"A"})
