"""What is left behind when a scan has ended: old backups go, its own checkpoints and results too."""

import shutil
from datetime import datetime

from flows.scan.prepare import PreparedScan
from tasks.checkpoints.store import CheckpointStore
from tasks.files.backups import prune

_FREE_BYTES_WANTED = 200_000_000


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
        CheckpointStore(prepared.folders.checkpoints).remove(prepared.scan_id)
        shutil.rmtree(prepared.folders.results / prepared.scan_id, ignore_errors=True)
