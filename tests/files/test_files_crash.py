"""The process killed, or the power cut, before every single step of a merge."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

import tasks.files
from tasks.files.backups import prune
from tasks.files.journal import JournalPlan, commit_merge, journal_path
from tasks.files.recovery import RecoveryOutcome, recover
from tasks.files.replacement import replace_workbook
from tasks.files.steps import RealSteps
from tasks.files.temporaries import remove_stale_temporaries

OLD = b"old workbook " * 500
NEW = b"new workbook " * 800
CHUNK = 3000
MOMENT = datetime.fromisoformat("2026-01-02")

CHILD = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tasks.files.journal import JournalPlan, commit_merge, journal_path
from tasks.files.replacement import replace_workbook
from tasks.files.steps import HookedSteps

target, data, fatal = Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
NEW = b"new workbook " * 800

def hook(number, name):
    if number == fatal:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

steps = HookedSteps(hook)

def build(path):
    fd = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_BINARY", 0))
    for start in range(0, len(NEW), 3000):
        steps.write(fd, memoryview(NEW)[start:start + 3000])
    os.close(fd)

journal = journal_path(data, target)
replace_workbook(target, build, verify=lambda path: None, unchanged=lambda: None,
    backup=data / "backups" / "packages.backup.xlsx",
    journal=JournalPlan(journal, "scan-1", datetime(2026, 1, 2)), steps=steps)
commit_merge(journal, steps)
"""


def run_child(target: Path, data: Path, fatal: int) -> int:
    root = Path(tasks.files.__file__).parents[2]
    command = [sys.executable, "-I", "-S", "-c", CHILD, str(root), str(target), str(data), str(fatal)]
    return subprocess.run(command, check=False, timeout=60).returncode


def settle(target: Path, data: Path, *, lock_held: bool = False) -> RecoveryOutcome:
    """Recover as the next run does; check that it tells the truth and that nothing is left over."""
    before = target.read_bytes()
    journal = journal_path(data, target)
    recorded = journal.exists()
    found = recover(journal)
    if recorded:
        assert found.outcome is (RecoveryOutcome.FINISHED if before == NEW else RecoveryOutcome.UNDONE)
    else:
        assert found.outcome is RecoveryOutcome.NOTHING
    remove_stale_temporaries(target, lock_held=lock_held)
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert not journal.exists()
    return found.outcome


def test_killed_before_any_step_the_workbook_is_old_or_new_and_the_next_run_completes(tmp_path: Path) -> None:
    outcomes: list[RecoveryOutcome] = []
    for fatal in range(1, 60):
        target, data = tmp_path / str(fatal) / "user" / "packages.xlsx", tmp_path / str(fatal) / "data"
        target.parent.mkdir(parents=True)
        target.write_bytes(OLD)
        code = run_child(target, data, fatal)
        assert target.read_bytes() in {OLD, NEW}
        backup = data / "backups" / "packages.backup.xlsx"
        assert not backup.exists() or backup.read_bytes() == OLD
        assert backup.exists() or target.read_bytes() == OLD
        outcomes.append(settle(target, data))
        if (data / "backups").exists():
            prune(data / "backups", keep_count=9, keep_days=9, free_bytes_wanted=0, now=MOMENT)
            assert {path.name for path in (data / "backups").iterdir()} <= {backup.name}
        if code == 0:
            break
        backup.unlink(missing_ok=True)
        if fatal % 5 == 0:
            assert run_child(target, data, 0) == 0
            assert target.read_bytes() == NEW
    assert code == 0
    assert set(outcomes) == {RecoveryOutcome.NOTHING, RecoveryOutcome.UNDONE, RecoveryOutcome.FINISHED}


class PowerCut(BaseException):
    """The machine stops; nothing after it runs."""


