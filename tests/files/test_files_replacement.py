"""Replacing somebody's workbook: refusals, metadata, and failures of every step."""

import errno
import os
import re
import stat
import struct
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tasks.errors import MergeError, MergeRefused, WorkbookChanged
from tasks.files.disk import sha256_of
from tasks.files.journal import JournalPlan, journal_path
from tasks.files.reasons import explain
from tasks.files.recovery import RecoveryOutcome, recover
from tasks.files.replacement import Replacement, create_workbook, replace_workbook
from tasks.files.steps import REAL_STEPS, HookedSteps, RealSteps, Steps
from tasks.files.temporaries import remove_stale_temporaries
from tests.unprivileged import without_root

OLD = b"old workbook " * 500
NEW = b"new workbook " * 800
ROOT = getattr(os, "geteuid", lambda: -1)() == 0


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    path = tmp_path / "user" / "packages.xlsx"
    path.parent.mkdir()
    path.write_bytes(OLD)
    return path


def building(steps: Steps = REAL_STEPS) -> Callable[[Path], None]:
    def build(path: Path) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_BINARY", 0))
        try:
            for start in range(0, len(NEW), 4000):
                left = memoryview(NEW)[start : start + 4000]
                while left:
                    left = left[steps.write(fd, left) :]
        finally:
            os.close(fd)

    return build


def check(path: Path) -> None:
    if path.read_bytes() != NEW:
        raise MergeError("The new workbook is not whole.")


def replace(target: Path, data: Path, steps: Steps = REAL_STEPS) -> Replacement:
    for earlier in (data / "backups").glob("*"):
        earlier.unlink()
    return replace_workbook(
        target,
        building(steps),
        verify=check,
        unchanged=lambda: None,
        backup=data / "backups" / "packages.backup_20260102_030405.xlsx",
        journal=JournalPlan(journal_path(data, target), "scan-1", datetime.fromisoformat("2026-01-02T03:04:05")),
        steps=steps,
    )


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_new_workbook_is_in_place_with_backup_and_journal(workbook: Path, tmp_path: Path) -> None:
    done = replace(workbook, tmp_path)
    assert workbook.read_bytes() == NEW
    assert done.backup is not None
    assert done.backup.read_bytes() == OLD
    assert (done.old_sha256, done.new_sha256) == (sha256_of(done.backup), sha256_of(workbook))
    assert done.warning is None
    assert names(workbook.parent) == ["packages.xlsx"]
    assert journal_path(tmp_path, workbook).exists()


def test_a_symbolic_link_is_followed_and_kept(workbook: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.xlsx"
    link.symlink_to(workbook)
    assert replace(link, tmp_path).target == workbook.resolve()
    assert link.is_symlink()
    assert workbook.read_bytes() == NEW


def refuse(target: Path, reason: str) -> None:
    def never(path: Path) -> None:
        raise AssertionError("nothing is built for a workbook that is refused")

    with pytest.raises(MergeRefused, match=reason):
        replace_workbook(target, never, verify=never, unchanged=lambda: None)


def test_hard_links_are_refused(workbook: Path) -> None:
    (workbook.parent / "other.xlsx").hardlink_to(workbook)
    refuse(workbook, "hard links")
    assert workbook.read_bytes() == OLD


def test_read_only_file_is_refused(workbook: Path) -> None:
    workbook.chmod(0o444)
    with without_root(workbook, workbook.parent):
        refuse(workbook, "read-only")


@pytest.mark.skipif(os.name == "nt", reason="Windows folders have no such mode")
def test_read_only_folder_is_refused(workbook: Path) -> None:
    workbook.parent.chmod(0o555)
    try:
        with without_root(workbook, workbook.parent):
            refuse(workbook, "folder")
    finally:
        workbook.parent.chmod(0o755)


def test_folder_missing_file_and_circle_of_links_are_refused(workbook: Path, tmp_path: Path) -> None:
    refuse(workbook.parent, "not an ordinary file")
    refuse(tmp_path / "none.xlsx", "missing")
    circle = tmp_path / "circle.xlsx"
    circle.symlink_to(circle)
    refuse(circle, "circle")


@pytest.mark.skipif(os.name == "nt", reason="ReplaceFileW keeps metadata there")
def test_mode_is_kept_and_the_modification_time_is_new(workbook: Path, tmp_path: Path) -> None:
    workbook.chmod(0o664)
    os.utime(workbook, (1_000_000_000, 1_000_000_000))
    replace(workbook, tmp_path)
    assert stat.S_IMODE(workbook.stat().st_mode) == 0o664
    assert workbook.stat().st_mtime > 1_500_000_000


@pytest.mark.skipif(not ROOT, reason="only root may give files away")
def test_owner_and_group_are_kept_for_root(workbook: Path, tmp_path: Path) -> None:
    os.chown(workbook, 12345, 23456)
    workbook.chmod(0o640)
    replace(workbook, tmp_path)
    found = workbook.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 23456, 0o640)


