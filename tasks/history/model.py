"""What results of scans of both kinds have in common, read back from their documents (docs/result.md, docs/ioc.md).

Documents come from files that anybody may have edited: every value is checked, unknown keys are left aside.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = ["BatchSpan", "DocumentKind", "Metrics"]


class DocumentKind(StrEnum):
    """Which command made a result."""

    SCAN = "scan"
    IOC = "ioc"


@dataclass(frozen=True, slots=True)
class BatchSpan:
    """One batch: seconds from the run's first one, how many packages or files it held; round 0 is the first try."""

    number: int
    start_s: float
    seconds: float
    packages: int = 0
    failed: int = 0
    cached: bool = False
    round: int = 0

    @classmethod
    def ended(cls, number: int, at_s: float, seconds: float, **more: Any) -> "BatchSpan":
        """The span of a batch that has just ended, at_s seconds after the first began; a cached one took no time."""
        took = 0.0 if more.get("cached") else seconds
        return cls(number, round(max(0.0, at_s - took), 3), took, **more)


@dataclass(frozen=True, slots=True)
class Metrics:
    """What a run cost: seconds, batches, requests by service, peak memory in MB (10^6 bytes)."""

    wall_s: float = 0.0
    batches: int = 0
    cached_batches: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    peak_rss_mb: int = 0
    timeline: tuple[BatchSpan, ...] = ()
