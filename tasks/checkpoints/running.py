"""Whether a scan is being run by some process now: such a one is neither gone on with nor tidied away."""

from pathlib import Path

from tasks.errors import MergeError, WorkbookLocked
from tasks.files.locks import WorkbookLock


def scan_lock(root: Path, scan_id: str) -> WorkbookLock:
    """The lock that a process holds while it runs this scan of the data folder `root`."""
    return WorkbookLock(root / "results" / scan_id, scan_id=scan_id)


def runner_of(root: Path, scan_id: str, timeout_s: float = 0.0) -> str | None:
    """Who still runs a scan after so many seconds, as a phrase; None when nobody does, or locks cannot be had."""
    try:
        with scan_lock(root, scan_id).acquire(timeout_s):
            return None
    except WorkbookLocked as error:
        return f"scan {scan_id} of this workbook is running ({error})"
    except MergeError:
        return None  # where no locks can be had at all, the merge says so