@pytest.mark.skipif(not ROOT, reason="becomes another user for a moment")
def test_a_group_that_cannot_be_kept_does_not_hand_its_rights_to_another(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        target = Path(name) / "packages.xlsx"
        target.write_bytes(OLD)
        Path(name).chmod(0o777)
        os.chown(target, 54321, 23456)
        target.chmod(0o666)
        target.chmod(0o662)
        os.seteuid(54321)
        try:
            replace_workbook(target, building(), verify=check, unchanged=lambda: None)
        finally:
            os.seteuid(0)
        assert target.stat().st_gid != 23456
        assert stat.S_IMODE(target.stat().st_mode) == 0o622


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="Linux only")
def test_extended_attributes_and_acl_are_kept(workbook: Path, tmp_path: Path) -> None:
    entries = [(0x01, 6, 2**32 - 1), (0x02, 6, 1234), (0x04, 4, 2**32 - 1), (0x10, 6, 2**32 - 1), (0x20, 0, 2**32 - 1)]
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(workbook, "user.vetbook.test", b"kept")
        os.setxattr(workbook, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no extended attributes")
    replace(workbook, tmp_path)
    assert os.getxattr(workbook, "user.vetbook.test") == b"kept"
    assert os.getxattr(workbook, "system.posix_acl_access") == acl


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
@pytest.mark.parametrize("once", [True, False])
def test_failure_of_any_step_leaves_the_old_workbook_or_succeeds(
    workbook: Path, tmp_path: Path, code: int, once: bool
) -> None:
    warnings, failures = 0, list[str]()
    for number in range(1, 60):
        workbook.write_bytes(OLD)

        def hook(current: int, name: str, number: int = number) -> None:
            if current == number or (current > number and not once):
                raise OSError(code, os.strerror(code))

        steps, data = HookedSteps(hook), tmp_path / str(number)
        data.mkdir()
        try:
            done = replace(workbook, data, steps)
        except MergeError as error:
            failures.append(str(error))
            assert workbook.read_bytes() == OLD
            outcome = recover(journal_path(data, workbook)).outcome
            assert outcome in {RecoveryOutcome.NOTHING, RecoveryOutcome.UNDONE}
            if once:
                assert names(workbook.parent) == ["packages.xlsx"]
        else:
            assert workbook.read_bytes() == NEW
            warnings += done.warning is not None
        remove_stale_temporaries(workbook, lock_held=True)
        assert names(workbook.parent) == ["packages.xlsx"]
        if steps.count < number:
            break
    assert steps.count < number, "the loop ends only when every step has failed once"
    assert warnings == 1, "only the sync after the replace is a warning"
    assert len(failures) == number - 2
    assert not any("\n" in message for message in failures)


def test_short_writes_make_a_whole_workbook(workbook: Path, tmp_path: Path) -> None:
    class Short(RealSteps):
        def write(self, fd: int, data: memoryview) -> int:
            return super().write(fd, data[:123])

    done = replace(workbook, tmp_path, Short())
    assert workbook.read_bytes() == NEW
    assert done.backup is not None
    assert done.backup.read_bytes() == OLD


def test_what_does_not_verify_is_not_put_in_place(workbook: Path) -> None:
    def refused(path: Path) -> None:
        raise MergeRefused("The new workbook lost a sheet.")

    with pytest.raises(MergeRefused, match="lost a sheet"):
        replace_workbook(workbook, building(), verify=refused, unchanged=lambda: None)
    assert workbook.read_bytes() == OLD
    assert names(workbook.parent) == ["packages.xlsx"]


def test_an_edit_before_the_last_look_is_not_overwritten(workbook: Path) -> None:
    def changed() -> None:
        raise WorkbookChanged("Saved meanwhile.")

    with pytest.raises(WorkbookChanged):
        replace_workbook(workbook, building(), verify=check, unchanged=changed)
    assert workbook.read_bytes() == OLD


def test_an_edit_between_backup_and_replace_is_not_overwritten(workbook: Path, tmp_path: Path) -> None:
    def hook(number: int, name: str) -> None:
        if name == "make_folder":
            workbook.write_bytes(b"the reviewer's own save")

    with pytest.raises(WorkbookChanged, match="run again"):
        replace(workbook, tmp_path, HookedSteps(hook))
    assert workbook.read_bytes() == b"the reviewer's own save"
    assert not journal_path(tmp_path, workbook).exists()
    assert names(workbook.parent) == ["packages.xlsx"]


def test_a_rename_that_was_done_but_reported_as_failed_counts_as_done(workbook: Path, tmp_path: Path) -> None:
    class Retried(RealSteps):
        def replace(self, temporary: Path, target: Path) -> None:
            super().replace(temporary, target)
            if target == workbook:
                raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    assert replace(workbook, tmp_path, Retried()).warning is None
    assert workbook.read_bytes() == NEW


def test_an_interrupt_after_the_replace_keeps_the_journal(workbook: Path, tmp_path: Path) -> None:
    class Interrupted(RealSteps):
        def replace(self, temporary: Path, target: Path) -> None:
            super().replace(temporary, target)
            if target == workbook:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace(workbook, tmp_path, Interrupted())
    assert recover(journal_path(tmp_path, workbook)).outcome is RecoveryOutcome.FINISHED
    assert workbook.read_bytes() == NEW


def test_messages_say_what_where_and_what_to_do(workbook: Path, tmp_path: Path) -> None:
    def full(number: int, name: str) -> None:
        if name == "write":
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(MergeError) as caught:
        replace(workbook, tmp_path, HookedSteps(full))
    text = str(caught.value)
    assert text.startswith(f"Cannot write {workbook}: the disk is full; free some space and run again (")
    assert text.endswith("MB are free there); nothing was changed.")


def test_a_workbook_is_created_like_another_and_never_over_one(workbook: Path, tmp_path: Path) -> None:
    workbook.chmod(0o640)
    output = tmp_path / "out" / "new.xlsx"
    done = create_workbook(output, building(), verify=check, like=workbook)
    assert output.read_bytes() == NEW
    assert stat.S_IMODE(output.stat().st_mode) == 0o640 or os.name == "nt"
    assert (done.backup, done.old_sha256) == (None, "")
    with pytest.raises(MergeRefused, match="exists already"):
        create_workbook(output, building(), verify=check)


@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_every_error_number_has_a_reason_and_an_advice(tmp_path: Path, code: int) -> None:
    text = explain(OSError(code, os.strerror(code)), tmp_path / "packages.xlsx")
    assert re.search(r"; .+ run again", text)
    assert "\n" not in text
