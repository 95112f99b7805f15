"""What every place for records promises, held against each of them."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.checkpoints.records.folder import FolderRecords
from tasks.checkpoints.records.interface import Records
from tasks.errors import CheckpointError

SCAN, OTHER = "0123456789ab", "ba9876543210"
BATCH = f"{SCAN}/batch-{'a' * 32}"


@pytest.fixture(params=["folder", "s3"])
def records(request: pytest.FixtureRequest, tmp_path: Path) -> Records:
    if request.param == "folder":
        return FolderRecords(tmp_path / "results")
    made: Records = request.getfixturevalue("s3").records
    return made


def _batch(letter: str, scan_id: str = SCAN) -> str:
    return f"{scan_id}/batch-{letter * 32}"


def test_a_place_that_is_empty_can_be_used_and_holds_nothing(records: Records) -> None:
    records.check()
    assert records.scan_ids() == []
    assert records.keys(SCAN, "batch") == []
    assert records.read(BATCH) is None
    assert records.head(BATCH, 10) is None


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000])
def test_what_was_written_is_read_and_replaced_whole(records: Records, content: bytes) -> None:
    records.write(BATCH, b"the former one, which was longer" * 100)
    records.write(BATCH, content)
    assert records.read(BATCH) == content
    assert records.head(BATCH, 7) == (content[:7] or None)


def test_a_record_set_aside_is_gone_from_its_place_and_kept(records: Records) -> None:
    records.write(BATCH, b"damaged")
    records.write(_batch("b"), b"sound")
    aside = records.set_aside(BATCH, b"damaged")
    assert aside.endswith(f"{BATCH}.damaged")
    assert records.read(BATCH) is None
    assert records.read(f"{BATCH}.damaged") == b"damaged"
    assert records.keys(SCAN, "batch") == [_batch("b")]


def test_keys_are_those_of_one_scan_and_one_kind_in_order(records: Records) -> None:
    wanted = [_batch(letter) for letter in "fbdac"]
    for key in (*wanted, _batch("a", OTHER), f"{SCAN}/index-{'a' * 32}", f"{SCAN}/scan.json"):
        records.write(key, b"x")
    assert records.keys(SCAN, "batch") == sorted(wanted)
    assert records.scan_ids() == [SCAN, OTHER]


def test_removing_a_scan_leaves_the_others(records: Records) -> None:
    for key in (BATCH, f"{SCAN}/scan.json", f"{BATCH}.damaged", _batch("a", OTHER)):
        records.write(key, b"x")
    records.remove(SCAN)
    records.remove(SCAN)
    assert records.scan_ids() == [OTHER]
    assert records.read(_batch("a", OTHER)) == b"x"


def test_a_scan_changes_when_something_of_it_is_written(records: Records) -> None:
    records.write(BATCH, b"x")
    age = datetime.now(UTC).replace(tzinfo=None) - records.changed(SCAN)
    assert timedelta(minutes=-1) < age < timedelta(minutes=1)


def test_each_key_is_asked_for_once_and_answers_come_in_order(records: Records) -> None:
    keys = [f"{SCAN}/batch-{number:032x}" for number in range(40)]
    for key in keys:
        records.write(key, key.encode())
    asked: list[str] = []
    lock = threading.Lock()

    def ask(key: str) -> bytes | None:
        with lock:
            asked.append(key)
        return records.read(key)

    assert list(records.each(keys, ask)) == [key.encode() for key in keys]
    assert sorted(asked) == keys


def test_an_error_of_one_key_reaches_who_asks(records: Records) -> None:
    def ask(key: str) -> None:
        raise CheckpointError(key)

    with pytest.raises(CheckpointError):
        list(records.each([BATCH], ask))


def test_no_key_leads_out_of_the_place(records: Records) -> None:
    uses: list[Callable[[str], object]] = [
        records.read,
        lambda key: records.head(key, 1),
        lambda key: records.write(key, b""),
        records.remove,
        lambda key: records.keys(key, "batch"),
        records.changed,
    ]
    for key in ("../outside", "a/../../outside", "/etc/passwd", "", "a//b", "..", "a\\..\\b", "C:x"):
        for use in uses:
            with pytest.raises(CheckpointError, match="outside"):
                use(key)
