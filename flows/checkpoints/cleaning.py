"""Removing what is no longer needed from a data folder."""

from pathlib import Path

from flows.checkpoints.output import say
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.running import runner_of
from tasks.errors import ExitCode, UsageError
from tasks.review.reviewer import utc_now


def clean(data_dir: Path, scan_id: str | None = None, json_file: Path | None = None, results: str | None = None) -> int:
    """Remove ended and expired scans and what belongs to none, or one scan, finished or not; returns 0.

    results is the address where results lie, None: in the data folder. UsageError when there is no scan with that
    id, or it is being run; ResultsUnreachable where the results cannot be asked for.
    """
    keeping = Keeping(data_dir, results)
    gone = keeping.tidy(utc_now()) if scan_id is None else _one(keeping, scan_id)
    lines = [f"Removed {name}" for name in gone] or ["Nothing to remove"]
    say(lines, {"schema": 1, "removed": gone}, json_file)
    return ExitCode.DONE


def _one(keeping: Keeping, scan_id: str) -> list[str]:
    elsewhere = {head.scan_id: head.results for head in keeping.store.heads() if head.results != keeping.results}
    if scan_id in elsewhere:
        place = elsewhere[scan_id] or "the data folder"
        raise UsageError(f"the results of scan {scan_id} lie in {place}; name that in execution.results, see --config")
    if scan_id not in keeping.scan_ids():
        raise UsageError(f"no scan with id {scan_id} in {keeping.root}; see --list-checkpoints")
    if running := runner_of(keeping.root, scan_id):
        raise UsageError(f"{running}: let it end, then remove it")
    keeping.remove_scan(scan_id)
    return [scan_id]
