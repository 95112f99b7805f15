"""Kept answers: what goes in comes out, the least used goes first, and two processes share the file."""

import logging
import multiprocessing
import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import SettingsError
from tasks.http.policy import ServiceName
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer
from tests.clocks import Clock

PYPI, OSV = ServiceName.PYPI, ServiceName.OSV
HERE = "https://pypi.example"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)


def kept(value: Any = "v", at: float = 1_800_000_000.0, **more: Any) -> KeptAnswer:
    return KeptAnswer(value, HERE, at, **more)


@settings(max_examples=40, deadline=None)
@given(value=json_values, key=st.text(min_size=1), etag=st.none() | st.text())
def test_what_is_kept_comes_back_in_another_process_s_store(value: Any, key: str, etag: str | None) -> None:
    try:
        key.encode()
        (etag or "").encode()
    except UnicodeEncodeError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.sqlite"
        with AnswerStore(path) as store:
            store.put_many(PYPI, {key: kept(value, etag=etag, last_modified="Wed, 01 Jan 2025 00:00:00 GMT")})
        with AnswerStore(path) as store:
            found = store.get(PYPI, key)
            assert store.get(OSV, key) is None
    assert found == kept(value, etag=etag, last_modified="Wed, 01 Jan 2025 00:00:00 GMT")


def test_a_confirmed_answer_is_as_young_as_its_confirmation(tmp_path: Path) -> None:
    with AnswerStore(tmp_path / "a.sqlite") as store:
        store.put_many(PYPI, {"a": kept(at=100.0, etag="e")})
        store.confirm(PYPI, "a", 500.0)
        assert store.get(PYPI, "a") == kept(at=500.0, etag="e")


def test_pruning_removes_what_is_too_old_for_its_service(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    with AnswerStore(tmp_path / "a.sqlite", clock) as store:
        store.put_many(PYPI, {"old": kept(at=clock.now - 31 * DAY_S), "young": kept(at=clock.now - 29 * DAY_S)})
        store.put_many(OSV, {"old": kept(at=clock.now - 31 * DAY_S)})
        pruned = store.prune(1_000_000, {PYPI: 30, OSV: 90})
        assert (pruned.removed, pruned.left) == (1, 2)
        assert store.get(PYPI, "old") is None
        assert store.get(OSV, "old") is not None


def test_pruning_to_a_size_removes_what_was_not_used_for_longest(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000.0)
    noise = random.Random(1).randbytes(40_000).hex()  # noqa: S311  what does not compress
    with AnswerStore(tmp_path / "a.sqlite", clock) as store:
        for number in range(10):
            store.put_many(PYPI, {str(number): kept(f"{number}{noise}", at=clock.now + number)})
        clock.now += DAY_S
        store.get(PYPI, "0")
        whole = store.prune(10**9, {})
        pruned = store.prune(whole.left_bytes * 35 // 100, {})
        left = [n for n in range(10) if store.get(PYPI, str(n)) is not None]
        after = (tmp_path / "a.sqlite").stat().st_size
    assert left == [0, 8, 9]
    assert (pruned.removed, pruned.left) == (7, 3)
    assert pruned.left_bytes <= whole.left_bytes * 35 // 100
    assert after < whole.left_bytes / 2


def test_a_damaged_answer_counts_as_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    with AnswerStore(path) as store:
        store.put_many(PYPI, {"torn": kept(), "whole": kept()})
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE answers SET body = substr(body, 1, 4) WHERE key = 'torn'")
    raw.close()
    with AnswerStore(path) as store:
        assert set(store.get_many(PYPI, ["torn", "whole"])) == {"whole"}


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"no database" * 1000)
    with caplog.at_level(logging.WARNING), AnswerStore(path) as store:
        store.put_many(PYPI, {"a": kept()})
        assert store.get(PYPI, "a") == kept()
    assert "set aside" in caplog.text
    assert [p.read_bytes()[:11] for p in tmp_path.glob("a.sqlite.damaged-*")] == [b"no database"]


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    AnswerStore(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA user_version = 7")
    raw.close()
    with pytest.raises(SettingsError, match=r"answer cache .* has schema 7, this version knows 1"):
        AnswerStore(path)


def _write(path: Path, worker: int) -> None:
    with AnswerStore(path) as store:
        for number in range(30):
            store.put_many(PYPI, {f"{worker}-{number}": kept(number), "shared": kept(worker)})
            store.prune(10**9, {PYPI: 36_500})


def test_two_processes_write_and_prune_at_the_same_time(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(path, worker)) for worker in range(2)]
    for process in workers:
        process.start()
    for process in workers:
        process.join(60)
    assert [process.exitcode for process in workers] == [0, 0]
    with AnswerStore(path) as store:
        wanted = [f"{worker}-{number}" for worker in range(2) for number in range(30)]
        assert len(store.get_many(PYPI, wanted)) == 60
