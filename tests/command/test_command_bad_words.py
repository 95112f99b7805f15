"""Wrong words and paths, of every command: one line, exit code 2, nothing written, and no server waited for."""

import io
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flows.checkpoints.__main__ import main as checkpoints
from flows.command.ending import ended
from flows.command.targets import check_files, make_data_dir
from flows.console import OWN_LOGGERS
from flows.ioc.__main__ import main as ioc
from flows.ioc.prepare import prepare as prepare_ioc
from flows.ioc.request import IocRequest
from flows.report.__main__ import main as report
from flows.scan.__main__ import main as scan
from flows.scan.prepare import prepare
from flows.scan.request import ScanRequest
from flows.sync.__main__ import main as sync
from tasks.errors import InputError, SettingsError, UsageError
from tests.end_to_end.harness import make_workbook
from tests.unprivileged import without_root

Main = Callable[[list[str]], int]
_WHEN = "2026-11-22T10:00:00Z"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_workbook(tmp_path / "book.xlsx", [("requests", "2.19.1")])
    (tmp_path / "a_file").write_text("x")
    # A server that is started all the same ends with another exit code.
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "a_file"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Put back how the product's loggers are set up, which a command changes."""
    loggers = [logging.getLogger(name) for name in OWN_LOGGERS]
    before = [(logger, tuple(logger.handlers), logger.level, logger.propagate) for logger in loggers]
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)
    for logger, handlers, level, propagate in before:
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def _refused(main: Main, words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the command says; it ends with exit code 2."""
    try:
        code: object = main(words.split())
    except SystemExit as end:
        code = end.code
    told = capsys.readouterr()
    assert (code, told.out, len(told.err.splitlines())) == (2, "", 1), told
    return told.err


@pytest.mark.parametrize(
    ("main", "words", "named"),
    [
        (scan, "--nonsense", "--nonsense; see python -m flows.scan --help"),
        (scan, "--input book.xlsx --resume-auto --start-fresh", "--start-fresh"),
        (scan, "--input book.xlsx --batch-size many", "'many'"),
        (scan, "--input book.xlsx --report-only --changes-only", "--changes-only"),
        (scan, "--input book.xlsx --report-only --data-dir a_file", "not a folder"),
        (scan, "--environment . --report-only", "not a workbook"),
        (scan, "--input missing.xlsx --report-only", "no such file"),
        (scan, "--input .", "not a file"),
        (scan, f"--input {'x' * 5000}", "vetbook: xxx"),
        (scan, "--list-checkpoints --data-dir a_file", "not a folder"),
        (ioc, "--list-checkpoints --data-dir a_file", "not a folder"),
        (ioc, "--org acme --batch-strategy fastest", "fastest"),
        (checkpoints, "", "COMMAND; see python -m flows.checkpoints --help"),
        (checkpoints, "list --data-dir a_file", "not a folder"),
        (checkpoints, "clean --data-dir a_file", "not a folder"),
        (sync, "--sources everything", "everything"),
        (sync, "--status --prune", "--prune"),
        (sync, "--data-dir a_file", "not a folder"),
        (sync, "--json .", "is a folder"),
        (sync, "--config a_file --json a_file", "a file that is read"),
        (sync, "--epss-file missing.csv", "no such file"),
        (sync, "--config missing.yaml", "cannot be read"),
        (report, "--list --data-dir a_file", "not a folder"),
        (report, "--json out --html out", "the file of --json"),
    ],
)
def test_one_line_and_exit_code_2(
    folder: Path, main: Main, words: str, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert named in _refused(main, words, capsys)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.usefixtures("folder", "own_logging")
def test_a_name_that_nobody_may_ask_for_is_refused_before_a_server_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PREFECT_LOGGING_EXTRA_LOGGERS", "")
    monkeypatch.setenv("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    said = _refused(scan, "--input book.xlsx --offline --packages no-such-name", capsys)
    assert "--packages no-such-name: not in book.xlsx, and PyPI was not asked" in said


@pytest.mark.parametrize("look", ["--report-only", "--changes-only --output book.xlsx", "--format-check-only"])
def test_a_look_never_writes_its_json_over_the_workbook(
    folder: Path, look: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "book.xlsx").read_bytes()
    assert "--json book.xlsx" in _refused(scan, f"--input book.xlsx {look} --json book.xlsx", capsys)
    assert (folder / "book.xlsx").read_bytes() == before


def test_no_file_that_is_read_is_written_over(folder: Path) -> None:
    book, other, data = folder / "book.xlsx", folder / "a_file", folder / "data"
    for named in (
        ScanRequest(workbook=book, decisions=other, csv_file=other, data_dir=data, dry_run=True),
        IocRequest(org="acme", indicators=(other,), json_file=other, data_dir=data),
        IocRequest(org="acme", allow=(other,), indicators=(book,), sarif=other, data_dir=data),
    ):
        with pytest.raises(UsageError, match="a file that is read"):
            prepare(named) if isinstance(named, ScanRequest) else prepare_ioc(named)
    settings = folder / "settings.yaml"
    settings.write_text("{}")
    with pytest.raises(UsageError, match="a file that is read"):
        prepare(ScanRequest(workbook=book, config=settings, json_file=settings, data_dir=data))
    assert other.read_text() == "x"


def test_a_report_is_not_written_over_what_it_is_made_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "a file that is read" in _refused(report, "a_file --html a_file", capsys)
    assert (folder / "a_file").read_text() == "x"


def test_what_cannot_be_written_is_refused_before_anything_is_looked_up(tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("x")
    with pytest.raises(UsageError, match="no file can be made"):
        check_files({"--csv": tmp_path / "a_file" / "x.csv"}, {})
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    with without_root(locked, tmp_path), pytest.raises(UsageError, match=r"--data-dir .* no file can be made there"):
        make_data_dir(locked)
    with without_root(locked, tmp_path), pytest.raises(UsageError, match=r"--vex .* no file can be made"):
        check_files({"--vex": locked / "new" / "x.json"}, {})


def test_a_deployment_that_names_a_folder_is_told_as_the_command_is(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a file"):
        prepare(ScanRequest(workbook=tmp_path, data_dir=tmp_path / "data"))


def test_a_snapshot_that_is_none_is_refused_before_a_scan_begins(folder: Path) -> None:
    settings = folder / "settings.yaml"
    settings.write_text("offline: {snapshot: missing}")
    with pytest.raises(SettingsError, match=r"missing is not a snapshot: .*offline.snapshot"):
        prepare(ScanRequest(workbook=folder / "book.xlsx", config=settings, data_dir=folder / "data", offline=True))
    assert not (folder / "data" / "results").exists()


def test_a_file_that_cannot_be_used_is_one_line_wherever_it_is_met(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: len(Path("missing").read_bytes())) == 4
    assert capsys.readouterr().err.startswith("vetbook: missing: a file or folder is missing; ")
    with pytest.raises(OSError, match="no place"):
        ended(lambda: _raise(io.UnsupportedOperation("no place")))


def test_output_that_nobody_takes_ends_no_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = {"schema": 1, "scan_id": "a", "input": "book.xlsx", "packages": [], "summary": {}, "metrics": {}}
    (folder / "r.json").write_text(json.dumps({**result, "started_at": _WHEN, "finished_at": _WHEN}))
    monkeypatch.setattr("sys.stdout", None)
    assert report(["r.json"]) == 0


class _ClosedPipe(io.StringIO):
    def flush(self) -> None:
        raise BrokenPipeError


def test_the_exit_code_stays_when_the_reader_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", _ClosedPipe())
    assert ended(lambda: 3) == 3


def _raise(error: Exception) -> int:
    raise error


def test_a_server_that_still_imports_ends_at_once_with_its_parent(project_root: Path) -> None:
    slow = (
        "import builtins, threading\n"
        "from flows import server_child\n"
        "real = builtins.__import__\n"
        "def hang(name, *rest, **more):\n"
        "    if name == 'uvicorn': threading.Event().wait(100)\n"
        "    return real(name, *rest, **more)\n"
        "builtins.__import__ = hang\n"
        "server_child.main()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", slow],
        cwd=project_root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    assert int(child.stdout.readline()) > 0
    began = time.monotonic()
    child.stdin.close()
    assert child.wait(timeout=60) == 0
    assert time.monotonic() - began < 50
    child.stdout.close()
