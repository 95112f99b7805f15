"""The findings workbook: a new one, and one that people have worked in."""

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from flows.ioc.__main__ import exit_code
from tasks.errors import MergeRefused
from tasks.files.journal import commit_merge
from tasks.findingsbook.plan import BookPlan, plan_findings
from tasks.findingsbook.tables import tables_of
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryRecord, RepositoryStatus
from tasks.merge.commit import write_changes
from tasks.reports.findings import IocMetrics, IocResult

NASTY = '=HYPERLINK("https://example.org","x")\x07\ud800'
NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001  naive UTC by contract


def finding(repository: str = "acme/one", path: str = "yarn.lock", name: str = "evil", **more: Any) -> Finding:
    source = "https://example.org/1"
    return Finding(repository, path, "npm", name, "1.0.0", "MAL-1", source, f"pkg:npm/{name}@1.0.0", **more)


def result(*findings: Finding, read: tuple[str, ...] = ("acme/one", "acme/two"), **more: Any) -> IocResult:
    """A scan that read yarn.lock of every repository in `read`."""
    files = tuple(FileRecord(name, "yarn.lock", "0" * 40, FileStatus.SCANNED, None, 3) for name in read)
    repositories = tuple(RepositoryRecord(name, RepositoryStatus.SCANNED, "c" * 40, 1) for name in read)
    made = IocResult("s", "github:acme", NAIVE, NAIVE, findings, (), files, repositories, IocMetrics(), 1)
    return dataclasses.replace(made, **more)


