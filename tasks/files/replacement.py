"""Replacing a workbook: the old one or the new one, whole, wherever the process or the machine stops.

Order of steps: build beside the target, verify, copy the metadata, sync, look again whether the target is
unchanged, back up, write the journal, replace, sync the folder. Every step up to the replace leaves the target as it
was; after the replace the new workbook is in place.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import MergeError, MergeRefused, WorkbookChanged
from tasks.files import platform
from tasks.files.atomic import PRIVATE, PUBLIC, copy_atomically, make_folders
from tasks.files.checks import check_folder, check_replaceable
from tasks.files.disk import sha256_of
from tasks.files.journal import JournalPlan, MergeJournal, write_journal
from tasks.files.reasons import explain
from tasks.files.steps import REAL_STEPS, Steps
from tasks.files.temporaries import discard, temporary_beside


@dataclass(frozen=True, slots=True)
class Replacement:
    """What was done: the real file, its backup, both contents' SHA-256, and a warning in plain words, if any."""

    target: Path
    backup: Path | None
    old_sha256: str
    new_sha256: str
    warning: str | None = None


def replace_workbook(
    target: Path,
    build: Callable[[Path], None],
    *,
    verify: Callable[[Path], None],
    unchanged: Callable[[], None],
    backup: Path | None = None,
    journal: JournalPlan | None = None,
    steps: Steps = REAL_STEPS,
) -> Replacement:
    """Replace an existing workbook atomically; a symbolic link is followed and kept.

    `build` writes the new workbook to the path it is given (a hidden `.tmp` file that exists, empty, beside the
    target); `verify` reads it there and raises if it is not right; `unchanged` raises WorkbookChanged if the
    target is no longer what was read. `backup` is the name for a copy of the old workbook, not yet taken.
    With `journal`, a record is written before the replace and stays: `commit_merge` removes it,
    `roll_back` undoes the merge by it, `recover` reads it after a crash.

    Raises MergeRefused (read-only file or folder, hard links, no ordinary file), WorkbookChanged, MergeError
    (disk full, I/O error and the like), or what the callbacks raise; the target is then as it was and the
    temporary file is removed. Mode, owner, extended attributes and ACL are kept.
    """
    real = check_replaceable(target)
    with _explained(target), temporary_beside(real, steps) as temporary:
        _build_synced(temporary, build, verify, real, steps)
        seen = _identity(real)
        unchanged()
        old = copy_atomically(real, backup, steps=steps) if backup else sha256_of(real)
        done = Replacement(real, backup, old, sha256_of(temporary))
        with _journalled(journal, done, temporary, steps):
            if _identity(real) != seen:
                raise WorkbookChanged(f"{target} was saved by another program while it was being merged; run again.")
            _replace(temporary, real, done.new_sha256, steps)
    return _synced(done, steps)


def create_workbook(
    target: Path,
    build: Callable[[Path], None],
    *,
    verify: Callable[[Path], None],
    like: Path | None = None,
    steps: Steps = REAL_STEPS,
) -> Replacement:
    """Write a workbook where none is, whole or not at all, with the metadata of `like`; folders are made.

    Callbacks as for `replace_workbook`. Raises MergeRefused when `target` exists or its folder is not
    writable, MergeError for the disk's errors, or what the callbacks raise.
    """
    if os.path.lexists(target):
        raise MergeRefused(f"Cannot write {target}: that file exists already; name another.")
    real = Path(os.path.realpath(target))
    with _explained(target), temporary_beside(real, steps) as temporary:
        make_folders(real.parent, steps)
        check_folder(target, real.parent)
        _build_synced(temporary, build, verify, like, steps)
        done = Replacement(real, None, "", sha256_of(temporary))
        _replace(temporary, real, done.new_sha256, steps)
    return _synced(done, steps)


@contextlib.contextmanager
def _explained(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MergeError(f"Cannot write {target}: {explain(error, target)}; nothing was changed.") from error


def _build_synced(
    temporary: Path,
    build: Callable[[Path], None],
    verify: Callable[[Path], None],
    like: Path | None,
    steps: Steps,
) -> None:
    os.close(steps.create(temporary, PRIVATE if like else PUBLIC))
    build(temporary)
    fd = platform.open_to_sync(temporary)
    try:
        verify(temporary)
        if like:
            steps.copy_metadata(like, temporary)
        steps.sync_file(fd)
    finally:
        os.close(fd)


def _identity(path: Path) -> tuple[int, int, int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def _journalled(plan: JournalPlan | None, done: Replacement, temporary: Path, steps: Steps) -> Iterator[None]:
    if plan is None:
        yield
        return
    record = MergeJournal(
        target=done.target,
        backup=done.backup,
        old_sha256=done.old_sha256,
        new_sha256=done.new_sha256,
        temporary=temporary.name,
        scan_id=plan.scan_id,
        started_at=plan.started_at,
    )
    try:
        write_journal(plan.path, record, steps)
        yield
    except BaseException:
        # An interrupt can come after the rename: only while the temporary file stands has nothing happened.
        if temporary.exists():
            discard(plan.path, steps)
        raise


def _replace(temporary: Path, target: Path, new_sha256: str, steps: Steps) -> None:
    try:
        steps.replace(temporary, target)
    except OSError:
        # A network share can repeat a rename that was done and then report that the file is missing.
        if temporary.exists() or sha256_of(target) != new_sha256:
            raise


def _synced(done: Replacement, steps: Steps) -> Replacement:
    try:
        steps.sync_folder(done.target.parent)
    except OSError as error:
        warning = (
            f"{done.target} was written, but its folder could not be synced ({error.strerror or error}): "
            "a power cut in the next seconds may bring the former file back."
        )
        return Replacement(done.target, done.backup, done.old_sha256, done.new_sha256, warning)
    return done
