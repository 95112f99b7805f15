"""Secrets stay out of the logs of a worker's process from a flow's first line on."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.ioc.flow import ioc
from flows.ioc.request import IocRequest
from flows.scan.flow import scan
from flows.scan.request import ScanRequest
from flows.sync.flow import sync
from flows.sync.request import SyncRequest
from tasks.errors import VetbookError

NOWHERE = Path("no-such-folder") / "settings.yaml"


@pytest.fixture(autouse=True)
def unguarded() -> Iterator[None]:
    former = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    yield
    logging.setLogRecordFactory(former)


@pytest.mark.parametrize(
    "run",
    [
        lambda: scan.fn(ScanRequest(workbook=Path("no-such.xlsx"), config=NOWHERE)),
        lambda: ioc.fn(IocRequest(org="o", config=NOWHERE)),
        lambda: sync.fn(SyncRequest(config=NOWHERE)),
    ],
    ids=["scan", "ioc", "sync"],
)
def test_a_flow_that_fails_at_once_has_guarded_the_logs(
    run: Callable[[], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VetbookError):
        run()
    assert logging.getLogRecordFactory() is not logging.LogRecord
