"""After a crash or a failure: is the workbook the new one, the old one, or somebody's edit of either?

Whoever calls `recover` or `roll_back` holds the workbook's lock.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from tasks.errors import MergeError, WorkbookChanged
from tasks.files import platform
from tasks.files.atomic import pour, write_atomically
from tasks.files.disk import sha256_of
from tasks.files.journal import MergeJournal, commit_merge, read_journal
from tasks.files.reasons import explain
from tasks.files.steps import REAL_STEPS, Steps
from tasks.files.temporaries import discard, is_temporary_of


class RecoveryOutcome(StrEnum):
    """nothing: no merge was open; finished: the new workbook is in place; undone: the old one is;
    unclear: it is neither, or the record cannot be read, and nothing was touched."""

    NOTHING = "nothing"
    FINISHED = "finished"
    UNDONE = "undone"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found of an interrupted merge, a sentence for the reviewer, and the record where it could be read."""

    outcome: RecoveryOutcome
    sentence: str
    journal: MergeJournal | None = None


def recover(path: Path, steps: Steps = REAL_STEPS) -> Recovery:
    """Finish or undo what an interrupted merge left, by the record at `path`; the caller holds the workbook's lock.

    The record and the temporary file are removed, or, where the case is unclear, the record is set aside as
    `PATH.unclear` and the workbook and its backup are left alone. Raises MergeError when a file cannot be
    read or written; the record then stays.
    """
    if not path.exists():
        return Recovery(RecoveryOutcome.NOTHING, "No merge was interrupted.")
    try:
        return _recover(path, steps)
    except OSError as error:
        raise MergeError(f"Cannot settle the interrupted merge by {path}: {explain(error, path)}.") from error


def _recover(path: Path, steps: Steps) -> Recovery:
    try:
        journal = read_journal(path)
    except MergeError as error:
        return _set_aside(path, Recovery(RecoveryOutcome.UNCLEAR, str(error)), steps)
    _finish_windows_swap(journal, steps)
    found = sha256_of(journal.target) if journal.target.exists() else None
    if found not in {journal.old_sha256, journal.new_sha256}:
        return _set_aside(path, _unclear(journal, missing=found is None), steps)
    _discard_temporary(journal, steps)
    commit_merge(path, steps)
    return _settled(journal, finished=found == journal.new_sha256)


def _settled(journal: MergeJournal, *, finished: bool) -> Recovery:
    what = f"The interrupted merge of {journal.target} (scan {journal.scan_id})"
    if finished:
        return Recovery(RecoveryOutcome.FINISHED, f"{what} had been written; it is complete now.", journal)
    return Recovery(RecoveryOutcome.UNDONE, f"{what} had not been written; the workbook is as it was.", journal)


def _unclear(journal: MergeJournal, *, missing: bool) -> Recovery:
    state = (
        "is no longer there" if missing else "is neither as before the merge nor as after it: somebody saved it since"
    )
    kept = f"the workbook before the merge is kept in {journal.backup}" if journal.backup else "no backup was made"
    sentence = f"{journal.target} {state}; it is left alone, and {kept}."
    return Recovery(RecoveryOutcome.UNCLEAR, sentence, journal)


def _set_aside(path: Path, recovery: Recovery, steps: Steps) -> Recovery:
    if recovery.journal and recovery.journal.target.exists():
        _discard_temporary(recovery.journal, steps)
    steps.replace(path, path.with_name(path.name + ".unclear"))
    steps.sync_folder(path.parent)
    return recovery


def _discard_temporary(journal: MergeJournal, steps: Steps) -> None:
    # The name comes from a file: only what we would have made ourselves is removed.
    if is_temporary_of(journal.temporary, journal.target):
        discard(journal.target.with_name(journal.temporary), steps)


def _finish_windows_swap(journal: MergeJournal, steps: Steps) -> None:
    """Put a workbook back that Windows had moved aside when the process was killed in the middle of the swap."""
    if journal.target.exists() or not is_temporary_of(journal.temporary, journal.target):
        return
    temporary = journal.target.with_name(journal.temporary)
    aside = platform.aside_of(temporary)
    if not aside.exists():
        return
    complete = temporary.exists() and sha256_of(temporary) == journal.new_sha256
    steps.replace(temporary if complete else aside, journal.target)
    steps.sync_folder(journal.target.parent)
    if complete:
        discard(aside, steps)


def restore_backup(target: Path, backup: Path, *, old_sha256: str, new_sha256: str, steps: Steps = REAL_STEPS) -> None:
    """Put the old workbook back, atomically, if `target` still is the new one; already old is no error.

    Raises WorkbookChanged when the target is neither (somebody's edit is not overwritten), MergeError when the
    backup is not the old workbook or the disk fails; the target is then as it was.
    """

    def checked(out: BinaryIO) -> None:
        if pour(backup, out) != old_sha256:
            raise MergeError(f"{backup} is not the backup that was made; restore {target} by hand.")
        if sha256_of(target) != new_sha256:
            raise _edited(target, backup)

    try:
        found = sha256_of(target)
    except OSError as error:
        raise MergeError(f"Cannot restore {target} from {backup}: {explain(error, target)}.") from error
    if found not in {old_sha256, new_sha256}:
        raise _edited(target, backup)
    if found != old_sha256:
        write_atomically(target, checked, failure=MergeError, steps=steps)


def _edited(target: Path, backup: Path) -> WorkbookChanged:
    return WorkbookChanged(
        f"{target} was saved by another program after the merge, so it is not undone; "
        f"the workbook before the merge is {backup}."
    )


def roll_back(path: Path, steps: Steps = REAL_STEPS) -> Recovery:
    """Undo the merge recorded at `path` and remove the record; the caller holds the workbook's lock.

    Raises WorkbookChanged or MergeError as `restore_backup` does (the record then stays), MergeError when
    the merge had no backup.
    """
    try:
        journal = read_journal(path)
    except FileNotFoundError:
        return Recovery(RecoveryOutcome.NOTHING, "No merge is open.")
    except OSError as error:
        raise MergeError(f"Cannot read the merge record {path}: {explain(error, path)}.") from error
    _restore(journal, steps)
    _discard_temporary(journal, steps)
    commit_merge(path, steps)
    sentence = f"The merge of {journal.target} (scan {journal.scan_id}) was undone; the workbook is as it was."
    return Recovery(RecoveryOutcome.UNDONE, sentence, journal)


def _restore(journal: MergeJournal, steps: Steps) -> None:
    old, new = journal.old_sha256, journal.new_sha256
    if journal.backup is not None:
        restore_backup(journal.target, journal.backup, old_sha256=old, new_sha256=new, steps=steps)
    elif sha256_of(journal.target) != old:
        raise MergeError(f"The merge of {journal.target} cannot be undone: no backup was made.")
