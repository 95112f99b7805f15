"""From a list to the workbook that is reviewed: made, or added to, and nothing else touched."""

from pathlib import Path

import openpyxl
import pytest

from flows.scan.__main__ import main
from flows.scan.importing import bring
from flows.scan.new_packages import NewPackage
from flows.scan.prepare import prepare
from flows.scan.request import ScanRequest
from tasks.errors import InputError, UsageError
from tasks.inputs.fitting import fit
from tasks.inputs.interface import Listing
from tasks.inputs.new_workbook import write_new_workbook
from tasks.review.model import PackageKey
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.model import Field, PackageRow
from tasks.workbook.reader import read_review
from tasks.workbook.versions import parse_installed


def key(name: str, version: str) -> PackageKey:
    found = parse_installed(version)
    return PackageKey(
        name=name, project=name.lower(), version=found.version, version_text=found.text, problem=found.problem
    )


def row(number: int, name: str, version: str) -> PackageRow:
    found = parse_installed(version)
    return PackageRow(number, name, name.lower(), found.text, found.version, found.problem)


def request(folder: Path, name: str, content: str | None = None, **more: object) -> ScanRequest:
    path = folder / name
    if content is not None:
        path.write_text(content)
    return ScanRequest.model_validate({"workbook": path, "data_dir": folder / "data", "offline": True, **more})


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"data"}


def test_a_new_workbook_is_read_again_as_it_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "new.xlsx"
    write_new_workbook(path, [key("Jinja2", "2.10"), key("b", "==1.*"), key("c", "")], LayoutWanted())

    book = read_review(path)
    assert [(one.row, one.name, one.version_text) for one in book.rows] == [
        (4, "Jinja2", "2.10"),
        (5, "b", "==1.*"),
        (6, "c", ""),
    ]
    assert set(book.layout.columns) == set(Field)
    sheet = openpyxl.load_workbook(path)["Packages"]
    assert (sheet["C5"].data_type, sheet["C4"].data_type, sheet["C4"].number_format) == ("s", "s", "@")
    assert (sheet["A4"].value, sheet["D4"].value) == (1, "https://pypi.org/project/jinja2/")


def test_a_new_workbook_has_the_layout_of_the_settings(tmp_path: Path) -> None:
    columns = {Field.PACKAGE_NAME: "D", Field.CURRENT_VERSION: "E", Field.RECOMMENDATION: "F"}
    wanted = LayoutWanted("Mine", header_row=1, data_start_row=3, columns=columns)
    write_new_workbook(tmp_path / "new.xlsx", [key("a", "1.0")], wanted)

    book = read_review(tmp_path / "new.xlsx", wanted)
    assert (book.layout.sheet, book.layout.columns, book.rows[0].row) == ("Mine", columns, 3)


def test_only_what_the_rows_lack_is_added_and_every_difference_is_told() -> None:
    rows = (row(4, "a", "1.0"), row(5, "B", "1.0"), row(6, "gone", "1"), row(7, "c", "3.1"), row(8, "d", "2"))
    listing = Listing("uv.lock", (key("a", "1.0.0"), key("b", "2.0"), key("c", ""), key("e", "5"), key("d", "2")))

    fitted = fit(listing, rows)
    assert [(one.name, one.version_text) for one in fitted.additions] == [("b", "2.0"), ("e", "5")]
    assert fitted.notes == (
        "uv.lock: 5 packages, 3 in the workbook already, 2 added",
        "b: row 5 says 1.0, uv.lock 2.0: a row was added, row 5 stays",
        "uv.lock does not list 1 package of the workbook; the rows stay: gone",
    )
    assert fit(Listing("uv.lock", (key("b", "1"), key("b", "2"))), rows).notes[1:2] == (
        "uv.lock does not list 4 packages of the workbook; the rows stay: a, gone, c, d",
    )


def test_a_package_that_somebody_added_meanwhile_is_not_added_again() -> None:
    rows = [row(4, "a", "1.0")]
    assert NewPackage(key("a", "1.0.0"), 5, one_version=True).is_in(rows)
    assert not NewPackage(key("a", "2.0"), 5, one_version=True).is_in(rows)
    assert NewPackage(key("a", "2.0"), 5).is_in(rows)
    assert not NewPackage(key("b", "2.0"), 5).is_in(rows)


def test_the_workbook_is_made_beside_the_list_or_at_output(tmp_path: Path) -> None:
    prepared = prepare(request(tmp_path, "uv.lock", 'version = 1\n[[package]]\nname = "a"\nversion = "1"\n'))
    assert prepared.target == tmp_path / "uv.lock.review.xlsx"
    assert prepared.request.output is None
    assert [one.name for one in prepared.keys] == ["a"]
    assert prepared.told == ("uv.lock: 1 package in the new workbook uv.lock.review.xlsx",)

    again = prepare(request(tmp_path, "uv.lock", output=tmp_path / "b" / "review.xlsx"))
    assert read_review(again.target).rows[0].name == "a"


