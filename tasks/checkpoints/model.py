"""What a checkpoint file holds: an index over the batch results, readable without Prefect.

The fields of BatchState and CheckpointData are those of the batch design; ours are below them. The results
themselves are the truth: a batch that finished after the last checkpoint is found by its record.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from tasks.sources.interface import Plain

FORMAT = 2
"""Format 1 had one file a scan, its created_at was the scan's start, and it named no backup and no results."""


class ScanState(StrEnum):
    """How far a scan has come."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    MERGING = "merging"
    DONE = "done"


UNFINISHED = frozenset({ScanState.RUNNING, ScanState.INTERRUPTED, ScanState.MERGING})
"""The states of a scan that can be gone on with."""


class BatchState(Plain):
    """Where a scan stands. Batches count from 1, packages are counted once each; times are naive UTC.

    processing_statistics is what `tasks.checkpoints.statistics` measures; created_at is the start of the scan.
    """

    scan_id: str
    current_batch: int
    total_batches: int
    completed_packages: int
    total_packages: int
    batch_strategy: str
    batch_size: int
    last_checkpoint_batch: int
    processing_statistics: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    updated_at: datetime


class CheckpointHead(Plain):
    """The first line of a checkpoint file: all that a list of checkpoints shows."""

    format: int = FORMAT
    checkpoint_id: str
    scan_id: str
    workbook: str
    state: ScanState
    batch_number: int
    completed_packages: int
    total_packages: int
    created_at: datetime
    expires_at: datetime
    results: str | None = None


class CheckpointData(Plain):
    """A whole checkpoint.

    excel_file_hash is the SHA-256 of the workbook as read, excel_backup_hash that of its copy (equal, or the copy
    is not used); excel_backup_path is relative to the data folder. answers_digest names the settings that change
    answers. result_keys maps the keys of the finished batches' records to their SHA-256; results is the address of
    the place where these lie, None for the folder of results in the data folder.
    """

    checkpoint_id: str
    scan_id: str
    batch_number: int
    batch_state: BatchState
    excel_backup_path: str | None
    excel_file_hash: str
    package_progress: tuple[str, ...]
    processing_metadata: dict[str, Any] = Field(default_factory=dict)
    created_at: datetime
    expires_at: datetime
    workbook: str
    state: ScanState
    answers_digest: str
    result_keys: dict[str, str] = Field(default_factory=dict)
    excel_backup_hash: str | None = None
    results: str | None = None

    @property
    def head(self) -> CheckpointHead:
        """What a list shows of it."""
        return CheckpointHead(
            checkpoint_id=self.checkpoint_id,
            scan_id=self.scan_id,
            workbook=self.workbook,
            state=self.state,
            batch_number=self.batch_number,
            completed_packages=self.batch_state.completed_packages,
            total_packages=self.batch_state.total_packages,
            created_at=self.created_at,
            expires_at=self.expires_at,
            results=self.results,
        )


class ScanRecord(Plain):
    """What is known of a scan without any checkpoint: `scan.json` among its results, written before the first batch.

    Fields mean what they mean in CheckpointData. replaces is the unfinished scan whose results this one took over;
    left_out are the package versions before the point from which the scan was to begin, which keep what the
    workbook says.
    """

    scan_id: str
    workbook: str
    excel_file_hash: str
    answers_digest: str
    total_packages: int
    batch_strategy: str
    created_at: datetime
    expires_at: datetime
    state: ScanState = ScanState.RUNNING
    excel_backup_path: str | None = None
    excel_backup_hash: str | None = None
    results: str | None = None
    replaces: str | None = None
    left_out: tuple[tuple[str, str, bool], ...] = ()
