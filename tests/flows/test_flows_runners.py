"""Where batches run: threads unless a setting says otherwise, and one line where that cannot be."""

import pickle
import sys
from pathlib import Path

import pytest
from prefect.utilities.collections import visit_collection

from flows.opaque import carried
from flows.runners.choice import runner_of
from tasks.checkpoints.batches import BatchRequest
from tasks.engine.lookup import lookup_settings
from tasks.errors import SettingsError
from tasks.review.model import PackageKey
from tasks.settings.model import Settings
from tasks.settings.running import ExecutionSettings, RunnerKind


def test_threads_need_no_cluster() -> None:
    with runner_of(ExecutionSettings(), 5) as runner:
        assert (runner.processes, runner.at_once) == (0, 5)


@pytest.mark.parametrize("kind", [RunnerKind.DASK, RunnerKind.RAY])
def test_an_extra_that_is_missing_is_named(kind: RunnerKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{kind}.task_runners", None)
    wanted = ExecutionSettings(task_runner=kind)
    with pytest.raises(SettingsError, match=rf"pip install 'vetbook\[{kind}\]'"), runner_of(wanted, 4):
        raise AssertionError("nothing starts")


def batch_request() -> BatchRequest:
    key = PackageKey(name="A", project="a", version="1.0", version_text="1.0")
    lookup = lookup_settings(Settings(), offline=True, store=Path("x"))
    return BatchRequest(scan_id="s", number=3, keys=(key,), refs={}, lookup=lookup)


def test_a_carried_request_is_a_leaf_and_the_same_elsewhere() -> None:
    request = batch_request()
    there = pickle.loads(pickle.dumps(carried(request)))  # noqa: S301  made in the line itself
    assert (there.number, there.span, there.cache_key) == (3, "a to a", request.cache_key)
    assert there.lookup == request.lookup
    seen: list[object] = []

    def see(one: object, _context: dict[str, object]) -> object:
        seen.append(one)
        return one

    visit_collection({"request": carried(request)}, visit_fn=see, context={}, return_data=True)
    assert seen
    assert not any(isinstance(one, BatchRequest | PackageKey) for one in seen)
