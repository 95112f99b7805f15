"""Whether a checkpoint can be gone on with: each check with its verdict."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from tasks.checkpoints.model import UNFINISHED, CheckpointData
from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.records.places import records_at
from tasks.checkpoints.results import record_problem
from tasks.checkpoints.store import read_checkpoint
from tasks.errors import CheckpointError, ResultsUnreachable
from tasks.files.disk import sha256_of

_NAMED = 3


class Verdict(StrEnum):
    """ok; warning: going on is safe, yet worth knowing; failed: not as it was written, or not to be gone on with."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, its verdict, and a sentence that says what was found."""

    name: str
    verdict: Verdict
    message: str


def check_file(path: Path) -> tuple[Check, CheckpointData | None]:
    """The checkpoint file itself: readable, of a known format, and every byte as it was written."""
    try:
        return Check("checkpoint", Verdict.OK, f"{path}: its checksum fits"), read_checkpoint(path)
    except CheckpointError as error:
        return Check("checkpoint", Verdict.FAILED, str(error)), None


def checks_of(
    checkpoint: CheckpointData, root: Path, now: datetime, answers_digest: str | None = None
) -> Iterator[Check]:
    """All checks of a sound checkpoint of the data folder `root`; `now` is naive UTC.

    answers_digest is that of the settings now; None leaves that check out.
    """
    yield _state(checkpoint)
    yield _age(checkpoint, now)
    backup = check_backup(checkpoint, root)
    yield backup
    yield check_workbook(checkpoint, backed_up=backup.verdict is Verdict.OK)
    yield check_results(checkpoint, records_of(checkpoint, root))
    if answers_digest is not None:
        yield check_answers(checkpoint, answers_digest)


def _state(checkpoint: CheckpointData) -> Check:
    if checkpoint.state in UNFINISHED:
        return Check("state", Verdict.OK, f"the scan is {checkpoint.state.value}: it can be gone on with")
    return Check("state", Verdict.WARNING, "the scan is done: there is nothing to go on with")


def _age(checkpoint: CheckpointData, now: datetime) -> Check:
    when = f"{checkpoint.expires_at:%Y-%m-%d %H:%M} UTC"
    if now < checkpoint.expires_at:
        return Check("age", Verdict.OK, f"valid until {when}")
    return Check("age", Verdict.FAILED, f"expired at {when}: what was found out then may no longer be true")


def check_backup(checkpoint: CheckpointData, root: Path) -> Check:
    """The copy of the workbook as it was read: there, and every byte of it."""
    if checkpoint.excel_backup_path is None:
        what = "no copy of the workbook was made (batch_processing.backup_on_checkpoint)"
        return Check("backup", Verdict.WARNING, what)
    path = root / checkpoint.excel_backup_path
    try:
        found = sha256_of(path)
    except OSError as error:
        return Check("backup", Verdict.FAILED, f"{path}: cannot be read ({error.strerror})")
    if found != checkpoint.excel_file_hash:
        return Check("backup", Verdict.FAILED, f"{path}: is not the workbook that was read (its SHA-256 differs)")
    return Check("backup", Verdict.OK, f"{path}: is the workbook as it was read")


def check_workbook(checkpoint: CheckpointData, *, backed_up: bool) -> Check:
    """The workbook: unchanged since it was read, or at least comparable with the copy that was made."""
    path = Path(checkpoint.workbook)
    try:
        found = sha256_of(path)
    except OSError as error:
        return Check("workbook", Verdict.FAILED, f"{path}: cannot be read ({error.strerror})")
    if found == checkpoint.excel_file_hash:
        return Check("workbook", Verdict.OK, f"{path}: unchanged since it was read")
    if backed_up:
        what = "was changed since it was read; the changes are compared with the copy and merged cell by cell"
        return Check("workbook", Verdict.WARNING, f"{path}: {what}")
    what = "was changed since it was read, and there is no copy to compare it with"
    return Check("workbook", Verdict.FAILED, f"{path}: {what}")


def records_of(checkpoint: CheckpointData, root: Path) -> Records:
    """Where the results of a scan of the data folder `root` lie, whatever the settings say now.

    SettingsError where that place cannot be used here.
    """
    return records_at(checkpoint.results or str(root / "results"))


def check_place_of(checkpoint: CheckpointData, results: str | None) -> Check:
    """Where the results lie: there where the settings want them now (results: as in `CheckpointData`)."""
    if checkpoint.results == results:
        return Check("place", Verdict.OK, "the results lie where the settings want them")
    there, here = checkpoint.results or "the data folder", results or "the data folder"
    wanted = checkpoint.results or "nothing"
    found = f"its results lie in {there}, the settings name {here} (set execution.results to {wanted})"
    return Check("place", Verdict.FAILED, found)


def check_results(checkpoint: CheckpointData, results: Records) -> Check:
    """The records of the finished batches: there, and every byte of them."""
    keys = checkpoint.result_keys
    try:
        found_of = results.each(keys, lambda key: record_problem(results, key, keys[key]))
        problems = [f"{key} is {found}" for key, found in zip(keys, found_of, strict=True) if found]
    except ResultsUnreachable as error:
        return Check("results", Verdict.FAILED, f"cannot be looked at: {error}")
    if not problems:
        return Check("results", Verdict.OK, f"{len(keys)} batch results are as they were stored")
    named = ", ".join(problems[:_NAMED]) + (", ..." if len(problems) > _NAMED else "")
    found = f"{len(problems)} of {len(keys)} batch results have to be done again: {named}"
    return Check("results", Verdict.FAILED, found)


def check_answers(checkpoint: CheckpointData, answers_digest: str) -> Check:
    """The settings that change answers: the same sources, addresses and snapshots as then."""
    if checkpoint.answers_digest == answers_digest:
        return Check("settings", Verdict.OK, "the sources are those of the settings now")
    return Check("settings", Verdict.FAILED, "the scan used other sources or snapshots than the settings now")
