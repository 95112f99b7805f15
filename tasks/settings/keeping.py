"""Settings of what is kept and told: logs, backups, reports, finished scans, notifications."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from tasks.advisories.model import Severity
from tasks.settings.section import Section

__all__ = ["HistorySettings", "LoggingSettings", "NotificationSettings", "OutputSettings"]


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
