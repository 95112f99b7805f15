"""What an engine does for the engines of other processes: advisories fetched for all, and their requests counted."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tasks.engine.engine import Engine
from tasks.engine.lookup import lookup_settings
from tasks.http.metrics import Ledger, ServiceCounters
from tasks.http.policy import ServiceName
from tasks.settings.load import load_settings
from tasks.sources import osv_bulk
from tasks.sources.interface import AdvisoryRef
from tasks.sources.record_store import RecordStore
from tests.end_to_end.harness import advisory

RECORDS = [advisory(f"PYSEC-{number}", f"pkg-{number}", "2.0") for number in range(5)]
REFS = [AdvisoryRef(id=record["id"], modified=record["modified"]) for record in RECORDS]


@pytest.fixture
def engine(httpserver: HTTPServer, tmp_path: Path) -> Iterator[Engine]:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as export:
        for record in RECORDS:
            export.writestr(f"{record['id']}.json", json.dumps(record))
    httpserver.expect_request("/bulk/PyPI/all.zip").respond_with_data(archive.getvalue())
    sources = {
        name: {"base_url": httpserver.url_for(f"/{path}")} for name, path in (("osv", "osv"), ("osv_bulk", "bulk"))
    }
    settings = load_settings(None, {}, {"sources": sources}).settings
    made = Engine(lookup_settings(settings, offline=False, store=tmp_path / "advisories.sqlite"))
    yield made
    made.close()


def test_what_batches_need_is_in_the_store_before_they_begin(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osv_bulk, "WORTH_IT", len(REFS))
    engine.fetch_expected(REFS)
    elsewhere = RecordStore(tmp_path / "advisories.sqlite")
    found = elsewhere.get_many(REFS)
    elsewhere.close()
    assert set(found) == {ref.id for ref in REFS}
    engine.fetch_expected(REFS)
    assert engine.metrics()[ServiceName.OSV_BULK].requests == 1


def test_requests_of_others_are_added_whether_asked_here_too_or_not(engine: Engine) -> None:
    services = {
        ServiceName.PYPI: ServiceCounters(requests=3, waits_s=0.5),
        ServiceName.OSV: ServiceCounters(requests=1),
    }
    engine.count_elsewhere(Ledger(services))
    engine.count_elsewhere(Ledger({ServiceName.PYPI: ServiceCounters(requests=4, retries=1)}))
    found = engine.metrics()
    assert {name: one.requests for name, one in found.items() if one.requests} == {"pypi": 7, "osv": 1}
    assert (found[ServiceName.PYPI].retries, found[ServiceName.PYPI].waits_s) == (1, 0.5)
