"""What batches cost: counted as they end, and read as a few figures."""

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["BatchMetrics", "BatchMetricsCollector"]

_LOW_SUCCESS, _SLOW_S, _SMALL = 0.95, 5.0, 5


@dataclass(frozen=True, slots=True)
class BatchMetrics:
    """Figures of all batches so far: files asked for, batch sizes in files, seconds of processing.

    api_calls_saved are requests that one per file would have cost and batches did not; parallel_efficiency is the
    seconds of all batches together over the seconds that passed (1.0: one after the other, 3.0: three at a time).
    """

    total_requests: int = 0
    successful_requests: int = 0
    cache_hits: int = 0
    average_batch_size: float = 0.0
    total_processing_time: float = 0.0
    api_calls_saved: int = 0
    parallel_efficiency: float = 0.0


@dataclass(slots=True)
class BatchMetricsCollector:
    """Collects one entry a batch; not for use from several threads at once."""

    _entries: list[tuple[str, float, int, int, int, int]] = field(default_factory=list)
    elapsed_s: float = 0.0

    def record_batch_operation(
        self,
        operation_type: str,
        duration: float,
        batch_size: int,
        success_count: int,
        cache_hits: int = 0,
        requests: int | None = None,
    ) -> None:
        """Note a batch: seconds, files, files that succeeded, files known before, requests (None: one a file)."""
        if min(duration, batch_size, success_count, cache_hits) < 0 or success_count > batch_size:
            raise ValueError("counts and seconds are not negative, and no more files succeed than a batch has")
        asked = batch_size - cache_hits if requests is None else requests
        self._entries.append((operation_type, duration, batch_size, success_count, cache_hits, asked))

    def metrics(self) -> BatchMetrics:
        """The figures so far."""
        files, seconds = self._sum(2), sum(entry[1] for entry in self._entries)
        return BatchMetrics(
            total_requests=files,
            successful_requests=self._sum(3),
            cache_hits=self._sum(4),
            average_batch_size=files / len(self._entries) if self._entries else 0.0,
            total_processing_time=round(seconds, 3),
            api_calls_saved=max(0, files - self._sum(5)),
            parallel_efficiency=round(seconds / self.elapsed_s, 3) if self.elapsed_s else 0.0,
        )

    def get_performance_summary(self) -> dict[str, float]:
        """Figures by name; rates are shares, 0.0 to 1.0."""
        metrics = self.metrics()
        files = max(1, metrics.total_requests)
        return {
            "total_batches": float(len(self._entries)),
            "total_requests": float(metrics.total_requests),
            "avg_batch_size": metrics.average_batch_size,
            "cache_hit_rate": metrics.cache_hits / files,
            "success_rate": metrics.successful_requests / files,
            "avg_duration": metrics.total_processing_time / max(1, len(self._entries)),
            "api_calls_saved": float(metrics.api_calls_saved),
        }

    def identify_optimization_opportunities(self) -> list[str]:
        """What would make the next run faster, in words; empty where nothing stands out."""
        return list(self._opportunities()) if self._entries else []

    def _opportunities(self) -> Iterator[str]:
        summary = self.get_performance_summary()
        if summary["success_rate"] < _LOW_SUCCESS:
            yield "Many files fail: look at their reasons, or use the strategy conservative"
        if summary["avg_duration"] > _SLOW_S:
            yield "Batches take long: lower max_batch_size, or raise max_concurrent_requests"
        if summary["avg_batch_size"] < _SMALL and summary["total_batches"] > _SMALL:
            yield "Batches are small: raise default_batch_size, or enable cross-repository batching"
        if summary["api_calls_saved"] < summary["total_requests"] / 2 and summary["total_batches"] > _SMALL:
            yield "Most files cost a request each: use the strategy adaptive, and keep the data folder between runs"

    def _sum(self, place: int) -> int:
        return sum(int(entry[place]) for entry in self._entries)
