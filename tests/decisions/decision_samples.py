"""Decisions and reviewed packages for the tests of decisions."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from openpyxl import Workbook

from tasks.decisions.checking import checked
from tasks.decisions.interface import RawRow
from tasks.decisions.model import Decision
from tasks.review.model import PackageReview
from tests.review.review_samples import advisory, key, reviewed

TODAY = date(2026, 11, 22)

CELLS = {
    "package": "Demo",
    "advisory": "CVE-2020-0001",
    "decision": "accepted risk",
    "owner": "Jane Doe",
    "reason": "behind the proxy",
    "expiry": "2026-12-31",
}


def decision(**cells: str) -> Decision:
    """A valid decision about the vulnerability of `affected()`, with some cells changed."""
    decisions = checked([RawRow("decisions.yaml:2", CELLS | cells)])
    assert decisions.refused == ()
    return decisions.valid[0]


def refusal(cells: Mapping[str, str | date]) -> str:
    """Why a row with exactly these cells is refused."""
    decisions = checked([RawRow("decisions.yaml:2", cells)])
    assert decisions.valid == ()
    return str(decisions.refused[0])


def affected(version: str = "1.0") -> PackageReview:
    """Demo with one vulnerability of two records and two aliases."""
    records = (
        advisory("GHSA-AAAA-bbbb-cccc", aliases=("CVE-2020-0001",)),
        advisory("PYSEC-2020-1", aliases=("CVE-2020-0001", "SNYK-PYTHON-DEMO-1")),
    )
    return reviewed(key(version), *records)


def text_of(review: PackageReview) -> str:
    """What column W says."""
    assert review.recommendation is not None
    return review.recommendation.text


def book_with(path: Path, rows: list[list[object]], title: str = "Decisions") -> Path:
    """A review workbook with one package and a sheet of these rows."""
    book = Workbook()
    review = book.worksheets[0]
    for row in ([None], [None], ["#", "Package Name", "Version"], [1, "demo", "1.0"]):
        review.append(row)
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path
