"""What a scan took is counted from its first question on, which comes before Prefect's flow begins."""

from datetime import timedelta
from pathlib import Path

from flows.scan.prepare import prepare
from flows.scan.prepared import Beginning
from flows.scan.request import ScanRequest
from flows.scan.results import statistics
from tasks.review.reviewer import utc_now
from tests.end_to_end.harness import make_workbook


def test_time_counts_from_the_preparation_on(tmp_path: Path) -> None:
    book = make_workbook(tmp_path / "r.xlsx", [("alpha", "1.0")])
    before = utc_now()
    prepared = prepare(ScanRequest(workbook=book, data_dir=tmp_path / "data"))
    assert before <= prepared.began.at <= utc_now()
    first = prepared.began.seconds
    told = statistics(prepared).plain["elapsed_s"]
    assert 0 <= first <= told + 0.001 <= prepared.began.seconds + 0.001


def test_a_beginning_stays_where_it_was() -> None:
    began = Beginning(at=utc_now() - timedelta(seconds=9), moment=-5.0)
    assert began.seconds > 5.0