def test_an_existing_workbook_is_added_to_and_not_written_yet(tmp_path: Path) -> None:
    target = tmp_path / "review.xlsx"
    write_new_workbook(target, [key("a", "1.0")], LayoutWanted())
    before = target.read_bytes()

    prepared = prepare(request(tmp_path, "requirements.txt", "a==1\nb==2\n", output=target))
    assert [one.name for one in prepared.additions] == ["b"]
    assert prepared.target == target
    assert target.read_bytes() == before


def test_names_choose_among_the_additions_too(tmp_path: Path) -> None:
    target = tmp_path / "review.xlsx"
    write_new_workbook(target, [key("a", "1.0")], LayoutWanted())

    prepared = prepare(request(tmp_path, "requirements.txt", "b==2\nc==3\n", output=target, packages=("B", "x")))
    assert [one.name for one in prepared.additions] == ["b"]
    assert prepared.selection.missing_names == ("x",)


def test_a_dry_run_makes_its_workbook_in_the_data_folder(tmp_path: Path) -> None:
    for content in ("a==1\n", "b==1\n"):
        prepared = prepare(request(tmp_path, "requirements.txt", content, dry_run=True))
        assert prepared.target.parent == tmp_path / "data" / "inputs"
        assert [one.name for one in prepared.keys] == [content[0]]
    assert files(tmp_path) == {"requirements.txt"}


@pytest.mark.parametrize("content", ["", "# nothing\n", "not a requirement file\n"])
def test_nothing_is_written_where_the_list_cannot_be_read(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError):
        prepare(request(tmp_path, "requirements.txt", content))
    assert [path.name for path in tmp_path.iterdir()] == ["requirements.txt"]


def test_a_workbook_that_was_made_goes_again_where_the_scan_cannot_begin(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--start-row 99"):
        prepare(request(tmp_path, "requirements.txt", "a==1\n", start_row=99))
    assert files(tmp_path) == {"requirements.txt"}


def test_a_file_that_is_no_review_workbook_is_never_written_over(tmp_path: Path) -> None:
    target = tmp_path / "budget.xlsx"
    openpyxl.Workbook().save(target)
    before = target.read_bytes()
    with pytest.raises(InputError, match=r"budget\.xlsx: no sheet has the headers"):
        prepare(request(tmp_path, "requirements.txt", "a==1\n", output=target))
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"output": "out.csv"}, r"--output .*out\.csv must end in \.xlsx"),
        ({"output": "new.xlsm"}, "a new workbook has no macros"),
        ({"json_file": "requirements.txt"}, r"--json .*requirements\.txt is the input itself"),
        ({"vex_file": "requirements.txt.review.xlsx"}, r"--vex .* is the workbook itself"),
        ({"vex_file": "a", "csv_file": "a"}, r"--csv .* is the file of --vex"),
        ({"csv_file": "."}, r"--csv .* is a folder"),
    ],
)
def test_wrong_words_are_refused_before_anything_is_made(tmp_path: Path, more: dict[str, str], said: str) -> None:
    named = {name: tmp_path / path for name, path in more.items()}
    with pytest.raises(UsageError, match=said):
        prepare(request(tmp_path, "requirements.txt", "a==1\n", **named))
    assert files(tmp_path) == {"requirements.txt"}


@pytest.mark.parametrize("flag", ["--report-only", "--changes-only", "--format-check-only"])
@pytest.mark.parametrize("word", ["--input", "--environment"])
def test_what_only_looks_at_a_workbook_wants_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str, word: str
) -> None:
    (tmp_path / "uv.lock").write_text("version = 1")
    assert main([word, str(tmp_path / "uv.lock"), flag, "--data-dir", str(tmp_path / "data")]) == 2
    assert "uv.lock: not a workbook, and nothing is looked up here" in capsys.readouterr().err


def test_a_copy_s_name_is_not_given_twice(tmp_path: Path) -> None:
    book, copy = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    write_new_workbook(book, [key("a", "1.0")], LayoutWanted())
    with pytest.raises(UsageError, match=r"--csv .*b\.xlsx is the workbook of --output"):
        prepare(request(tmp_path, "a.xlsx", output=copy, csv_file=copy))


def test_an_environment_needs_a_workbook_to_go_to(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--environment needs --output FILE\.xlsx"):
        bring(request(tmp_path, "python", environment=True))
