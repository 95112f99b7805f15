"""Questions on a terminal."""

import io

import pytest

from flows.scan.ask import ask_about
from tasks.merge.reconciled import Conflict, Decision
from tasks.workbook.model import Field

CONFLICT = Conflict(Field.DEVELOPMENT_STATUS, "alpha", 4, "J", "Unknown", "my own", "5 - Production/Stable")


@pytest.mark.parametrize(
    ("answer", "decision"),
    [
        ("s\n", Decision.OURS),
        ("S\n", Decision.OURS),
        ("k\n", Decision.THEIRS),
        ("\n", Decision.THEIRS),
        ("", Decision.THEIRS),
    ],
)
def test_only_an_explicit_s_takes_the_scans_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, decision: Decision
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert ask_about(CONFLICT) is decision
    shown = capsys.readouterr().err
    assert "alpha, development_status (J4)" in shown
    assert "my own" in shown
    assert "5 - Production/Stable" in shown
