"""Settings of how packages are looked up: requests, batches, checkpoints, merging."""

from enum import StrEnum

from pydantic import AliasChoices, Field, model_validator

from tasks.settings.section import Section

__all__ = ["BatchConfiguration", "MergeStrategy", "ProcessingSettings", "Strategy"]


class Strategy(StrEnum):
    """How packages are cut into batches."""

    FIXED_SIZE = "fixed-size"
    MEMORY_ADAPTIVE = "memory-adaptive"
    TIME_BASED = "time-based"


class MergeStrategy(StrEnum):
    """Who wins a cell that both the reviewer and the scan changed."""

    USE_CHECKPOINT = "use-checkpoint"
    USE_CURRENT = "use-current"
    MERGE = "merge"


class ProcessingSettings(Section):
    """What happens to each package."""

    concurrent_requests: int = Field(
        32,
        ge=1,
        le=100,
        description="Requests in flight to one service, over all batches together.",
    )
    request_timeout: float = Field(30, gt=0, le=600, description="Seconds without a byte until a request is given up.")
    retry_attempts: int = Field(5, ge=1, le=20, description="Tries of one request, the first included.")
    process_empty_fields_only: bool = Field(False, description="Fill empty cells only; leave filled ones as they are.")
    refresh_after_days: float = Field(
        0,
        ge=0,
        le=36_500,
        description="Days for which filled cells of a row stay, unless it is at risk; 0: renew always.",
    )
    uncertain_limit: int = Field(
        1, ge=1, le=1000, description="Undecidable advisories from which a row asks for a manual review."
    )
    pypi_cache_hours: float = Field(
        0, ge=0, le=8760, description="Hours for which kept facts of PyPI are used unasked; 0: ask if they changed."
    )


class BatchConfiguration(Section):
    """How the packages are cut into batches, and how often progress is made durable."""

    strategy: Strategy = Field(Strategy.FIXED_SIZE, description="fixed-size, memory-adaptive or time-based.")
    default_batch_size: int | None = Field(
        None,
        ge=1,
        le=1000,
        validation_alias=AliasChoices("default_batch_size", "batch_size"),
        description="Packages per batch. Unset: 10, and more for large workbooks (at most 100 batches).",
    )
    min_batch_size: int = Field(1, ge=1, le=1000, description="Smallest batch of the adaptive strategies.")
    max_batch_size: int = Field(100, ge=1, le=1000, description="Largest batch.")
    checkpoint_frequency: int = Field(5, ge=1, le=1000, description="A checkpoint file every N batches.")
    memory_threshold: float = Field(
        0.8, ge=0.1, le=0.99, description="Share of the memory limit above which batches shrink."
    )
    time_based_interval: int = Field(
        300,
        ge=1,
        le=86400,
        validation_alias=AliasChoices("time_based_interval", "time_interval"),
        description="Seconds after which a time-based batch ends.",
    )
    max_concurrent_batches: int = Field(4, ge=1, le=64, description="Batches under way at the same time.")
    atomic_operations: bool = Field(
        True,
        validation_alias=AliasChoices("atomic_operations", "enable_atomic_saves"),
        description="The workbook is always replaced atomically; false is refused.",
    )
    backup_on_checkpoint: bool = Field(True, description="Copy the workbook once when the first checkpoint is made.")
    cleanup_on_success: bool = Field(True, description="Remove a scan's checkpoints and results when it has ended.")
    retry_failed_batches: bool = Field(True, description="Try failed packages again at the end of the scan.")
    max_retry_attempts: int = Field(
        3,
        ge=0,
        le=10,
        validation_alias=AliasChoices("max_retry_attempts", "max_retries"),
        description="Rounds of trying failed packages again.",
    )

    @model_validator(mode="after")
    def _sizes_fit(self) -> "BatchConfiguration":
        if self.min_batch_size > self.max_batch_size:
            raise ValueError(f"min_batch_size {self.min_batch_size} is above max_batch_size {self.max_batch_size}")
        if not self.atomic_operations:
            raise ValueError("atomic_operations cannot be false: the workbook is always replaced atomically")
        return self
