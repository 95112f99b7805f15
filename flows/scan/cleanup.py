"""What is left behind when a scan has ended: old backups go, its own checkpoints and results too."""

import logging
from collections.abc import Iterator
from datetime import datetime

from flows.scan.prepared import PreparedScan
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import UNFINISHED
from tasks.checkpoints.running import runner_of
from tasks.errors import ResultsUnreachable
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
        try:
            _remove_settled(prepared, Keeping(prepared.folders.root, prepared.settings.execution.results))
        except ResultsUnreachable as error:
            _log.warning("What the scan stored is not removed; a later scan does that (%s)", error)


def _remove_settled(prepared: PreparedScan, keeping: Keeping) -> None:
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
    # In a place that machines share, a scan that is not known here may be running on another one.
    known = None if keeping.results is None else {head.scan_id for head in keeping.store.heads()}
    for record in keeping.records:
        if known is not None and record.scan_id not in known:
            continue
        older = record.state in UNFINISHED and record.created_at <= own.created_at
        if older and record.workbook == own.workbook and not runner_of(keeping.root, record.scan_id):
            yield record.scan_id
