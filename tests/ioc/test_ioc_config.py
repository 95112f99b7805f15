"""Batch settings: defaults, ranges, files, variables, and who wins."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.errors import SettingsError
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.config_load import load_batch_config

GUIDE = {
    "batch": {
        "concurrency": {"max_concurrent_requests": 15, "max_concurrent_repos": 5},
        "batch_sizes": {"default": 12, "max": 60, "min": 2},
        "performance": {"rate_limit_buffer": 0.85, "retry_attempts": 4, "retry_delay_base": 1.5},
        "memory": {"max_usage_mb": 750, "stream_threshold_bytes": 2_097_152},
        "strategy": {"default": "adaptive", "enable_cross_repo_batching": False, "enable_file_prioritization": False},
        "monitoring": {"enable_performance_monitoring": False, "log_batch_metrics": True},
    }
}
RANGES: dict[str, tuple[Any, Any, Any]] = {
    "max_concurrent_requests": (1, 50, 10),
    "max_concurrent_repos": (1, 10, 3),
    "default_batch_size": (1, 100, 10),
    "max_batch_size": (1, 200, 50),
    "min_batch_size": (1, 10, 1),
    "rate_limit_buffer": (0.1, 1.0, 0.8),
    "retry_attempts": (0, 10, 3),
    "retry_delay_base": (0.1, 10.0, 1.0),
    "max_memory_usage_mb": (100, 5000, 500),
    "stream_large_files_threshold": (10_240, 10_485_760, 1_048_576),
}


@pytest.mark.parametrize("name", list(RANGES))
def test_defaults_and_ranges_are_those_of_the_guide(name: str) -> None:
    low, high, default = RANGES[name]
    assert getattr(BatchConfig(), name) == default
    step = 0.01 if isinstance(low, float) else 1
    for value in (low, high):
        assert getattr(load_batch_config(environment={}, flags={name: value}).config, name) == value
    for value in (low - step, high + step):
        with pytest.raises(SettingsError, match=rf"{name}.*allowed: {low} to {high}"):
            load_batch_config(environment={}, flags={name: value})


def test_the_other_defaults() -> None:
    config = BatchConfig()
    assert config.default_strategy is BatchStrategy.ADAPTIVE
    switches = (config.enable_cross_repo_batching, config.enable_file_prioritization, config.log_batch_metrics)
    assert switches == (True, True, False)


def test_a_smallest_batch_above_the_largest_is_refused() -> None:
    with pytest.raises(ValidationError, match="above max_batch_size"):
        BatchConfig(min_batch_size=5, max_batch_size=4)


@pytest.mark.parametrize("kind", ["yaml", "json"])
def test_nested_files_as_the_guide_writes_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"batch.{kind}"
    path.write_text(json.dumps(GUIDE, indent=2 if kind == "json" else None), "utf-8")
    loaded = load_batch_config(path, {})
    assert loaded.warnings == ()
    assert loaded.config.max_concurrent_requests == 15
    assert loaded.config.default_batch_size == 12
    assert loaded.config.stream_large_files_threshold == 2_097_152
    assert not loaded.config.enable_cross_repo_batching
    assert loaded.config.log_batch_metrics


def test_flags_beat_variables_beat_the_file(tmp_path: Path) -> None:
    path = tmp_path / "batch.yaml"
    path.write_text("batch:\n  batch_sizes: {default: 11, max: 61, min: 3}\n", "utf-8")
    variables = {"GITHUB_IOC_SCANNER_DEFAULT_BATCH_SIZE": "22", "GITHUB_IOC_SCANNER_MAX_BATCH_SIZE": "62"}
    config = load_batch_config(path, variables, {"default_batch_size": 33, "min_batch_size": None}).config
    assert (config.default_batch_size, config.max_batch_size, config.min_batch_size) == (33, 62, 3)


def test_every_documented_variable_counts() -> None:
    variables = {
        "MAX_CONCURRENT_REQUESTS": "15",
        "MAX_CONCURRENT_REPOS": "4",
        "DEFAULT_BATCH_SIZE": "12",
        "MAX_BATCH_SIZE": "51",
        "RATE_LIMIT_BUFFER": "0.7",
        "RETRY_ATTEMPTS": "0",
        "MAX_MEMORY_MB": "600",
        "STREAM_THRESHOLD_BYTES": "20480",
        "BATCH_STRATEGY": "aggressive",
        "ENABLE_CROSS_REPO_BATCHING": "false",
        "ENABLE_FILE_PRIORITIZATION": "false",
        "ENABLE_PERFORMANCE_MONITORING": "false",
        "LOG_BATCH_METRICS": "true",
    }
    loaded = load_batch_config(None, {f"GITHUB_IOC_SCANNER_{name}": value for name, value in variables.items()})
    default = BatchConfig()
    same = [name for name in BatchConfig.model_fields if getattr(loaded.config, name) == getattr(default, name)]
    assert same == ["min_batch_size", "retry_delay_base"]
    assert loaded.warnings == ()


def test_unknown_keys_are_named_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "batch.yaml"
    path.write_text("batch:\n  batch_sizes: {defualt: 11}\n  strategi: {}\n", "utf-8")
    loaded = load_batch_config(path, {"GITHUB_IOC_SCANNER_MAX_BATCHSIZE": "1"})
    assert len(loaded.warnings) == 3
    assert "did you mean batch.batch_sizes.default?" in loaded.warnings[0] + loaded.warnings[1]


@pytest.mark.parametrize("text", ["[1]", "batch: 3", "batch: {memory: 3}", "a: [", "{"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "batch.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(SettingsError):
        load_batch_config(path, {})


@pytest.mark.parametrize("name", ["high_performance", "resource_constrained", "rate_limited", "development"])
def test_the_profiles_are_valid_and_complete(project_root: Path, name: str) -> None:
    loaded = load_batch_config(project_root / f"deployments/ioc_{name}.yaml", {})
    assert loaded.warnings == ()
    assert loaded.config != BatchConfig()
