"""What a checkpoint file holds: an index over the batch results, readable without Prefect.

The fields of BatchState and CheckpointData are those of the batch design; ours are below them. The results
themselves are the truth: a batch that finished after the last checkpoint is found by its record.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from tasks.sources.interface import Plain

FORMAT = 1


class ScanState(StrEnum):
    """How far a scan has come."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    MERGING = "merging"
    DONE = "done"


class BatchState(Plain):
    """Where a scan stands. Batches count from 1, packages are counted once each; times are naive UTC."""

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


class CheckpointData(Plain):
    """A whole checkpoint. excel_file_hash is the SHA-256 of the workbook as read; answers_digest names the
    settings that change answers; result_keys the records of finished batches with their SHA-256."""

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
        )
