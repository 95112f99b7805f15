"""The unfinished scan of a workbook: by its newest sound checkpoint, or by its results where no checkpoint is sound."""

import functools
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tasks.checkpoints.model import UNFINISHED, BatchState, CheckpointData, ScanRecord, ScanState
from tasks.checkpoints.results import record_digest, stored_records
from tasks.checkpoints.scans import ScanRecords
from tasks.checkpoints.store import CheckpointStore, read_checkpoint
from tasks.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A scan to go on with. damaged are the checkpoint files that were passed over; from_results says that no
    checkpoint was sound and this one was made from the results; overdue are older scans that have expired."""

    checkpoint: CheckpointData
    damaged: tuple[Path, ...] = ()
    from_results: bool = False


def find_unfinished(store: CheckpointStore, records: ScanRecords, workbook: Path) -> Unfinished | None:
    """The unfinished scan of this workbook (real path) that began last; None when there is none.

    ResultsUnreachable where the stored results cannot be asked.
    """
    scans = _by_checkpoint(store, workbook)
    known = set(scans)
    for record in records:
        if record.state not in UNFINISHED:
            # The results' own record is written last of all.
            scans.pop(record.scan_id, None)
        elif record.workbook == str(workbook) and record.scan_id not in known:
            scans[record.scan_id] = Unfinished(_from_results(records, record), from_results=True)
    unfinished = sorted((one for one in scans.values() if one.checkpoint.state in UNFINISHED), key=_start, reverse=True)
    return next((found for found in unfinished if not records.ended_elsewhere(found.checkpoint)), None)


def _start(found: Unfinished) -> datetime:
    return found.checkpoint.batch_state.created_at


def _by_checkpoint(store: CheckpointStore, workbook: Path) -> dict[str, Unfinished]:
    """Every scan of the workbook with a sound checkpoint: the newest of it."""
    scans: dict[str, Unfinished] = {}
    damaged: dict[str, list[Path]] = {}
    for path, head in store.found():
        if head.workbook != str(workbook) or head.scan_id in scans:
            continue
        try:
            scans[head.scan_id] = Unfinished(read_checkpoint(path), tuple(damaged.get(head.scan_id, ())))
        except CheckpointError:
            damaged.setdefault(head.scan_id, []).append(path)
    return scans


def _from_results(records: ScanRecords, record: ScanRecord) -> CheckpointData:
    names: dict[tuple[str, ...], str] = {}
    keys: list[str] = []
    for stored in stored_records(records.results, record.scan_id):
        keys.append(stored.key)
        names |= {(key["project"], key["version_text"]): key["name"] for key in stored.plain["keys"]}
    batches, digests = len(keys), records.results.each(keys, functools.partial(record_digest, records.results))
    return CheckpointData(
        checkpoint_id=record.scan_id,
        scan_id=record.scan_id,
        batch_number=batches,
        batch_state=_state(record, batches, len(names)),
        excel_backup_path=record.excel_backup_path,
        excel_backup_hash=record.excel_backup_hash,
        excel_file_hash=record.excel_file_hash,
        package_progress=tuple(names.values()),
        created_at=record.created_at,
        expires_at=record.expires_at,
        workbook=record.workbook,
        state=ScanState.INTERRUPTED,
        answers_digest=record.answers_digest,
        result_keys={key: digest or "" for key, digest in zip(keys, digests, strict=True)},
        results=record.results,
    )


def _state(record: ScanRecord, batches: int, done: int) -> BatchState:
    return BatchState(
        scan_id=record.scan_id,
        current_batch=batches,
        total_batches=batches,
        completed_packages=done,
        total_packages=record.total_packages,
        batch_strategy=record.batch_strategy,
        batch_size=max(1, done // batches) if batches else 1,
        last_checkpoint_batch=0,
        created_at=record.created_at,
        updated_at=record.created_at,
    )
