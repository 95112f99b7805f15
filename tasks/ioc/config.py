"""The batch settings of the IOC scan, with the defaults and ranges of its configuration guide."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["BatchConfig", "BatchStrategy"]


class BatchStrategy(StrEnum):
    """How much is asked at once. ADAPTIVE looks at sizes, latency, quota and memory; SEQUENTIAL asks one by one."""

    SEQUENTIAL = "sequential"
    PARALLEL = "parallel"
    ADAPTIVE = "adaptive"
    AGGRESSIVE = "aggressive"
    CONSERVATIVE = "conservative"


class BatchConfig(BaseModel):
    """How the scan reads: sizes are files per batch, seconds, MB of 10^6 bytes. ValueError outside the ranges."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_concurrent_requests: int = Field(10, ge=1, le=50, description="Requests to GitHub in flight.")
    max_concurrent_repos: int = Field(
        3, ge=1, le=10, description="Repositories read at the same time where batches hold files of one repository."
    )
    default_batch_size: int = Field(10, ge=1, le=100, description="Files per batch; where adaptive starts.")
    max_batch_size: int = Field(50, ge=1, le=200, description="Largest batch.")
    min_batch_size: int = Field(1, ge=1, le=10, description="Smallest batch of adaptive, unless fewer files are left.")
    rate_limit_buffer: float = Field(0.8, ge=0.1, le=1.0, description="Share of GitHub's rate limit that is used.")
    retry_attempts: int = Field(3, ge=0, le=10, description="Repetitions of a failed request.")
    retry_delay_base: float = Field(
        1.0, ge=0.1, le=10.0, description="Seconds before a failed batch is repeated; doubled each time."
    )
    max_memory_usage_mb: int = Field(
        500, ge=100, le=5000, description="MB of this process above which batches shrink and wait; none is dropped."
    )
    stream_large_files_threshold: int = Field(
        1_048_576, ge=10_240, le=10_485_760, description="Bytes above which a file is read by itself, from disk."
    )
    default_strategy: BatchStrategy = Field(BatchStrategy.ADAPTIVE, description="How much is asked at once.")
    enable_cross_repo_batching: bool = Field(True, description="Batches hold files of several repositories.")
    enable_file_prioritization: bool = Field(True, description="Lockfiles are read before manifests and SBOMs.")
    enable_performance_monitoring: bool = Field(True, description="Measure batches and say at the end what they cost.")
    log_batch_metrics: bool = Field(False, description="Log what each batch cost.")

    @model_validator(mode="after")
    def _sizes_fit(self) -> "BatchConfig":
        if self.min_batch_size > self.max_batch_size:
            raise ValueError(f"min_batch_size {self.min_batch_size} is above max_batch_size {self.max_batch_size}")
        return self
