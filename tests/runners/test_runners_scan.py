"""The scan of a workbook on a cluster: what it writes, and what it says it cost."""

from pathlib import Path

import openpyxl
import pytest
import yaml

from flows.opaque import opened
from flows.prefect_end import drained
from flows.scan.flow import ScanOutcome, scan
from flows.scan.request import ScanRequest
from tasks.settings.running import ExecutionSettings
from tests.end_to_end.harness import OTHERS, Services, advisory, make_workbook, pypi_document

ROWS = 12


@pytest.mark.prefect
def test_a_workbook_is_reviewed_by_the_workers(
    dask_cluster: ExecutionSettings, services: Services, tmp_path: Path
) -> None:
    names = [f"pkg-{number}" for number in range(ROWS)]
    services.projects |= {name: pypi_document(name) for name in names}
    services.advisories["PYSEC-1"] = advisory("PYSEC-1", "pkg-1", "2.0")
    book = make_workbook(tmp_path / "review.xlsx", [(name, "1.0") for name in names])
    addresses = {name: {"base_url": services.server.url_for(f"/{name}")} for name in ("pypi", "osv")}
    settings = {
        "execution": dask_cluster.model_dump(mode="json", exclude_none=True),
        "sources": {**{name.lower(): {"live": False} for name in OTHERS}, **addresses},
    }
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
    request = ScanRequest(
        workbook=book, config=tmp_path / "settings.yaml", data_dir=tmp_path / "data", batch_size=4, start_row=4
    )
    with drained():
        outcome: ScanOutcome = opened(scan(request))
    assert outcome.merge_problem is None
    metrics = outcome.result.metrics
    assert (metrics.batches, metrics.requests) == (3, {"pypi": ROWS, "osv": 2})
    assert metrics.requests == {name: services.asked[name] for name in ("pypi", "osv")}
    assert [len(review.vulnerabilities) for review in outcome.result.packages] == [0, 1] + [0] * (ROWS - 2)
    sheet = openpyxl.load_workbook(book).active
    assert sheet is not None
    assert {sheet.cell(4 + place, 6).value for place in range(ROWS)} == {"2.0"}
