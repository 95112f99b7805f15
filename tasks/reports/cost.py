"""What a run cost, in reports of both kinds of scans."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tasks.history.model import Metrics
from tasks.text.plain import counted

__all__ = ["cost_lines", "metrics_document", "requests_words"]


def metrics_document(metrics: Metrics) -> dict[str, Any]:
    """As plain data, with what the kind of scan adds."""
    return {**asdict(metrics), "timeline": [asdict(span) for span in metrics.timeline]}


def cost_lines(metrics: Metrics) -> Iterator[str]:
    """Time, requests and memory, line by line."""
    batches = counted(metrics.batches, "batch", "batches")
    yield f"Time: {metrics.wall_s:.1f} s; {batches}, {metrics.cached_batches:,} stored already"
    yield f"Requests: {requests_words(metrics)}"
    yield f"Memory: at most {metrics.peak_rss_mb:,} MB"


def requests_words(metrics: Metrics) -> str:
    """How many requests went to which service, in words."""
    return ", ".join(f"{number:,} to {name}" for name, number in metrics.requests.items()) or "none"
