"""Deciding in a scan: applied to what was looked up, new at every run, with what earlier runs saw."""

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flows.scan.deciding import decide
from tasks.advisories.model import Severity
from tasks.checkpoints.batches import BatchResult
from tasks.decisions.model import Decisions, Refusal, Standing
from tasks.review.model import PackageReview
from tests.decisions.decision_samples import TODAY, affected, decision
from tests.review.review_samples import key

PACKAGE = ("demo", "1.0", False)


def _run(review: PackageReview) -> Any:
    return SimpleNamespace(reviews={PACKAGE: review})


def _prepared(folder: Path, *decisions: Any, refused: tuple[Refusal, ...] = ()) -> Any:
    rows = (SimpleNamespace(project="demo"),)
    folders = SimpleNamespace(store=folder / "store" / "advisories.sqlite")
    return SimpleNamespace(
        decisions=Decisions(decisions, refused), folders=folders, workbook=SimpleNamespace(rows=rows)
    )


def _standing(run: Any) -> Standing | None:
    (found,) = run.reviews[PACKAGE].vulnerabilities
    return found.decision.standing if found.decision else None


def _decided(folder: Path, review: PackageReview, *decisions: Any, today: date = TODAY) -> Standing | None:
    run = _run(review)
    decide(_prepared(folder, *decisions), run, today)
    return _standing(run)


def test_stored_results_hold_no_decision_and_take_those_of_the_day(tmp_path: Path) -> None:
    stored = BatchResult(number=1, keys=(key(),), reviews=(affected(),), seconds=0.1).model_dump_json()
    for decisions, expected in (((decision(),), Standing.IN_FORCE), ((), None)):
        (review,) = BatchResult.model_validate_json(stored).reviews
        assert _decided(tmp_path, review, *decisions) is expected


def test_a_finding_that_grew_worse_between_two_runs_counts_again_until_renewed(tmp_path: Path) -> None:
    (found,) = affected().vulnerabilities
    worse = affected().model_copy(update={"vulnerabilities": (found.model_copy(update={"kev": True}),)})
    assert _decided(tmp_path, affected(), decision()) is Standing.IN_FORCE
    assert _decided(tmp_path, worse, decision()) is Standing.GREW_WORSE
    assert _decided(tmp_path, worse, decision()) is Standing.GREW_WORSE
    assert _decided(tmp_path, worse, decision(expiry="2027-01-31")) is Standing.IN_FORCE


def test_a_damaged_record_costs_the_comparison_and_nothing_else(tmp_path: Path) -> None:
    assert _decided(tmp_path, affected(), decision()) is Standing.IN_FORCE
    (tmp_path / "store" / "decisions.sqlite").write_bytes(b"no database" * 1000)
    assert _decided(tmp_path, affected(), decision()) is Standing.IN_FORCE
    assert _decided(tmp_path, affected(), decision(severity=Severity.LOW.value)) is Standing.GREW_WORSE


def test_without_decisions_nothing_is_touched(tmp_path: Path) -> None:
    run, refused = _run(affected()), (Refusal("Decisions!2", "no owner; fill it in"),)
    report = decide(_prepared(tmp_path, refused=refused), run, TODAY)
    assert (report.given, report.refused) == (0, refused)
    assert run.reviews[PACKAGE] == affected()
    assert not (tmp_path / "store").exists()
