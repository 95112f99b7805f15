"""The record of a merge: written durably before a workbook is replaced, removed once the merge counts as done.

What stands after a crash is settled by `tasks.files.recovery`.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.errors import MergeError
from tasks.files import platform
from tasks.files.atomic import write_atomically
from tasks.files.reasons import explain
from tasks.files.steps import REAL_STEPS, Steps

_FORMAT = 1
_LARGEST_BYTES = 65_536
_NOT_A_JOURNAL = "is not a merge record of this product; move it away and compare the workbook with its backup"


@dataclass(frozen=True, slots=True)
class JournalPlan:
    """Where the record of a merge goes, and what it says of the merge: the scan and its start."""

    path: Path
    scan_id: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class MergeJournal:
    """One merge: the real path of the workbook, its backup, the SHA-256 of the old and the new content in
    hexadecimal, the name of the temporary file beside the workbook, the scan and its start."""

    target: Path
    backup: Path | None
    old_sha256: str
    new_sha256: str
    temporary: str
    scan_id: str
    started_at: datetime


def journal_path(folder: Path, target: Path) -> Path:
    """The record's place in `folder`: the same for every way to write the workbook's path, different for others."""
    tag = hashlib.sha256(platform.path_key(target).encode(errors="surrogateescape")).hexdigest()[:8]
    name = Path(os.path.realpath(target)).name[:60]
    return folder / f"{name}.{tag}.merge.json"


def write_journal(path: Path, journal: MergeJournal, steps: Steps = REAL_STEPS) -> None:
    """Write the record durably; raises MergeError."""
    plain = {
        "format": _FORMAT,
        "target": str(journal.target),
        "backup": None if journal.backup is None else str(journal.backup.absolute()),
        "old_sha256": journal.old_sha256,
        "new_sha256": journal.new_sha256,
        "temporary": journal.temporary,
        "scan_id": journal.scan_id,
        "started_at": journal.started_at.isoformat(),
    }
    write_atomically(path, json.dumps(plain, indent=1).encode(), failure=MergeError, steps=steps)


def read_journal(path: Path) -> MergeJournal:
    """The record as written; raises MergeError when the file is not one, OSError when it cannot be read."""
    with path.open("rb") as file:
        raw = file.read(_LARGEST_BYTES + 1)
    try:
        return _parse(json.loads(raw))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MergeError(f"{path} {_NOT_A_JOURNAL}.") from error


def _parse(plain: dict[str, Any]) -> MergeJournal:
    texts = {key: plain[key] for key in ("target", "old_sha256", "new_sha256", "temporary", "scan_id", "started_at")}
    backup = plain["backup"]
    if plain["format"] != _FORMAT or not all(isinstance(text, str) for text in (*texts.values(), backup or "")):
        raise ValueError("not the documented shape")
    return MergeJournal(
        target=Path(texts["target"]),
        backup=None if backup is None else Path(backup),
        old_sha256=texts["old_sha256"],
        new_sha256=texts["new_sha256"],
        temporary=texts["temporary"],
        scan_id=texts["scan_id"],
        started_at=datetime.fromisoformat(texts["started_at"]),
    )


def commit_merge(path: Path, steps: Steps = REAL_STEPS) -> None:
    """Remove the record: the merge counts as done; raises MergeError when it cannot be removed."""
    try:
        steps.unlink(path)
        steps.sync_folder(path.parent)
    except OSError as error:
        raise MergeError(f"Cannot remove the merge record {path}: {explain(error, path)}.") from error
