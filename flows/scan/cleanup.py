"""What is left behind when a scan has ended: old backups go, its own checkpoints and results too."""

import logging
from collections.abc import Iterator
from datetime import datetime

from flows.scan.prepared import PreparedScan
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import UNFINISHED
from tasks.checkpoints.running import runner_of
from tasks.files.backups import prune
from tasks.review.reviewer import utc_now

_FREE_BYTES_WANTED = 200_000_000
_log = logging.getLogger(__name__)


def clean_up(prepared: PreparedScan, *, finished: bool) -> None:
    """Remove what a finished scan needs no more; keep everything when it has not finished."""
    output = prepared.settings.output
    if prepared.folders.backups.is_dir():
        prune(
            prepared.folders.backups,
            keep_count=output.backup_count,
            keep_days=output.backup_days,
            free_bytes_wanted=_FREE_BYTES_WANTED,
            now=datetime.now(),  # noqa: DTZ005  backups are named by local time
        )
    if finished and prepared.settings.batch_processing.cleanup_on_success:
        keeping = Keeping(prepared.folders.root)
        for scan_id in dict.fromkeys(_settled_by(prepared, keeping)):
            keeping.remove_scan(scan_id)
        keeping.tidy(utc_now())


def _settled_by(prepared: PreparedScan, keeping: Keeping) -> Iterator[str]:
    """This scan, the one it took results from, and, where it looked at every row, unfinished ones before it."""
    yield prepared.scan_id
    own = keeping.records.read(prepared.scan_id)
    if own is None:
        return
    if own.replaces is not None:
        yield own.replaces
    if not prepared.whole or prepared.request.dry_run:
        return
    for record in keeping.records:
        older = record.state in UNFINISHED and record.created_at <= own.created_at
        if older and record.workbook == own.workbook and not runner_of(keeping.root, record.scan_id):
            yield record.scan_id
