"""Batch settings from their four places: defaults < file < environment (GITHUB_IOC_SCANNER_*) < flags.

A file (YAML or JSON) holds `batch:` with the nested sections of the configuration guide, or the fields' own names.
"""

import difflib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.errors import SettingsError
from tasks.ioc.config import BatchConfig
from tasks.settings.file import read_settings_file

__all__ = ["LoadedBatch", "load_batch_config"]

PREFIX = "GITHUB_IOC_SCANNER_"

_NESTED: Mapping[tuple[str, str], str] = {
    ("concurrency", "max_concurrent_requests"): "max_concurrent_requests",
    ("concurrency", "max_concurrent_repos"): "max_concurrent_repos",
    ("batch_sizes", "default"): "default_batch_size",
    ("batch_sizes", "max"): "max_batch_size",
    ("batch_sizes", "min"): "min_batch_size",
    ("performance", "rate_limit_buffer"): "rate_limit_buffer",
    ("performance", "retry_attempts"): "retry_attempts",
    ("performance", "retry_delay_base"): "retry_delay_base",
    ("memory", "max_usage_mb"): "max_memory_usage_mb",
    ("memory", "stream_threshold_bytes"): "stream_large_files_threshold",
    ("strategy", "default"): "default_strategy",
    ("strategy", "enable_cross_repo_batching"): "enable_cross_repo_batching",
    ("strategy", "enable_file_prioritization"): "enable_file_prioritization",
    ("monitoring", "enable_performance_monitoring"): "enable_performance_monitoring",
    ("monitoring", "log_batch_metrics"): "log_batch_metrics",
}

_VARIABLES: Mapping[str, str] = {
    **{name.upper(): name for name in BatchConfig.model_fields},
    "MAX_MEMORY_MB": "max_memory_usage_mb",
    "STREAM_THRESHOLD_BYTES": "stream_large_files_threshold",
    "BATCH_STRATEGY": "default_strategy",
}


@dataclass(frozen=True, slots=True)
class LoadedBatch:
    """The settings, and one line for each key that had no effect."""

    config: BatchConfig
    warnings: tuple[str, ...] = ()


def load_batch_config(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> LoadedBatch:
    """Merge the four places; SettingsError names the key, the value and the range. Flags of None are not given."""
    variables = os.environ if environment is None else environment
    warnings: list[str] = []
    values: dict[str, Any] = {}
    values |= _from_file(file, warnings)
    values |= _from_environment(variables, warnings)
    values |= {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return LoadedBatch(BatchConfig.model_validate(values), tuple(warnings))
    except ValidationError as error:
        raise SettingsError(_first_problem(error)) from error


def _from_file(path: Path | None, warnings: list[str]) -> dict[str, Any]:
    if path is None:
        return {}
    document = read_settings_file(path, "batch")
    batch = document.get("batch")
    if batch is None:
        batch = {name: value for name, value in document.items() if name in BatchConfig.model_fields}
    if not isinstance(batch, dict):
        raise SettingsError(f"{path}: batch is not a mapping; write its sections indented below it")
    return dict(_placed(batch, warnings))


def _placed(batch: Mapping[str, Any], warnings: list[str]) -> Iterator[tuple[str, Any]]:
    """Every known key under its field's name; the nested form wins over a field's own name."""
    sections = {section for section, _ in _NESTED}
    yield from ((key, value) for key, value in batch.items() if key in BatchConfig.model_fields)
    for section, values in batch.items():
        if section in BatchConfig.model_fields:
            continue
        if section not in sections:
            warnings.append(_unknown(f"batch.{section}", [*sections, *BatchConfig.model_fields], "batch."))
        elif not isinstance(values, dict | None):
            raise SettingsError(f"setting batch.{section} is not a mapping; write its keys indented below it")
        for key, value in (values or {}).items() if section in sections else ():
            if (section, key) in _NESTED:
                yield _NESTED[section, key], value
            else:
                known = [f"{section}.{name}" for place, name in _NESTED if place == section]
                warnings.append(_unknown(f"batch.{section}.{key}", known, "batch."))


def _from_environment(environment: Mapping[str, str], warnings: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in sorted(environment.items()):
        if not name.startswith(PREFIX):
            continue
        key = name.removeprefix(PREFIX)
        if key in _VARIABLES:
            found[_VARIABLES[key]] = text.strip()
        else:
            warnings.append(_unknown(name, [PREFIX + known for known in _VARIABLES], ""))
    return found


def _unknown(name: str, known: list[str], prefix: str) -> str:
    near = difflib.get_close_matches(name.removeprefix(prefix), known, n=1)
    return f"setting {name} is not known and has no effect" + (f"; did you mean {prefix}{near[0]}?" if near else "")


def _first_problem(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in first["loc"])
    shown = f" (is {first['input']!r})" if name else ""
    message = first["msg"].removeprefix("Value error, ")
    return f"setting batch.{name}{shown}: {message}{_range_of(name)}" if name else f"setting batch: {message}"


def _range_of(name: str) -> str:
    info = BatchConfig.model_fields.get(name)
    bounds = {
        key: getattr(item, key)
        for item in (info.metadata if info else ())
        for key in ("ge", "le")
        if hasattr(item, key)
    }
    return f" (allowed: {bounds['ge']} to {bounds['le']})" if len(bounds) == 2 else ""  # noqa: PLR2004  both ends
