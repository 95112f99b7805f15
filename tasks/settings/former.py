"""Keys of the older review tool: those that stand elsewhere here, and those without a meaning."""

from collections.abc import Mapping

__all__ = ["INERT_KEYS", "INERT_SECTIONS", "SHARED_KEYS"]

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
