"""The one settings model, shared by the flows: every key with its default, range and meaning.

Keys are those of the batch guide (`processing:`, `batch_processing:`) and of BatchConfiguration; where a
document knows a key by two names, both work. Unknown keys are kept aside so that the loader can name them.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_serializer,
    field_validator,
    model_validator,
)

from tasks.advisories.model import Severity
from tasks.http.redaction import redact, without_credentials
from tasks.workbook.model import Field as Column

Letter = Annotated[str, Field(pattern=r"^[A-Za-z]{1,3}$")]


class Section(BaseModel):
    """Base of all sections: frozen, filled by name or alias, unknown keys kept in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


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


class ExcelSettings(Section):
    """The workbook's layout; everything unset is found from the headers."""

    sheet_name: str | None = Field(None, description="The sheet; unset: the one whose headers fit.")
    header_row: int | None = Field(None, ge=1, le=1_048_576, description="Row of the headers, counted from 1.")
    data_start_row: int | None = Field(None, ge=1, le=1_048_576, description="First row of packages, counted from 1.")
    columns: dict[Column, Letter] | None = Field(
        None, description="Field key to column letter; a field left out is never written."
    )


class ServiceSettings(Section):
    """One service: its address and how it may be asked."""

    base_url: str | None = Field(None, pattern=r"^https?://", description="Address of the service or of a mirror.")
    max_in_flight: int | None = Field(None, ge=1, le=1000, description="Requests in flight; unset: general limit.")
    requests_per_second: float | None = Field(
        None, gt=0, le=10_000, description="Requests per second; unset: no limit."
    )
    max_wait_s: float | None = Field(None, ge=0, le=86_400, description="Seconds a scan may wait for this service.")
    deadline_s: float | None = Field(
        None, gt=0, le=86_400, description="Seconds for one request with all its attempts; unset: 120, downloads 1800."
    )
    cache_hours: float | None = Field(
        None, ge=0, le=8760, description="Hours for which kept answers are used unasked; unset: 0, ask each time."
    )
    kept_days: float = Field(
        90, gt=0, le=36_500, description="Days after which kept answers are not used even offline."
    )
    live: bool | None = Field(
        None, description="Whether a scan asks github, nvd, mitre, snyk, kev, epss or exploitdb; unset: all but mitre."
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The fields, with the address's credentials hidden."""
        for name, value in super().__repr_args__():
            yield name, redact(value) if isinstance(value, str) else value

    @field_serializer("base_url")
    def _without_password(self, value: str | None) -> str | None:
        return None if value is None else without_credentials(value)


class SourcesSettings(Section):
    """Every service the product talks to, and what they share."""

    ca_bundle: Path | None = Field(
        None, description="PEM file with further certificates to trust; relative to the settings file that names it."
    )
    shared_limits: SecretStr | None = Field(
        None, description="redis://HOST/0: limits that count over all processes which name it; needs vetbook[redis]."
    )
    kept_mb: int = Field(512, ge=1, le=1_048_576, description="MB of kept answers; what was not used for longest goes.")
    store_max_age_hours: float = Field(
        24, ge=0, le=87_600, description="Hours for which the advisory store is used without a warning."
    )

    pypi: ServiceSettings = ServiceSettings()
    osv: ServiceSettings = ServiceSettings()
    osv_bulk: ServiceSettings = ServiceSettings()
    github: ServiceSettings = ServiceSettings()
    nvd: ServiceSettings = ServiceSettings()
    nvd_feeds: ServiceSettings = ServiceSettings()
    mitre: ServiceSettings = ServiceSettings()
    snyk: ServiceSettings = ServiceSettings()
    exploitdb: ServiceSettings = ServiceSettings()
    kev: ServiceSettings = ServiceSettings()
    epss: ServiceSettings = ServiceSettings()

    @property
    def services(self) -> Mapping[str, ServiceSettings]:
        """The services by name."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: service for name, service in named if isinstance(service, ServiceSettings)}

    @field_validator("shared_limits")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value


class ModelProvider(StrEnum):
    """Whose way of asking a language model is used: Azure OpenAI's, or OpenAI's and that of all compatible servers."""

    AZURE = "azure"
    OPENAI = "openai"


MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}$"
"""What a model may be called: it stands in cells and reports."""


class AiSettings(Section):
    """The language model that is asked for a second opinion (docs/opinions.md), and what it may cost per scan."""

    enabled: bool | None = Field(
        None, description="Whether a model is asked; unset: where a key and a model are named in the environment."
    )
    provider: ModelProvider | None = Field(
        None, description="azure or openai (also all compatible servers); unset: azure where AZURE_OPENAI_KEY is set."
    )
    base_url: str | None = Field(
        None, pattern=r"^https?://", description="Address; unset: AZURE_OPENAI_ENDPOINT, OPENAI_BASE_URL or OpenAI's."
    )
    model: str | None = Field(
        None, pattern=MODEL_NAME, description="Model or deployment; unset: AZURE_OPENAI_MODEL or OPENAI_MODEL."
    )
    api_version: str | None = Field(
        None, pattern=r"^[0-9A-Za-z.-]{1,40}$", description="Azure's; unset: AZURE_OPENAI_API_VERSION or 2024-10-21."
    )
    json_mode: bool = Field(True, description="Ask for JSON by response_format; false for servers that refuse it.")
    max_requests: int = Field(100, ge=1, le=10_000, description="Requests per scan, retries included.")
    max_tokens: int = Field(200_000, ge=1, le=100_000_000, description="Tokens per scan, as the server counts them.")
    max_seconds: float = Field(120, gt=0, le=86_400, description="Seconds per scan of waiting for the model.")
    request_seconds: float = Field(60, gt=0, le=3600, description="Seconds for one request with its retries.")
    packages_per_request: int = Field(8, ge=1, le=50, description="Packages that one request asks about.")
    kept_days: float = Field(365, gt=0, le=36_500, description="Days for which the model's answers are kept.")

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The fields, with the address's credentials hidden."""
        for name, value in super().__repr_args__():
            yield name, redact(value) if isinstance(value, str) else value

    @field_serializer("base_url")
    def _without_password(self, value: str | None) -> str | None:
        return None if value is None else without_credentials(value)


class OfflineSettings(Section):
    """What `--offline` reads instead of asking."""

    snapshot: Path | None = Field(
        None, description="Folder with snapshot.json, pypi/ and osv/; relative to the settings file that names it."
    )


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


def _bytes(value: object) -> object:
    """A number of bytes out of "10MB", "512 kB" or a plain number."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmg])i?b?\s*", value.lower()) if isinstance(value, str) else None
    return value if found is None else round(float(found[1]) * 1000 ** (1 + "kmg".index(found[2])))


class LoggingSettings(Section):
    """The log files of a run, under `logs/` in the data folder."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="What is logged, and above.")
    file_rotation: bool = Field(True, description="Begin a new file when one of a day has grown too large.")
    max_file_size: Annotated[int, BeforeValidator(_bytes)] = Field(
        10_000_000, ge=10_000, le=10_000_000_000, description="Bytes (also as 10MB) of one file."
    )
    backup_count: int = Field(5, ge=1, le=1000, description="Files of one day that are kept beside the newest.")
    error_log_separate: bool = Field(True, description="Write errors once more into a file of their own.")
    keep_days: int = Field(30, ge=1, le=36_500, description="Days after which log files go.")


class OutputSettings(Section):
    """What is kept beside the workbook."""

    backup_count: int = Field(10, ge=1, le=10_000, description="Backups of one workbook that are kept.")
    backup_days: int = Field(90, ge=1, le=36_500, description="Days after which backups go; the newest never goes.")
    report_count: int = Field(
        90, ge=1, le=10_000, description="Reports of one kind and workbook or organisation that are kept in output/."
    )


class DecisionSettings(Section):
    """Reviewers' decisions about findings."""

    file: Path | None = Field(
        None, description="YAML file of decisions, beside the sheet Decisions; relative to the settings file."
    )


class UpgradeSettings(Section):
    """The upgrade plan."""

    python: str | None = Field(
        None,
        pattern=r"^[23]\.\d{1,3}(\.\d{1,3})?$",
        description="Python that upgrades have to run on, such as 3.11; others are marked.",
    )


class HistorySettings(Section):
    """The results of finished scans, under `history/` in the data folder."""

    keep: int = Field(90, ge=1, le=10_000, description="Finished scans of one workbook or organisation that are kept.")


class NotificationSettings(Section):
    """Who is told of failures and of new findings."""

    block: str | None = Field(
        None,
        pattern=r"^[a-z0-9-]+$",
        description="Name of a saved block of the type Vetbook Notifications; unset: nobody is told.",
    )
    severity: Severity = Field(
        Severity.CRITICAL, description="Findings from which on somebody is told; malicious and exploited ones always."
    )


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


class Settings(Section):
    """All settings of a run."""

    processing: ProcessingSettings = ProcessingSettings()
    batch_processing: BatchConfiguration = BatchConfiguration()
    excel: ExcelSettings = ExcelSettings()
    sources: SourcesSettings = SourcesSettings()
    ai: AiSettings = AiSettings()
    offline: OfflineSettings = OfflineSettings()
    performance: PerformanceSettings = PerformanceSettings()
    output: OutputSettings = OutputSettings()
    history: HistorySettings = HistorySettings()
    decisions: DecisionSettings = DecisionSettings()
    upgrade: UpgradeSettings = UpgradeSettings()
    logging: LoggingSettings = LoggingSettings()
    notifications: NotificationSettings = NotificationSettings()
    execution: ExecutionSettings = ExecutionSettings()


SHARED_KEYS: Mapping[str, frozenset[str]] = {
    "processing": frozenset({"batch_size", "checkpoint_frequency", "memory_threshold"}),
}
"""Keys that the batch guide writes under `processing:` and that belong to `batch_processing:`."""

INERT_KEYS: Mapping[str, frozenset[str]] = {
    "app": frozenset({"name", "version", "log_level", "debug_mode"}),
    "processing": frozenset(
        {"retry_delay", "total_packages", "rate_limit_delay", "preserve_manual_data", "create_backups"}
    ),
    "excel": frozenset(
        {
            "backup_original",
            "preserve_formatting",
            "total_columns",
            "timestamp_backups",
            "handle_timezone_issues",
            "expected_columns",
            "expected_packages",
            "validate_structure",
            "require_package_names",
        }
    ),
    "output": frozenset(
        {
            "generate_summary",
            "create_reports",
            "timestamp_files",
            "export_formats",
            "backup_directory",
            "output_directory",
            "report_directory",
            "create_changes_report",
            "backup_files",
            "include_timestamps",
            "detailed_changes",
        }
    ),
    "performance": frozenset(
        {"garbage_collection", "enable_caching", "cache_duration", "connection_pool_size", "keep_alive"}
    ),
    "logging": frozenset({"log_directory", "log_format", "console_output", "show_progress", "progress_interval"}),
}
"""Keys of the older review tool that are accepted and have no effect here: always on, or a flag's business now."""

INERT_SECTIONS = frozenset({"api", "security", "error_handling", "directories", "validation", "azure_openai"})
"""Whole sections of the older review tool, likewise accepted without effect."""
