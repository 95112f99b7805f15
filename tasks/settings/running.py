"""Settings of where a run does its work, and how much memory it may take."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AliasChoices, BeforeValidator, Field, field_validator

from tasks.settings.section import Section

__all__ = ["S3_ADDRESS", "ExecutionSettings", "PerformanceSettings", "RunnerKind"]


def _megabytes(value: object) -> object:
    """A number of MB out of "512MB", "1.5 GB" or a plain number."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([mg])i?b?\s*", value.lower()) if isinstance(value, str) else None
    return value if found is None else round(float(found[1]) * (1000 if found[2] == "g" else 1))


class PerformanceSettings(Section):
    """Limits of this process, and what is told of its speed."""

    max_memory_usage: Annotated[int | None, BeforeValidator(_megabytes)] = Field(
        None,
        ge=64,
        le=1_048_576,
        validation_alias=AliasChoices("max_memory_usage", "max_memory_usage_mb"),
        description="MB (10^6 bytes; also as 512MB or 2GB) above which fewer packages are looked up at once.",
    )
    enable_performance_monitoring: bool = Field(
        True, description="Say at the end which service was slowest and what would help."
    )
    log_batch_metrics: bool = Field(False, description="Log what each batch cost: requests, waits, cache hits, bytes.")


S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]{1,100}){0,8}/?")
"""Names of buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""


class RunnerKind(StrEnum):
    """Where batches run."""

    THREADS = "threads"
    DASK = "dask"
    RAY = "ray"


class ExecutionSettings(Section):
    """Where batches run."""

    task_runner: RunnerKind = Field(
        RunnerKind.THREADS,
        description="threads of this process; dask or ray: processes of a cluster (vetbook[dask], vetbook[ray]).",
    )
    address: str | None = Field(
        None,
        min_length=1,
        description="Address of the Dask scheduler or Ray cluster; unset: one is started for the run.",
    )
    workers: int = Field(2, ge=1, le=64, description="Processes of a cluster that is started for the run.")
    results: str | None = Field(
        None, description="s3://BUCKET/PREFIX for batch results (vetbook[aws]); unset: results/ in the data folder."
    )

    @field_validator("results")
    @classmethod
    def _is_s3(cls, value: str | None) -> str | None:
        if value is not None and not S3_ADDRESS.fullmatch(value):
            raise ValueError("must be s3://BUCKET or s3://BUCKET/PREFIX, with letters, digits and . _ - in the prefix")
        return None if value is None else value.rstrip("/")
