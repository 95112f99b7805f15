"""Removing what is no longer needed from a data folder."""

from pathlib import Path

from flows.checkpoints.output import say
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.running import runner_of
from tasks.errors import ExitCode, UsageError
from tasks.review.reviewer import utc_now


def clean(data_dir: Path, scan_id: str | None = None, json_file: Path | None = None) -> int:
    """Remove ended and expired scans and what belongs to none, or one scan, finished or not; returns 0.

    UsageError when there is no scan with that id, or it is being run.
    """
    keeping = Keeping(data_dir)
    gone = keeping.tidy(utc_now()) if scan_id is None else _one(keeping, scan_id)
    lines = [f"Removed {name}" for name in gone] or ["Nothing to remove"]
    say(lines, {"schema": 1, "removed": gone}, json_file)
    return ExitCode.DONE


def _one(keeping: Keeping, scan_id: str) -> list[str]:
    if scan_id not in keeping.scan_ids():
        raise UsageError(f"no scan with id {scan_id} in {keeping.root}; see --list-checkpoints")
    if running := runner_of(keeping.root, scan_id):
        raise UsageError(f"{running}: let it end, then remove it")
    keeping.remove_scan(scan_id)
    return [scan_id]
