"""Log files by day, rotated, errors apart, without secrets."""

import logging
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from prefect.logging.handlers import APILogHandler

from flows.day_logs import day_logs
from tasks.http.redaction import guard_logs
from tasks.settings.keeping import LoggingSettings
from tasks.settings.load import load_settings

_log = logging.getLogger("tasks.example")


@pytest.fixture(autouse=True)
def _all_levels() -> None:
    for name in ("flows", "tasks", "blocks"):
        logging.getLogger(name).setLevel(logging.DEBUG)


def _lines(path: Path) -> list[str]:
    return [line.partition(" tasks.example: ")[2] for line in path.read_text("utf-8").splitlines()]


def test_each_day_has_its_file_and_errors_one_more(tmp_path: Path) -> None:
    days = [date(2026, 3, 4)]
    with day_logs(tmp_path / "logs", LoggingSettings(), lambda: days[-1]):
        _log.info("first")
        _log.debug("unheard")
        _log.error("wrong")
        days.append(date(2026, 3, 5))
        _log.info("second")
    _log.error("after the end")
    logs = tmp_path / "logs"
    assert _lines(logs / "vetbook_20260304.log") == ["first", "wrong"]
    assert _lines(logs / "vetbook_20260305.log") == ["second"]
    assert _lines(logs / "vetbook_errors_20260304.log") == ["wrong"]


def test_a_day_is_continued_by_the_next_run(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with day_logs(tmp_path, LoggingSettings(error_log_separate=False), lambda: date(2026, 3, 4)):
            _log.warning(text)
    assert _lines(tmp_path / "vetbook_20260304.log") == ["one", "two"]
    assert [path.name for path in tmp_path.iterdir()] == ["vetbook_20260304.log"]


def test_a_file_that_grows_too_large_is_rotated_and_few_are_kept(tmp_path: Path) -> None:
    settings = LoggingSettings(max_file_size=10_000, backup_count=2, error_log_separate=False)
    with day_logs(tmp_path, settings, lambda: date(2026, 3, 4)):
        for number in range(1_000):
            _log.info("line %d", number)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["vetbook_20260304.log", "vetbook_20260304.log.1", "vetbook_20260304.log.2"]
    assert all(path.stat().st_size <= 10_000 for path in tmp_path.iterdir())
    assert _lines(tmp_path / "vetbook_20260304.log")[-1] == "line 999"


def test_old_files_go_and_others_stay(tmp_path: Path) -> None:
    for name in ("vetbook_20250101.log", "vetbook_errors_20250101.log.3", "vetbook_20260303.log", "mine_20250101.log"):
        (tmp_path / name).write_text("")
    with day_logs(tmp_path, LoggingSettings(keep_days=5, error_log_separate=False), lambda: date(2026, 3, 4)):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "mine_20250101.log",
        "vetbook_20260303.log",
        "vetbook_20260304.log",
    ]


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "logs").write_text("in the way")
    logging.getLogger("flows").propagate = True
    with day_logs(tmp_path / "logs", LoggingSettings()):
        _log.error("heard elsewhere")
    assert "No log files are written" in caplog.text


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    former = logging.getLogRecordFactory()
    monkeypatch.setenv("GITHUB_TOKEN", "s3cr3t-t0k3n-value")
    guard_logs()
    yield
    logging.setLogRecordFactory(former)


@pytest.mark.usefixtures("guarded")
def test_prefects_server_gets_no_secret() -> None:
    record = _log.makeRecord("prefect.flow_runs", logging.ERROR, "f", 1, "gave up: %s", ("s3cr3t-t0k3n-value",), None)
    record.flow_run_id = str(uuid.uuid4())
    assert APILogHandler().prepare(record)["message"] == "gave up: [hidden]"


@pytest.mark.usefixtures("guarded")
def test_secrets_are_hidden(tmp_path: Path) -> None:
    with day_logs(tmp_path, LoggingSettings(), lambda: date(2026, 3, 4)):
        _log.error("sent s3cr3t-t0k3n-value to https://ada:pass@example.org/")
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "s3cr3t" not in text
    assert "ada:pass" not in text


@pytest.mark.parametrize(("written", "size"), [("10MB", 10_000_000), ("512 kB", 512_000), (20_000, 20_000)])
def test_sizes_may_be_written_with_units(written: object, size: int) -> None:
    assert LoggingSettings.model_validate({"max_file_size": written}).max_file_size == size


@pytest.mark.parametrize("name", ["development", "small", "large", "overnight"])
def test_every_preset_is_valid_and_has_no_key_without_effect(project_root: Path, name: str) -> None:
    loaded = load_settings(project_root / "deployments" / f"{name}.yaml", {})
    assert loaded.warnings == ()
    assert f"deployments/{name}.yaml" in (project_root / "deployments" / f"{name}.yaml").read_text()


def test_the_guides_own_example_works(tmp_path: Path) -> None:
    config = tmp_path / "batch_settings.yaml"
    config.write_text(
        "processing:\n  batch_size: 10\n  checkpoint_frequency: 5\n  memory_threshold: 0.8\n"
        'batch_processing:\n  strategy: "fixed-size"\n  time_interval: 300\n  max_retries: 3\n'
        "  enable_atomic_saves: true\n"
    )
    loaded = load_settings(config, {})
    assert loaded.warnings == ()
    batches = loaded.settings.batch_processing
    assert (batches.default_batch_size, batches.time_based_interval, batches.max_retry_attempts) == (10, 300, 3)


def test_a_message_cannot_pass_for_two(tmp_path: Path) -> None:
    with day_logs(tmp_path, LoggingSettings(error_log_separate=False), lambda: date(2026, 3, 4)):
        _log.warning("bad name %s", "x\n2026-03-04 00:00:00 INFO     flows: all is well\x1b[2J\u202e")
    assert _lines(tmp_path / "vetbook_20260304.log") == [
        "bad name x\\n2026-03-04 00:00:00 INFO     flows: all is well\\u001b[2J\\u202e"
    ]
