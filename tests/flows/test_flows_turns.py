"""Scheduled scans of one workbook take turns; others and runs from the command line do not wait."""

import threading
from pathlib import Path
from uuid import uuid4

import pytest

from flows.scan.flow import going_on
from flows.scan.request import ResumeMode, ScanRequest
from flows.turns import own_turn
from flows.unwritten import fail_unsynced, fail_unwritten
from tasks.errors import MergeRefused, SourceError
from tasks.files.locks import WorkbookLock
from tasks.store.work import Outcome, SourceReport

FAILED = SourceReport("epss", Outcome.FAILED, problem="HTTP 503")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a deployment's run (docs.prefect.io, runtime context)."""
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__ID", str(uuid4()))


@pytest.mark.usefixtures("deployed")
def test_a_second_run_of_the_workbook_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.turns._POLL_S", 0.01)
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.set()
        with own_turn(tmp_path / "sub" / ".." / "a.xlsx"):
            order.append("second")

    thread = threading.Thread(target=second)
    with own_turn(tmp_path / "a.xlsx"):
        thread.start()
        assert inside.wait(10)
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("deployed")
def test_another_workbook_does_not_wait(tmp_path: Path) -> None:
    with own_turn(tmp_path / "a.xlsx"), own_turn(tmp_path / "b.xlsx"):
        assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("deployed")
def test_the_merge_has_a_lock_of_its_own(tmp_path: Path) -> None:
    with own_turn(tmp_path / "a.xlsx"), WorkbookLock(tmp_path / "a.xlsx", scan_id="s").acquire():
        pass


def test_a_run_from_the_command_line_does_not_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT__RUNTIME__DEPLOYMENT__ID", raising=False)
    with own_turn(tmp_path / "a.xlsx"), own_turn(tmp_path / "a.xlsx"):
        pass


@pytest.mark.usefixtures("deployed")
def test_a_scheduled_scan_that_wrote_nothing_fails() -> None:
    fail_unwritten(None)
    with pytest.raises(MergeRefused, match=r"a\.xlsx is open"):
        fail_unwritten("a.xlsx is open")


@pytest.mark.usefixtures("deployed")
def test_a_scheduled_sync_in_which_a_source_failed_fails() -> None:
    fail_unsynced([SourceReport("kev", Outcome.UNCHANGED)])
    with pytest.raises(SourceError, match="epss: HTTP 503"):
        fail_unsynced([SourceReport("kev", Outcome.UNCHANGED), FAILED])


def test_from_the_command_line_the_exit_code_says_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT__RUNTIME__DEPLOYMENT__ID", raising=False)
    fail_unwritten("a.xlsx is open")
    fail_unsynced([FAILED])


def test_a_retried_run_goes_on_from_its_own_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    anew = ScanRequest(workbook=Path("a.xlsx"), resume=ResumeMode.FRESH)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT", "1")
    assert going_on(anew).resume is ResumeMode.FRESH
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT", "2")
    assert going_on(anew).resume is ResumeMode.AUTO
