"""How an unfinished scan is gone on with, and what a person is told before it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field, field_validator

from tasks.checkpoints.model import CheckpointData, ScanState
from tasks.progress.tally import duration
from tasks.settings.processing import MergeStrategy
from tasks.sources.interface import Plain

_SHOWN = 10


class RecoveryMode(StrEnum):
    """auto: go on where it stopped; custom: from a package or a batch on; fresh: begin anew."""

    AUTO = "auto"
    CUSTOM = "custom"
    FRESH = "fresh"


class RecoveryOptions(Plain):
    """The batch design's options of a resume; numbers count from 0 here, from 1 on the command line.

    start_from_package counts distinct package versions in sheet order, start_from_batch the batches as the
    progress shows them. validate_excel_state False skips the look at the workbook; force_continue goes on
    despite what the validation finds. merge_strategy may be written with `_` or `-`.
    """

    resume_mode: RecoveryMode = RecoveryMode.AUTO
    start_from_package: int = Field(0, ge=0)
    start_from_batch: int = Field(0, ge=0)
    force_continue: bool = False
    validate_excel_state: bool = True
    merge_strategy: MergeStrategy = MergeStrategy.USE_CHECKPOINT

    @field_validator("merge_strategy", mode="before")
    @classmethod
    def _with_hyphens(cls, value: object) -> object:
        return value.replace("_", "-") if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class RecoverySummary:
    """What there is to go on with.

    done, left and failed count package versions (failed None: not known); differences are sentences about the
    workbook as read then and as it is now; age_s is seconds since the scan last made progress durable.
    """

    checkpoint: CheckpointData
    age_s: float
    failed: int | None
    problems: tuple[str, ...] = ()
    differences: tuple[str, ...] = ()

    @property
    def done(self) -> int:
        """Packages with a stored result."""
        return self.checkpoint.batch_state.completed_packages

    @property
    def left(self) -> int:
        """Packages that no finished batch holds."""
        return max(0, self.checkpoint.batch_state.total_packages - self.done)

    @property
    def lines(self) -> Iterator[str]:
        """The summary as a person reads it."""
        checkpoint, state = self.checkpoint, self.checkpoint.batch_state
        failed = "" if self.failed is None else f", {self.failed} could not be checked"
        yield (
            f"Unfinished scan {checkpoint.scan_id} of {checkpoint.workbook}: {self.done} of {state.total_packages}"
            f" packages done ({state.current_batch} batches), {self.left} left{failed};"
            f" {checkpoint.state.value} {duration(self.age_s)} ago ({state.updated_at:%Y-%m-%d %H:%M} UTC)"
        )
        if checkpoint.state is ScanState.MERGING:
            yield "  all packages were looked up; only the workbook had still to be written"
        yield from (f"  {problem}" for problem in self.problems)
        yield from (f"  {difference}" for difference in self.differences[:_SHOWN])
        if len(self.differences) > _SHOWN:
            yield f"  ... and {len(self.differences) - _SHOWN} more differences"


def summary_of(
    checkpoint: CheckpointData, now: datetime, problems: tuple[str, ...] = (), differences: tuple[str, ...] = ()
) -> RecoverySummary:
    """The summary of a checkpoint at `now` (naive UTC)."""
    failed = checkpoint.batch_state.processing_statistics.get("failed_packages")
    age = max(0.0, (now - checkpoint.batch_state.updated_at).total_seconds())
    return RecoverySummary(checkpoint, age, failed if isinstance(failed, int) else None, problems, differences)
