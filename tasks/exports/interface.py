"""What an export is, and the ids by which other tools know a finding again."""

from collections.abc import Callable
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

from tasks.reports.findings import IocResult
from tasks.reports.result import ScanResult

__all__ = ["IocExport", "ReviewExport", "stable_id"]

_NAMESPACE: Final = UUID("7e1f7c52-4b62-5c0e-9c55-0d6d1c3f2a9b")
"""Ours alone; with another one every finding would be a new one."""

ReviewExport = Callable[[Path, ScanResult], None]
"""Writes the result of a review, whole or not at all; CheckpointError when it cannot be written."""

IocExport = Callable[[Path, IocResult], None]
"""The same of an IOC scan."""


def stable_id(*parts: str) -> UUID:
    """The same id for the same parts, in every run and on every machine (RFC 9562, version 5)."""
    return uuid5(_NAMESPACE, "\0".join(parts).encode("utf-8", "replace").decode())
