"""Rows that were not chosen stay as they are, also where the workbook was saved while the scan ran."""

from pathlib import Path

import openpyxl

from flows.scan.merging import _as_it_is_now, _reconciled
from flows.scan.prepare import prepare
from flows.scan.request import ScanRequest
from tests.end_to_end.harness import make_workbook
from tests.review.review_samples import advisory, key, reviewed


def test_a_duplicate_outside_the_chosen_rows_is_not_written(tmp_path: Path) -> None:
    book = make_workbook(tmp_path / "r.xlsx", [("demo", "1.0"), ("other", "1.0"), ("Demo", "1.0")])
    prepared = prepare(ScanRequest(workbook=book, data_dir=tmp_path / "data", start_row=4, end_row=5))
    review = reviewed(key("1.0"), advisory("GHSA-1"))
    reviews = {("demo", "1.0", False): review, ("other", "1.0", False): review}
    unchanged = _reconciled(prepared, _as_it_is_now(prepared), reviews)
    edited = openpyxl.load_workbook(book)
    edited["Packages"]["N4"] = "ask Ann"
    edited.save(book)
    merged = _reconciled(prepared, _as_it_is_now(prepared), reviews)
    assert {change.row for change in unchanged.changes} == {4, 5}
    assert {change.row for change in merged.changes} == {4, 5}