class Volatile(RealSteps):
    """A disk that keeps only what was synced: file contents by `sync_file`, names by `sync_folder`.

    After the SQLite project's crash tests, which replay only the synced writes (sqlite.org/testing.html).
    """

    def __init__(self, last_step: int) -> None:
        self.left = last_step
        self.synced: dict[int, bytes] = {}
        self.renames: list[tuple[Path, Callable[[], None]]] = []

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise PowerCut

    def create(self, path: Path, mode: int) -> int:
        self._step()
        fd = super().create(path, mode)
        self.synced[os.fstat(fd).st_ino] = b""
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        self._step()
        return super().write(fd, data)

    def sync_file(self, fd: int) -> None:
        self._step()
        with open(f"/proc/self/fd/{fd}", "rb") as file:  # noqa: PTH123 - a descriptor's file, whatever its name
            self.synced[os.fstat(fd).st_ino] = file.read()

    def replace(self, temporary: Path, target: Path) -> None:
        self._step()
        former = target.read_bytes() if target.exists() else None
        super().replace(temporary, target)
        self.renames.append((target.parent, lambda: self._undo(temporary, target, former)))

    @staticmethod
    def _undo(temporary: Path, target: Path, former: bytes | None) -> None:
        target.replace(temporary)
        if former is not None:
            target.write_bytes(former)

    def unlink(self, path: Path) -> None:
        self._step()
        content = path.read_bytes()
        super().unlink(path)
        self.renames.append((path.parent, lambda: _put_back(path, content)))

    def copy_metadata(self, source: Path, target: Path) -> None:
        self._step()

    def sync_folder(self, folder: Path) -> None:
        self._step()
        self.renames = [rename for rename in self.renames if rename[0] != folder]

    def make_folder(self, folder: Path) -> None:
        self._step()
        super().make_folder(folder)
        self.renames.append((folder.parent, lambda: shutil.rmtree(folder)))

    def lose_power(self, place: Path, *, renames_too: bool) -> None:
        for path in place.rglob("*"):
            if path.is_file() and path.stat().st_ino in self.synced:
                path.write_bytes(self.synced[path.stat().st_ino])
        if renames_too:
            for _, undo in reversed(self.renames):
                undo()


def _put_back(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def merge(target: Path, data: Path, steps: Volatile, reached: list[str]) -> None:
    def build(path: Path) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC)
        try:
            for start in range(0, len(NEW), CHUNK):
                steps.write(fd, memoryview(NEW)[start : start + CHUNK])
        finally:
            os.close(fd)

    journal = journal_path(data, target)
    replace_workbook(
        target,
        build,
        verify=lambda path: None,
        unchanged=lambda: None,
        backup=data / "backups" / "packages.backup.xlsx",
        journal=JournalPlan(journal, "scan-1", MOMENT),
        steps=steps,
    )
    reached.append("replaced")
    commit_merge(journal, steps)
    reached.append("committed")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads a descriptor's file by /proc")
@pytest.mark.parametrize("renames_too", [False, True])
def test_power_cut_before_any_step_loses_neither_workbook_nor_backup(tmp_path: Path, renames_too: bool) -> None:
    for last_step in range(60):
        target, data = tmp_path / str(last_step) / "user" / "packages.xlsx", tmp_path / str(last_step) / "data"
        target.parent.mkdir(parents=True)
        target.write_bytes(OLD)
        steps, reached = Volatile(last_step), list[str]()
        try:
            merge(target, data, steps, reached)
        except PowerCut:
            assert "committed" not in reached
        steps.lose_power(target.parents[1], renames_too=renames_too)
        now = target.read_bytes()
        assert now in {OLD, NEW}
        if now == NEW:
            assert (data / "backups" / "packages.backup.xlsx").read_bytes() == OLD
            assert journal_path(data, target).exists() or "replaced" in reached
        if reached:
            assert now == NEW, "what was reported as done survives"
        assert "committed" not in reached or not journal_path(data, target).exists()
        # The machine is this test's own process, so its temporary files' owner is alive.
        settle(target, data, lock_held=True)
        if "committed" in reached:
            break
    assert reached == ["replaced", "committed"]
