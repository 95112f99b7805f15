"""Writing on a disk that may be full: what can be spared goes first."""

import errno
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tasks.checkpoints.housekeeping import Keeping
from tasks.errors import VetbookError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_log = logging.getLogger(__name__)


def is_full(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that the disk or the quota is full."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return isinstance(cause, OSError) and cause.errno in _FULL


def write_making_room(
    write: Callable[[], object], root: Path, scan_id: str, warn: Callable[[str], object] = _log.warning
) -> bool:
    """Write something of a scan of the data folder `root`; on a full disk once more after old files were removed.

    Whether room was made. Raises what the last `write` raises.
    """
    try:
        write()
    except (VetbookError, OSError) as error:
        if not is_full(error):
            raise
        gone = Keeping(root).make_room(scan_id, datetime.now(UTC).replace(tzinfo=None))
        warn(f"The disk is full: {len(gone)} old backups, checkpoints and scans were removed; free some space")
    else:
        return False
    write()
    return True