@dataclasses.dataclass
class Book:
    """The workbook of a folder."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / "findings.xlsx"

    def merge(self, found: IocResult, **how: bool) -> BookPlan:
        self.folder.joinpath("scratch").mkdir(exist_ok=True)
        plan = plan_findings(
            self.path,
            tables_of(found, **how),
            scratch=self.folder / "scratch",
            backups=self.folder / "backups",
            scan_id="s",
            now=NAIVE,
        )
        write_changes(plan.merge)
        commit_merge(plan.merge.journal)
        return plan

    def rows(self, sheet: str = "Findings") -> list[dict[str, Any]]:
        headers, *rows = openpyxl.load_workbook(self.path)[sheet].iter_rows(values_only=True)
        return [dict(zip(map(str, headers), row, strict=True)) for row in rows if any(row)]

    def statuses(self) -> dict[tuple[str, str], str]:
        return {(row["Repository"], row["Package"]): row["Status"] for row in self.rows()}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def test_a_new_workbook_has_findings_coverage_repositories_and_files(book: Book) -> None:
    failed = FileRecord("acme/one", "bad.json", "1" * 40, FileStatus.FAILED, "not JSON")
    lost = RepositoryRecord("acme/three", RepositoryStatus.FAILED, None, reason="not there")
    base = result(finding(), possible=(finding(name="perhaps", certain=False),), notes=("the store is old",))
    book.merge(dataclasses.replace(base, files=(*base.files, failed), repositories=(*base.repositories, lost)))
    assert [(r["Package"], r["Status"], r["Notes"]) for r in book.rows()] == [
        ("evil", "found", None),
        ("perhaps", "possible", None),
    ]
    coverage = {(r["What"], r["Where"]): (r["Status"], r["Reason"]) for r in book.rows("Coverage")}
    assert coverage["file", "acme/one: bad.json"] == ("failed", "not JSON")
    assert coverage["repository", "acme/three"] == ("failed", "not there")
    assert ("note", "the store is old") in coverage
    assert [r["Status"] for r in book.rows("Repositories")] == ["scanned", "scanned", "failed"]
    assert len(book.rows("Files")) == 3
    assert openpyxl.load_workbook(book.path)["Findings"].auto_filter.ref == "A1:L3"


def test_names_that_look_like_formulas_are_text_and_found_again(book: Book) -> None:
    for _ in range(2):
        book.merge(result(finding(name=NASTY)))
    cell = openpyxl.load_workbook(book.path)["Findings"]["D2"]
    assert (cell.data_type, cell.value) == ("s", '=HYPERLINK("https://example.org","x")')
    assert len(book.rows()) == 1


def test_what_people_made_of_the_workbook_stays(book: Book) -> None:
    book.merge(result(finding(), finding("acme/two")))
    work = openpyxl.load_workbook(book.path)
    sheet = work["Findings"]
    sheet.insert_rows(1, 2)
    sheet["A1"] = "Our findings"
    sheet["M3"], sheet["M4"], sheet["L4"] = "Owner", "Ann", "ticket 7"
    sheet["D4"].fill = PatternFill("solid", fgColor="00FF00")
    work.create_sheet("Mine")["A1"] = "=1+1"
    work.save(book.path)

    later = dataclasses.replace(result(finding(), finding("acme/two", name="new")), finished_at=NAIVE.replace(day=2))
    book.merge(later)
    sheet = openpyxl.load_workbook(book.path)["Findings"]
    assert (sheet["A1"].value, sheet["M4"].value, sheet["L4"].value) == ("Our findings", "Ann", "ticket 7")
    assert sheet["D4"].fill.fgColor.rgb == "0000FF00"
    assert [sheet.cell(row, 4).value for row in (4, 5, 6)] == ["evil", "evil", "new"]
    assert [sheet.cell(row, 9).value for row in (4, 5, 6)] == ["found", "no longer found", "found"]
    assert [sheet.cell(4, column).value for column in (10, 11)] == [NAIVE, NAIVE.replace(day=2)]
    assert sheet["K5"].value == NAIVE
    assert openpyxl.load_workbook(book.path)["Mine"]["A1"].value == "=1+1"
    assert len(list((book.folder / "backups").glob("findings.backup_*.xlsx"))) == 1


def test_what_could_not_be_read_or_was_not_scanned_is_not_called_gone(book: Book) -> None:
    book.merge(
        result(finding(), finding("acme/two"), finding("acme/two", "web/yarn.lock", "deep"), finding("acme/three"))
    )
    unread = (FileRecord("acme/one", "yarn.lock", "0" * 40, FileStatus.FAILED, "the rate limit is used up"),)
    lost = RepositoryRecord("acme/two", RepositoryStatus.FAILED, None, 0, reason="no access")
    listed = RepositoryRecord("acme/one", RepositoryStatus.SCANNED, None, 1)
    book.merge(result(files=unread, repositories=(listed, lost)))
    assert book.statuses() == {
        ("acme/one", "evil"): "could not check",
        ("acme/two", "evil"): "could not check",
        ("acme/two", "deep"): "could not check",
        ("acme/three", "evil"): "found",
    }
    book.merge(result(read=("acme/two",)), fast=True)
    assert book.statuses()["acme/two", "deep"] == "could not check"
    assert book.statuses()["acme/two", "evil"] == "no longer found"
    book.merge(result(finding(), finding("acme/two")))
    assert book.statuses()["acme/one", "evil"] == "found"
    assert book.statuses()["acme/two", "deep"] == "no longer found"


def test_a_scan_of_one_repository_says_nothing_of_the_others(book: Book) -> None:
    book.merge(result(finding(), finding("acme/two")))
    book.merge(result(read=("acme/one",)), limited=True)
    assert book.statuses() == {("acme/one", "evil"): "no longer found", ("acme/two", "evil"): "found"}
    assert [r["Status"] for r in book.rows("Repositories")] == ["scanned", "scanned"]
    book.merge(result(read=("acme/one",)))
    assert [r["Status"] for r in book.rows("Repositories")] == ["scanned", "not in this scan"]


def test_a_gap_that_was_mended_is_said_in_the_coverage(book: Book) -> None:
    bad = FileRecord("acme/one", "yarn.lock", "0" * 40, FileStatus.FAILED, "not YAML")
    book.merge(result(files=(bad,), read=("acme/one",)))
    book.merge(result(read=("acme/one",)))
    (gap,) = [row for row in book.rows("Coverage") if row["What"] == "file"]
    assert gap["Status"] == "mended"


def test_a_sheet_or_column_that_was_removed_is_said_and_not_made_again(book: Book) -> None:
    book.merge(result(finding()))
    work = openpyxl.load_workbook(book.path)
    del work["Files"]
    work["Findings"].delete_cols(10)
    work.save(book.path)
    plan = book.merge(result(finding(), finding("acme/two")))
    said = " ".join(plan.warnings)
    assert 'no sheet "Files"' in said
    assert "no column First seen" in said
    assert len(book.rows()) == 2


@pytest.mark.parametrize("content", [b"something else", b""])
def test_a_file_that_is_no_workbook_is_left_alone(book: Book, content: bytes) -> None:
    book.path.write_bytes(content)
    with pytest.raises(MergeRefused, match="left as it is"):
        book.merge(result())
    assert book.path.read_bytes() == content


def test_another_workbook_or_lost_headers_are_refused_by_name(book: Book) -> None:
    work = openpyxl.Workbook()
    work.save(book.path)
    with pytest.raises(MergeRefused, match="not a findings workbook"):
        book.merge(result())
    work["Sheet"].title = "Findings"
    work.save(book.path)
    with pytest.raises(MergeRefused, match="the headers Repository, File"):
        book.merge(result())


def test_a_workbook_that_could_not_be_written_shows_in_the_exit_code() -> None:
    assert exit_code(result(finding())) == 1
    assert exit_code(result(finding(), problem="it is open in Excel")) == 4


def test_a_finding_is_not_called_gone_where_no_indicator_was_at_hand(book: Book) -> None:
    book.merge(result(finding()))
    book.merge(result(uncompared=("npm",), indicators=0))
    assert [row["Status"] for row in book.rows()] == ["could not check"]
    assert {"What": "not compared", "Where": "npm", "Status": "could not check"}.items() <= book.rows("Coverage")[
        -1
    ].items()
    book.merge(result(uncompared=("PyPI",)))
    assert [row["Status"] for row in book.rows()] == ["no longer found"]
