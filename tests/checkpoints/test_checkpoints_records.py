"""Checkpoints and sealed records: whole, found again, and never believed when a byte is wrong."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import BatchState, CheckpointData, ScanState
from tasks.checkpoints.records.folder import FolderRecords
from tasks.checkpoints.results import stored_batches
from tasks.checkpoints.seal import seal, unseal
from tasks.checkpoints.store import CheckpointStore
from tasks.errors import CheckpointError, UsageError
from tasks.files.temporaries import temporary_for

AT = datetime.fromisoformat("2026-03-04T05:06:07")
BOOK = Path("reviews") / "packages.xlsx"


def _checkpoint(
    scan_id: str = "scan1",
    *,
    state: ScanState = ScanState.RUNNING,
    minutes: int = 0,
    checkpoint_id: str | None = None,
    workbook: Path = BOOK,
    names: tuple[str, ...] = ("requests", "PyYAML"),
) -> CheckpointData:
    at = AT + timedelta(minutes=minutes)
    return CheckpointData(
        checkpoint_id=checkpoint_id or f"id{scan_id}",
        scan_id=scan_id,
        batch_number=3,
        batch_state=BatchState(
            scan_id=scan_id,
            current_batch=3,
            total_batches=49,
            completed_packages=30,
            total_packages=486,
            batch_strategy="fixed-size",
            batch_size=10,
            last_checkpoint_batch=3,
            created_at=at,
            updated_at=at,
        ),
        excel_backup_path=None,
        excel_file_hash="0" * 64,
        package_progress=names,
        created_at=at,
        expires_at=at + timedelta(days=30),
        workbook=str(workbook),
        state=state,
        answers_digest="a" * 64,
    )


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    return CheckpointStore(tmp_path / "checkpoints")


def test_what_is_written_is_loaded(store: CheckpointStore) -> None:
    checkpoint = _checkpoint()
    path = store.write(checkpoint)
    assert path.name == "checkpoint_20260304_050607_idscan1.json"
    assert store.load("idscan1") == checkpoint
    assert store.load("ids") == checkpoint


def test_the_file_is_one_json_document_of_three_lines(store: CheckpointStore) -> None:
    path = store.write(_checkpoint())
    document = json.loads(path.read_bytes())
    assert list(document) == ["head", "body", "sha256"]
    assert document["head"]["total_packages"] == 486
    assert path.read_bytes().count(b"\n") == 3


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5).map(tuple))
def test_any_package_name_survives(tmp_path_factory: pytest.TempPathFactory, names: tuple[str, ...]) -> None:
    store = CheckpointStore(tmp_path_factory.mktemp("any"))
    store.write(_checkpoint(names=names))
    assert store.load("idscan1").package_progress == names


def test_a_line_separator_inside_a_name_is_not_a_line_of_the_file(store: CheckpointStore) -> None:
    names = ("a\u2028b", "c\x85d", "e\x1cf\rg")
    store.write(_checkpoint(names=names))
    assert store.load("idscan1").package_progress == names


def test_one_flipped_byte_anywhere_is_noticed_and_the_list_goes_on(store: CheckpointStore) -> None:
    path = store.write(_checkpoint())
    sound = path.read_bytes()
    for place in range(len(sound)):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ (1 << place % 8)]) + sound[place + 1 :])
        with pytest.raises(CheckpointError, match="checkpoint_2026"):
            store.load("idscan1")
        list(store.heads())


@pytest.mark.parametrize(("old", "new"), [(b"\n", b"\r"), (b"\n", b"\r\n"), (b" ", b"\t"), (b'": ', b'":')])
def test_a_file_rewritten_by_an_editor_is_noticed(store: CheckpointStore, old: bytes, new: bytes) -> None:
    path = store.write(_checkpoint())
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(CheckpointError):
        store.load("idscan1")


def test_a_file_cut_short_anywhere_is_noticed_and_the_list_goes_on(store: CheckpointStore) -> None:
    path = store.write(_checkpoint())
    sound = path.read_bytes()
    for length in (*range(0, len(sound), 64), len(sound) - 1):
        path.write_bytes(sound[:length])
        with pytest.raises(CheckpointError):
            store.load("idscan1")
        list(store.heads())


def test_bytes_after_the_end_are_noticed(store: CheckpointStore) -> None:
    path = store.write(_checkpoint())
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(CheckpointError):
        store.load("idscan1")


def test_the_list_reads_first_lines_only_newest_first(store: CheckpointStore) -> None:
    for number in range(3):
        path = store.write(_checkpoint(f"scan{number}", minutes=number))
        # Whatever stands below the first line, a list does not look at it.
        path.write_bytes(path.read_bytes().partition(b"\n")[0] + b"\n\xff\xfe")
    (store.folder / "checkpoint_20990101_000000_x.json").write_bytes(b"\xff\xfe\x00")
    (store.folder / "checkpoint_20990101_000000_y.json").mkdir()
    heads = list(store.heads())
    assert [head.scan_id for head in heads] == ["scan2", "scan1", "scan0"]
    assert (heads[0].completed_packages, heads[0].total_packages, heads[0].batch_number) == (30, 486, 3)


def test_without_a_folder_there_are_no_checkpoints(store: CheckpointStore) -> None:
    assert list(store.heads()) == []
    assert store.unfinished(BOOK) is None
    store.remove("scan1")


def test_an_unknown_or_ambiguous_id_is_refused_by_name(store: CheckpointStore) -> None:
    store.write(_checkpoint("1"))
    store.write(_checkpoint("2"))
    with pytest.raises(UsageError, match="no checkpoint with id zz"):
        store.load("zz")
    with pytest.raises(UsageError, match="several checkpoints with id id"):
        store.load("id")


def test_a_later_write_of_the_same_scan_replaces_the_earlier(store: CheckpointStore) -> None:
    store.write(_checkpoint())
    store.write(_checkpoint(state=ScanState.INTERRUPTED))
    assert [head.state for head in store.heads()] == [ScanState.INTERRUPTED]


@pytest.mark.parametrize("state", [ScanState.RUNNING, ScanState.INTERRUPTED, ScanState.MERGING])
def test_the_newest_unfinished_scan_of_this_workbook_is_found(store: CheckpointStore, state: ScanState) -> None:
    store.write(_checkpoint("old"))
    newest = _checkpoint("new", minutes=1, state=state)
    store.write(newest)
    store.write(_checkpoint("other", minutes=2, workbook=Path("another.xlsx")))
    assert store.unfinished(BOOK) == newest


def test_a_finished_scan_is_not_resumed_but_an_older_unfinished_one_is(store: CheckpointStore) -> None:
    older = _checkpoint("older")
    store.write(older)
    store.write(_checkpoint("done", minutes=1))
    store.write(_checkpoint("done", minutes=2, state=ScanState.DONE))
    assert store.unfinished(BOOK) == older


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(store: CheckpointStore) -> None:
    older = _checkpoint("older")
    store.write(older)
    path = store.write(_checkpoint("newer", minutes=1))
    path.write_bytes(path.read_bytes().replace(b"requests", b"requestx"))
    assert store.unfinished(BOOK) == older


def test_remove_takes_all_of_one_scan_renamed_ones_too(store: CheckpointStore) -> None:
    store.write(_checkpoint("mine"))
    moved = store.write(_checkpoint("mine", minutes=1))
    moved.rename(moved.with_name("checkpoint_copy_of_mine.json"))
    kept = store.write(_checkpoint("theirs"))
    store.remove("mine")
    assert list(store.folder.iterdir()) == [kept]


def test_a_folder_that_cannot_be_made_is_a_checkpoint_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CheckpointError):
        CheckpointStore(tmp_path / "taken" / "checkpoints").write(_checkpoint())


@given(st.binary())
def test_what_was_sealed_is_unsealed(content: bytes) -> None:
    assert unseal(seal(content)) == content


@given(st.binary(max_size=200), st.data())
def test_a_sealed_record_with_any_byte_changed_or_cut_is_refused(content: bytes, data: st.DataObject) -> None:
    record = seal(content)
    place = data.draw(st.integers(0, len(record) - 1))
    flip = data.draw(st.integers(1, 255))
    for wrong in (record[:place] + bytes([record[place] ^ flip]) + record[place + 1 :], record[:place], record + b" "):
        with pytest.raises(CheckpointError):
            unseal(wrong)


@given(st.binary(max_size=300))
def test_what_was_never_sealed_is_refused(content: bytes) -> None:
    with pytest.raises(CheckpointError):
        unseal(content)


def _store_result(folder: Path, name: str, plain: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(seal(json.dumps({"metadata": {}, "result": json.dumps(plain)}).encode()))
    return path


def test_stored_batches_come_in_order_of_round_and_number(tmp_path: Path) -> None:
    for name, number, again in (("batch-a", 2, 0), ("batch-b", 1, 1), ("batch-c", 10, 0), ("batch-d", 1, 0)):
        _store_result(tmp_path / "scan1", name, {"number": number, "round": again, "keys": [], "reviews": []})
    _store_result(tmp_path / "scan1", "index-e", {"number": 0, "round": 0, "keys": []})
    found = [(plain["round"], plain["number"]) for plain in stored_batches(FolderRecords(tmp_path), "scan1")]
    assert found == [
        (0, 1),
        (0, 2),
        (0, 10),
        (1, 1),
    ]


def test_stored_batches_pass_over_what_is_damaged_or_not_a_batch(tmp_path: Path) -> None:
    sound = {"number": 1, "round": 0, "keys": []}
    _store_result(tmp_path / "scan1", "batch-sound", sound)
    for name, plain in (
        ("batch-list", [1]),
        ("batch-null", None),
        ("batch-short", {"number": 1}),
        ("batch-words", {"number": "one", "round": 0, "keys": []}),
    ):
        _store_result(tmp_path / "scan1", name, plain)
    torn = _store_result(tmp_path / "scan1", "batch-torn", sound)
    torn.write_bytes(torn.read_bytes()[:-1])
    (tmp_path / "scan1" / "batch-text").write_bytes(seal(b"no json"))
    (tmp_path / "scan1" / "batch-other").write_bytes(seal(b'{"result": 5}'))
    (tmp_path / "scan1" / "batch-plain").write_bytes(json.dumps(sound).encode())
    (tmp_path / "scan1" / "batch-folder").mkdir()
    assert list(stored_batches(FolderRecords(tmp_path), "scan1")) == [sound]


def test_a_checkpoint_that_names_no_scan_goes_and_nothing_else_does(tmp_path: Path) -> None:
    keeping, other = Keeping(tmp_path / "data"), tmp_path / "other" / "file"
    other.parent.mkdir()
    other.write_text("of somebody")
    keeping.store.write(_checkpoint("../../other", state=ScanState.DONE, checkpoint_id="0123"))
    assert keeping.tidy(AT) == ["../../other"]
    assert other.exists()
    assert list(keeping.store.heads()) == []


def test_half_a_report_of_a_killed_run_goes_and_that_of_a_living_one_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    living = temporary_for(tmp_path / "output" / "scan_report.html")
    killed = living.with_name(living.name.replace(f"-{os.getpid()}-", f"-{ended.pid}-"))
    living.parent.mkdir()
    for path in (living, killed):
        path.write_text("half")
    Keeping(tmp_path).tidy(AT)
    assert list(living.parent.iterdir()) == [living]


def test_no_result_folder_is_no_batches(tmp_path: Path) -> None:
    assert list(stored_batches(FolderRecords(tmp_path), "missing")) == []
