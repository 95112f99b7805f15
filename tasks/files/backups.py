"""Dated copies of workbooks, and how long they are kept.

A backup of `NAME.xlsx` is `NAME.backup_YYYYMMDD_HHMMSS.xlsx` (local time), with `_2`, `_3`... before the
suffix where the second is taken; the suffix stays the workbook's own.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count, groupby
from pathlib import Path

from tasks.files.disk import free_bytes
from tasks.files.steps import REAL_STEPS, Steps
from tasks.files.temporaries import sweep_folder

_STAMP = "%Y%m%d_%H%M%S"
_NAME = re.compile(
    r"(?P<stem>.+)\.backup_(?P<stamp>[0-9]{8}_[0-9]{6})(?:_(?P<number>[1-9][0-9]{0,5}))?(?P<suffix>\.\w{1,8})?"
)
_LONGEST_STEM_BYTES = 200


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup: its file, the workbook's name it was made for, when (naive local time), which of that second."""

    path: Path
    workbook: str
    taken_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed, and what should have been but could not, each with the reason."""

    removed: tuple[Path, ...]
    failed: tuple[tuple[Path, str], ...] = ()


def backup_path(folder: Path, target: Path, now: datetime) -> Path:
    """An unused name in `folder` for a backup of `target` made at `now` (naive local time)."""
    stem = os.fsencode(target.stem)[:_LONGEST_STEM_BYTES].decode(errors="ignore")
    start = f"{stem}.backup_{now.strftime(_STAMP)}"
    names = (f"{start}{'' if number == 1 else f'_{number}'}{target.suffix}" for number in count(1))
    return next(path for name in names if not os.path.lexists(path := folder / name))


def list_backups(folder: Path) -> tuple[Backup, ...]:
    """Every backup in a folder by workbook, the newest first; other files are not looked at. Raises OSError."""
    if not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        found = [_parse(Path(entry.path)) for entry in entries if entry.is_file(follow_symlinks=False)]
    newest_first = sorted((backup for backup in found if backup), key=_age_key, reverse=True)
    return tuple(sorted(newest_first, key=lambda backup: backup.workbook))


def _age_key(backup: Backup) -> tuple[datetime, int]:
    return backup.taken_at, backup.number


def _parse(path: Path) -> Backup | None:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return None
    try:
        taken_at = datetime.strptime(match["stamp"], _STAMP)  # noqa: DTZ007 - the name holds local time
    except ValueError:
        return None
    return Backup(path, match["stem"] + (match["suffix"] or ""), taken_at, int(match["number"] or 1))


def prune(
    folder: Path,
    *,
    keep_count: int,
    keep_days: float,
    free_bytes_wanted: int,
    now: datetime,
    free: Callable[[Path], int] = free_bytes,
    steps: Steps = REAL_STEPS,
) -> Pruned:
    """Remove backups beyond the newest `keep_count` of a workbook or older than `keep_days`, then the oldest of all
    while fewer than `free_bytes_wanted` bytes are free.

    The newest backup of each workbook always stays. Half-written copies of killed runs go as well. `now` is
    naive local time. Raises OSError when the folder cannot be read.
    """
    if folder.is_dir():
        sweep_folder(folder, steps=steps)
    spare = [pair for group in _by_workbook(folder) for pair in list(enumerate(group))[1:]]
    oldest_allowed = now - timedelta(days=keep_days)
    due = [backup for place, backup in spare if place >= keep_count or backup.taken_at < oldest_allowed]
    rest = sorted((backup for _, backup in spare if backup not in due), key=_age_key)
    removed, failed = _remove(iter(due), steps)
    short = _remove(_while_short(rest, folder, free_bytes_wanted, free), steps)
    return Pruned((*removed, *short[0]), (*failed, *short[1]))


def _by_workbook(folder: Path) -> Iterator[tuple[Backup, ...]]:
    for _, group in groupby(list_backups(folder), key=lambda backup: backup.workbook):
        yield tuple(group)


def _while_short(rest: list[Backup], folder: Path, wanted: int, free: Callable[[Path], int]) -> Iterator[Backup]:
    for backup in rest:
        if free(folder) >= wanted:
            return
        yield backup


def _remove(backups: Iterator[Backup], steps: Steps) -> tuple[list[Path], list[tuple[Path, str]]]:
    removed: list[Path] = []
    failed: list[tuple[Path, str]] = []
    for backup in backups:
        try:
            steps.unlink(backup.path)
            removed.append(backup.path)
        except OSError as error:
            failed.append((backup.path, error.strerror or str(error)))
    return removed, failed
