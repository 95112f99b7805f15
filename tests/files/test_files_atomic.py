"""Whole files or none, for the product's own files."""

import errno
import io
import os
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import CheckpointError, MergeError
from tasks.files.atomic import copy_atomically, pour, write_atomically
from tasks.files.disk import free_bytes, sha256_of
from tasks.files.steps import HookedSteps, RealSteps
from tests.unprivileged import without_root

OLD = b"old " * 1000
NEW = b"new " * 3000


class ShortWrites(RealSteps):
    """Takes a few bytes at a time, as a nearly full or interrupted disk may."""

    def write(self, fd: int, data: memoryview) -> int:
        return super().write(fd, data[:777])


class NoProgress(RealSteps):
    def write(self, fd: int, data: memoryview) -> int:
        return 0


def failing_at(number: int, code: int, *, once: bool) -> HookedSteps:
    def hook(current: int, name: str) -> None:
        if current == number or (current > number and not once):
            raise OSError(code, os.strerror(code))

    return HookedSteps(hook)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_new_file_gets_the_umasks_mode_and_folders_are_made(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "er" / "checkpoint.json"
    write_atomically(target, NEW)
    probe = tmp_path / "probe"
    probe.touch()
    assert target.read_bytes() == NEW
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE(probe.stat().st_mode)
    assert names(target.parent) == ["checkpoint.json"]


def test_existing_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_bytes(OLD)
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, NEW)
    assert link.is_symlink()
    assert real.read_bytes() == NEW
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_every_step_is_taken_in_the_durable_order(tmp_path: Path) -> None:
    taken: list[str] = []
    write_atomically(tmp_path / "a.json", NEW, steps=HookedSteps(lambda _, name: taken.append(name)))
    assert taken == ["create", "write", "sync_file", "replace", "sync_folder"]


def test_short_writes_are_continued(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_atomically(target, NEW, steps=ShortWrites())
    assert target.read_bytes() == NEW


def test_a_write_without_progress_is_an_error_not_a_hang(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.write_bytes(OLD)
    with pytest.raises(CheckpointError, match="the disk reported an error"):
        write_atomically(target, NEW, steps=NoProgress())
    assert target.read_bytes() == OLD
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("once", [True, False])
def test_failure_of_any_step_leaves_the_old_or_the_new_file(tmp_path: Path, code: int, once: bool) -> None:
    target = tmp_path / "a.json"
    failures: list[str] = []
    for number in range(1, 20):
        target.write_bytes(OLD)
        steps = failing_at(number, code, once=once)
        try:
            write_atomically(target, NEW, steps=steps)
        except CheckpointError as error:
            failures.append(str(error))
        else:
            break
        assert target.read_bytes() == (NEW if steps.count == 6 and number == 6 else OLD)
        if once:
            assert names(tmp_path) == ["a.json"]
        for left_over in tmp_path.glob(".a.json.*"):
            left_over.unlink()
    assert number == 7, "create, write, copy_metadata, sync_file, replace, sync_folder; then it runs through"
    assert all(str(target) in message and "\n" not in message for message in failures)


def test_the_callers_error_passes_and_nothing_is_left(tmp_path: Path) -> None:
    def broken(out: BinaryIO) -> None:
        out.write(NEW)
        raise KeyError("not ours")

    with pytest.raises(KeyError):
        write_atomically(tmp_path / "a.json", broken)
    assert names(tmp_path) == []


def test_a_zip_can_be_written_straight_into_the_file(tmp_path: Path) -> None:
    def build(out: BinaryIO) -> None:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("sheet.xml", "<x/>" * 500)
            with archive.open("streamed.xml", "w") as part:
                part.write(NEW)

    target = tmp_path / "a.xlsx"
    write_atomically(target, build)
    with zipfile.ZipFile(target) as archive:
        assert archive.testzip() is None
        assert archive.read("streamed.xml") == NEW


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.binary(max_size=30)), max_size=8))
def test_seeking_and_writing_does_what_an_ordinary_file_does(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[int, bytes]]
) -> None:
    def play(out: BinaryIO) -> None:
        for place, data in moves:
            out.seek(place)
            out.write(data)
            out.truncate()

    target, ordinary = (tmp_path_factory.getbasetemp() / name for name in ("seek.bin", "ordinary.bin"))
    write_atomically(target, play)
    with ordinary.open("wb") as out:
        play(out)
    assert target.read_bytes() == ordinary.read_bytes()


def test_what_is_no_plain_writable_file_is_refused(tmp_path: Path) -> None:
    read_only = tmp_path / "a.json"
    read_only.write_bytes(OLD)
    read_only.chmod(0o444)
    with without_root(read_only, tmp_path), pytest.raises(CheckpointError, match="read-only"):
        write_atomically(read_only, NEW)
    with pytest.raises(CheckpointError, match="not an ordinary file"):
        write_atomically(tmp_path, NEW)
    assert read_only.read_bytes() == OLD


def test_a_copy_is_whole_keeps_its_mode_and_overwrites_nothing(tmp_path: Path) -> None:
    source, copy = tmp_path / "a.xlsx", tmp_path / "backups" / "a.xlsx"
    source.write_bytes(os.urandom(3_000_000))
    source.chmod(0o600)
    assert copy_atomically(source, copy) == sha256_of(source) == sha256_of(copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with pytest.raises(MergeError, match="exists already"):
        copy_atomically(source, copy)


def test_pour_takes_a_file_in_bounded_chunks(tmp_path: Path) -> None:
    source = tmp_path / "big"
    source.write_bytes(bytes(5_000_000))
    sizes: list[int] = []

    class Sizes(io.BytesIO):
        def write(self, data: object, /) -> int:
            assert isinstance(data, bytes)
            sizes.append(len(data))
            return len(data)

    assert pour(source, Sizes()) == sha256_of(source)
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == 5_000_000


def test_free_bytes_answers_for_folders_not_made_yet(tmp_path: Path) -> None:
    here = free_bytes(tmp_path)
    assert here > 0
    assert abs(free_bytes(tmp_path / "not" / "yet") - here) < 1_000_000_000
