"""The result storage block: whole or not at all, and nothing believed that does not match its checksum."""

import asyncio
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite

from blocks.results import ResultStorage
from tasks.errors import CheckpointError, ResultsUnreachable
from tests.s3_places import S3Server, s3, s3_server

__all__ = ["s3", "s3_server"]


class TestStandard(BlockStandardTestSuite):
    """What Prefect asks of every block."""

    @pytest.fixture
    def block(self) -> type[ResultStorage]:
        return ResultStorage


@pytest.fixture
def storage(tmp_path: Path) -> ResultStorage:
    return ResultStorage(address=str(tmp_path / "results"))


def test_what_is_written_is_read_by_both_halves_of_the_pair(storage: ResultStorage) -> None:
    storage.write_path("scan/key", b"content")
    assert storage.read_path("scan/key") == b"content"
    asyncio.run(storage.awrite_path("scan/other", b"more"))
    assert asyncio.run(storage.aread_path("scan/other")) == b"more"
    assert storage.holds("scan/key")
    assert not storage.holds("scan/none")


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_is_noticed_and_the_record_set_aside(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    storage = ResultStorage(address=str(tmp_path_factory.mktemp("results")))
    storage.write_path("key", b'{"result": "some batch"}')
    path = Path(storage.address, "key")
    record = bytearray(path.read_bytes())
    record[place % len(record)] ^= 1 << bit
    path.write_bytes(record)
    with pytest.raises(CheckpointError):
        storage.read_path("key")
    assert not path.exists()
    assert path.with_name("key.damaged").read_bytes() == bytes(record)


def test_results_in_s3_are_whole_or_set_aside(s3: S3Server) -> None:
    storage = ResultStorage(address=s3.address)
    storage.write_path("scan/key", b"content")
    assert s3.names() == ["some/prefix/scan/key"]
    assert storage.read_path("scan/key") == asyncio.run(storage.aread_path("scan/key")) == b"content"
    s3.records.write("scan/key", b"altered")
    assert not storage.holds("scan/key")
    assert s3.names() == ["some/prefix/scan/key.damaged"]
    with pytest.raises(FileNotFoundError):
        storage.read_path("scan/key")


def test_while_s3_is_away_no_result_counts_as_missing_and_that_is_said_once(
    s3: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    storage = ResultStorage(address=s3.address)
    storage.write_path("scan/key", b"content")
    s3.down()
    with caplog.at_level(logging.WARNING):
        for use in (storage.read_path, storage.read_path, storage.holds, lambda key: storage.write_path(key, b"x")):
            with pytest.raises(ResultsUnreachable):
                use("scan/key")
    assert caplog.text.count("Whether a batch is stored already cannot be said") == 1
    assert "hidden-away" not in f"{caplog.text}{storage!r}{storage.model_dump_json()}"


def test_a_damaged_record_is_named_in_a_warning(storage: ResultStorage, caplog: pytest.LogCaptureFixture) -> None:
    storage.write_path("key", b"content")
    Path(storage.address, "key").write_bytes(b"torn")
    with caplog.at_level(logging.WARNING), pytest.raises(CheckpointError):
        storage.read_path("key")
    assert "key is damaged" in caplog.text


@pytest.mark.parametrize("key", ["../outside", "a/../../outside", "/etc/passwd"])
def test_a_key_cannot_leave_the_folder(storage: ResultStorage, key: str) -> None:
    with pytest.raises(CheckpointError, match="outside"):
        storage.write_path(key, b"content")
