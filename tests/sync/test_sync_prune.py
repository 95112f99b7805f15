"""`python -m flows.sync --prune` on a real folder."""

import time
from pathlib import Path

import pytest

from flows.sync.__main__ import main
from tasks.errors import ExitCode
from tasks.http.policy import ServiceName
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer

PYPI = ServiceName.PYPI


def test_what_is_too_old_goes_and_the_rest_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    config = tmp_path / "settings.yaml"
    config.write_text("sources: {pypi: {kept_days: 5}}")
    path = tmp_path / "data" / "store" / "answers.sqlite"
    with AnswerStore(path) as store:
        ages = {"old": 6, "young": 4}
        store.put_many(PYPI, {name: KeptAnswer(name, "h", now - days * DAY_S) for name, days in ages.items()})
    assert main(["--prune", "--data-dir", str(tmp_path / "data"), "--config", str(config)]) == ExitCode.DONE
    assert capsys.readouterr().out.startswith("Removed 1 kept answers; 1 are left")
    with AnswerStore(path) as store:
        assert set(store.get_many(PYPI, ["old", "young"])) == {"young"}


def test_wrong_use_touches_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--prune", "--data-dir", "nowhere"]) == ExitCode.USAGE
    assert "no earlier run kept anything" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
