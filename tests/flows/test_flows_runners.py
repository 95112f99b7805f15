"""Where batches run: threads unless a setting says otherwise, and one line where that cannot be."""

import pickle
import sys
from pathlib import Path

import pytest
from prefect.utilities.collections import visit_collection

from flows.opaque import carried
from flows.runners import cluster_of
from tasks.checkpoints.batches import BatchRequest
from tasks.engine.lookup import lookup_settings
from tasks.errors import SettingsError
from tasks.review.model import PackageKey
from tasks.settings.model import ExecutionSettings, RunnerKind, Settings


def test_threads_need_no_cluster() -> None:
    with cluster_of(ExecutionSettings()) as cluster:
        assert cluster is None


@pytest.mark.parametrize("kind", [RunnerKind.DASK])
def test_an_extra_that_is_missing_is_named(kind: RunnerKind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{kind}", None)
    wanted = ExecutionSettings(task_runner=kind)
    with pytest.raises(SettingsError, match=rf"pip install 'vetbook\[{kind}\]'"), cluster_of(wanted):
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


@pytest.mark.prefect
def test_batches_run_in_processes_of_their_own(prefect_server: str, tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask", reason="pip install -e '.[dask]'")
    from prefect import flow, task  # noqa: PLC0415  only with the extra

    @task
    def process() -> int:
        import os  # noqa: PLC0415  in the worker

        return os.getpid()

    @flow
    def clustered() -> int:
        with cluster_of(ExecutionSettings(task_runner=RunnerKind.DASK, workers=1)) as cluster:
            assert cluster is not None
            ran: int = cluster.submit(process, parameters={}).result()
            return ran

    import os  # noqa: PLC0415  as above

    assert clustered() != os.getpid()
