"""Names, odd rows and duplicates."""

import pickle
from datetime import datetime, time

import pytest

from tasks.workbook.model import Field
from tasks.workbook.rows import CellContent, RowCells, SheetRow, collect_rows, parse_name
from tasks.workbook.versions import Unread

F = Field
FIELDS = (F.INDEX, F.PACKAGE_NAME, F.CURRENT_VERSION, F.NOTES)


def row(number: int, name: CellContent, version: CellContent = "1.0", **more: CellContent) -> SheetRow:
    return SheetRow(number, RowCells(FIELDS, (more.get("index"), name, version, more.get("notes"))))


@pytest.mark.parametrize(
    ("cell", "name", "project"),
    [
        (" PyYAML ", "PyYAML", "pyyaml"),
        ("numpy\xa0", "numpy", "numpy"),
        ("\u200bzope.interface\n", "zope.interface", "zope-interface"),
        ("scikit_learn", "scikit_learn", "scikit-learn"),
        ("Foo.-_Bar", "Foo.-_Bar", "foo-bar"),
        ("requests[socks]", "requests[socks]", "requests"),
        ("requests [socks, security]", "requests [socks, security]", "requests"),
        ("2", "2", "2"),
    ],
)
def test_a_name_keeps_its_text_and_gets_its_pep_503_form(cell: str, name: str, project: str) -> None:
    parsed = parse_name(cell)
    assert (parsed.text, parsed.project, parsed.problem) == (name, project, None)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("scikit learn", "it may not hold a blank"),
        ("caf\u00e9", "é (U+00E9)"),
        ("python\u2013dateutil", "– (U+2013)"),
        ("#N/A", "may not hold # (U+0023), / (U+002F)"),
        ("-requests", "must begin and end with a letter or a digit"),
        ("requests==2.0", "is a requirement"),
        ("requests @ https://example.org/x.whl", "is a requirement"),
        (7, "holds the number 7"),
        (7.5, "holds the number 7.5"),
        (True, "holds the logical value TRUE"),
        (datetime.fromisoformat("2022-12-07"), "holds the date or time 2022-12-07"),
        (time(1), "holds the date or time 01:00:00"),
        (Unread("#REF!", is_error=True), "holds the error #REF!"),
        (Unread("=A1"), "without a stored result"),
    ],
)
def test_what_is_no_name_says_why(cell: object, words: str) -> None:
    parsed = parse_name(cell)
    assert parsed.project == ""
    assert parsed.problem is not None
    assert words in parsed.problem


@pytest.mark.parametrize("cell", [None, "", " \xa0\u200b\n"])
def test_a_blank_name_is_no_problem_by_itself(cell: object) -> None:
    assert parse_name(cell).problem is None
    assert parse_name(cell).project == ""


def test_rows_are_sorted_into_packages_odd_and_blank() -> None:
    rows = [
        row(4, "requests", "2.0"),
        row(5, None, None),
        row(6, " ", "1.2"),
        row(7, None, None, index=7),
        row(8, None, None, notes="ask Ann"),
        SheetRow(9, RowCells(FIELDS, (None,) * 4), elsewhere="Printed by Ann"),
        row(10, "two words", None),
        SheetRow(11, RowCells(FIELDS, (None,) * 4), unread={F.CURRENT_VERSION: Unread("#N/A", is_error=True)}),
    ]
    packages, odd = collect_rows(rows)
    assert [(package.row, package.name) for package in packages] == [(4, "requests")]
    assert odd == (
        (6, 'row 6: no package name but version "1.2"; skipped'),
        (7, 'row 7: no package name but index "7"; skipped'),
        (8, 'row 8: no package name but notes "ask Ann"; skipped'),
        (9, 'row 9: no package name but "Printed by Ann"; skipped'),
        (10, 'row 10: "two words" is not a package name: it may not hold a blank; skipped'),
        (11, 'row 11: no package name but version "#N/A"; skipped'),
    )


def test_a_wrong_name_beside_a_version_is_a_package_that_is_not_named() -> None:
    rows = [row(4, "numpy==1.0", "1.0"), row(5, "two words", 1.5), row(6, "two words", 1.5), row(7, 7, "1.0")]
    packages, odd = collect_rows(rows)
    assert [(p.row, p.name, p.project, p.version, p.version_text) for p in packages] == [
        (4, "numpy==1.0", "numpy==1.0", None, "1.0"),
        (5, "two words", "two words", None, "1.5"),
        (6, "two words", "two words", None, "1.5"),
    ]
    assert not any(package.is_named for package in packages)
    assert packages[0].problem is not None
    assert "put the version into its own column" in packages[0].problem
    assert [number for number, _ in odd] == [7]


def test_duplicates_point_to_the_first_row_of_the_same_name_and_version() -> None:
    rows = [
        row(4, "PyYAML", "5.3"),
        row(5, "pyyaml", "5.4"),
        row(6, "Py_YAML", "5.3"),
        row(7, "pyyaml", 5.3),
        row(8, "pyyaml", "5.3.0"),
        row(9, "pyyaml", "latest"),
        row(10, "pyyaml", "latest"),
        row(11, "pyyaml", "NEW"),
        row(12, "pyyaml", "new"),
        row(13, "yaml", "5.3"),
    ]
    packages, _ = collect_rows(rows)
    found = {package.row: package.duplicate_of for package in packages}
    # Py_YAML is the project py-yaml, another one.
    assert found == {4: None, 5: None, 6: None, 7: 4, 8: 4, 9: None, 10: None, 11: None, 12: 11, 13: None}


def test_row_cells_are_a_mapping_of_every_mapped_column() -> None:
    cells = row(4, "requests", "2.0", index=1).cells
    assert dict(cells) == {F.INDEX: 1, F.PACKAGE_NAME: "requests", F.CURRENT_VERSION: "2.0", F.NOTES: None}
    assert cells == dict(cells)
    assert cells.get(F.RECOMMENDATION) is None
    with pytest.raises(KeyError):
        cells[F.RECOMMENDATION]
    assert pickle.loads(pickle.dumps(cells)) == cells  # noqa: S301 - our own bytes
