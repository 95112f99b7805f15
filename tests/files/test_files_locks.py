"""One scan at a time per workbook, across real processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tasks.files
from tasks.errors import MergeError, WorkbookLocked
from tasks.files.locks import WorkbookLock, default_lock_folder
from tests.clocks import SleepersClock

HOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tasks.files.locks import WorkbookLock
with WorkbookLock(Path(sys.argv[2]), scan_id="other-scan", folder=Path(sys.argv[3])).acquire():
    print("held", flush=True)
    sys.stdin.read()
print("released", flush=True)
"""


@contextmanager
def holder(target: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    root = str(Path(tasks.files.__file__).parents[2])
    command = [sys.executable, "-c", HOLDER, root, str(target), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "user" / "packages.xlsx"
    path.parent.mkdir()
    path.write_bytes(b"workbook")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "locks"


def test_another_process_is_named_and_its_death_frees_the_lock(target: Path, folder: Path) -> None:
    lock, clock = WorkbookLock(target, scan_id="mine", folder=folder), SleepersClock()
    with holder(target, folder) as process:
        with (
            pytest.raises(WorkbookLocked, match=rf"scan other-scan \(process {process.pid} on ") as caught,
            lock.acquire(2.0, clock=clock, sleep=clock.sleep),
        ):
            pass
        assert str(target) in str(caught.value)
        assert sum(clock.slept) == pytest.approx(2.0)
        process.kill()
        process.wait()
        with lock.acquire():
            assert list(target.parent.iterdir()) == [target], "nothing is left in the reviewer's folder"


def test_the_lock_is_got_as_soon_as_the_other_lets_go(target: Path, folder: Path) -> None:
    clock = SleepersClock()
    with holder(target, folder) as process:

        def other_ends(seconds: float) -> None:
            clock.sleep(seconds)
            if len(clock.slept) == 3:
                process.communicate("")

        with WorkbookLock(target, scan_id="mine", folder=folder).acquire(60, clock=clock, sleep=other_ends):
            assert len(clock.slept) == 3


def test_every_way_to_write_the_path_is_one_lock_and_other_workbooks_are_free(target: Path, folder: Path) -> None:
    link = target.parent.parent / "link.xlsx"
    link.symlink_to(target)
    with WorkbookLock(target, scan_id="one", folder=folder).acquire():
        for same in (link, target.parent / ".." / "user" / "packages.xlsx"):
            with (
                pytest.raises(WorkbookLocked, match="scan one"),
                WorkbookLock(same, scan_id="two", folder=folder).acquire(),
            ):
                pass
        with WorkbookLock(target.with_name("other.xlsx"), scan_id="two", folder=folder).acquire():
            pass
    with WorkbookLock(link, scan_id="two", folder=folder).acquire():
        pass


def test_an_error_inside_frees_the_lock(target: Path, folder: Path) -> None:
    lock = WorkbookLock(target, scan_id="one", folder=folder)
    with pytest.raises(KeyError), lock.acquire():
        raise KeyError
    with lock.acquire():
        pass


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"{",
        b"[1]",
        b'{"pid": "x", "host": 1}',
        b'{"pid": 0, "host": "h"}',
        b'{"pid": 1e400, "host": "h", "scan_id": "s"}',
        b"\xff" * 9999,
    ],
)
def test_a_torn_note_only_hides_the_name(target: Path, folder: Path, note: bytes) -> None:
    with WorkbookLock(target, scan_id="one", folder=folder).acquire():
        (path,) = folder.glob("*.json")
        path.write_bytes(note)
        with (
            pytest.raises(WorkbookLocked, match="another scan"),
            WorkbookLock(target, scan_id="two", folder=folder).acquire(),
        ):
            pass


@pytest.mark.skipif(os.name == "nt", reason="Windows folders have no such mode")
def test_a_folder_open_to_others_or_a_link_is_refused(target: Path, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with (
        pytest.raises(MergeError, match="not this user's alone"),
        WorkbookLock(target, scan_id="x", folder=folder).acquire(),
    ):
        pass
    folder.chmod(0o700)
    link = tmp_path / "link"
    link.symlink_to(folder)
    with (
        pytest.raises(MergeError, match="not this user's alone"),
        WorkbookLock(target, scan_id="x", folder=link).acquire(),
    ):
        pass


def test_a_place_that_cannot_be_a_folder_is_refused(target: Path) -> None:
    with (
        pytest.raises(MergeError, match="Cannot lock"),
        WorkbookLock(target, scan_id="x", folder=target / "in").acquire(),
    ):
        pass


def test_the_default_folder_is_private_and_away_from_the_workbook(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with WorkbookLock(target, scan_id="one").acquire():
        folder = default_lock_folder()
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o077 == 0 or os.name == "nt"
        assert len(list(folder.iterdir())) == 2
        assert list(target.parent.iterdir()) == [target]
