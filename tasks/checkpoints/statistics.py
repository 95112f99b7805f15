"""What a scan has cost so far: the `processing_statistics` of its checkpoints and the last lines of its summary."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_LAST = 20
"""Batches whose times are listed one by one; a checkpoint must not grow with the scan."""


@dataclass(slots=True)
class RunStatistics:
    """Counts the batches of one run.

    elapsed (seconds since the scan began), peak_memory_mb (10^6 bytes) and requests (by service) are asked when figures
    are wanted.
    """

    elapsed: Callable[[], float]
    peak_memory_mb: Callable[[], int]
    requests: Callable[[], Mapping[str, int]]
    _batches: int = field(init=False, default=0)
    _cached: int = field(init=False, default=0)
    _packages: int = field(init=False, default=0)
    _batch_seconds: float = field(init=False, default=0.0)
    _slowest: float = field(init=False, default=0.0)
    _last: deque[float] = field(init=False, default_factory=lambda: deque(maxlen=_LAST))
    _failed: int = field(init=False, default=0)
    _checkpoints: int = field(init=False, default=0)
    _checkpoint_seconds: float = field(init=False, default=0.0)

    def batch_done(self, packages: int, seconds: float, *, cached: bool, failed: int) -> None:
        """Count a batch; failed is the number of packages without an answer in the whole scan now."""
        self._batches += 1
        self._cached += cached
        self._failed = failed
        if not cached:
            self._packages += packages
            self._batch_seconds += seconds
            self._slowest = max(self._slowest, seconds)
            self._last.append(seconds)

    def checkpoint_done(self, seconds: float) -> None:
        """Count a checkpoint and the time it took to write."""
        self._checkpoints += 1
        self._checkpoint_seconds += seconds

    @property
    def plain(self) -> dict[str, Any]:
        """The figures: seconds, packages per second (looked up in this run), batches, MB, requests."""
        elapsed, looked_up = self.elapsed(), self._batches - self._cached
        return {
            "elapsed_s": round(elapsed, 3),
            "packages_per_second": round(self._packages / elapsed, 3) if elapsed > 0 else 0.0,
            "batches": self._batches,
            "cached_batches": self._cached,
            "mean_batch_s": round(self._batch_seconds / looked_up, 3) if looked_up else 0.0,
            "slowest_batch_s": round(self._slowest, 3),
            "last_batches_s": [round(seconds, 3) for seconds in self._last],
            "failed_packages": self._failed,
            "peak_memory_mb": self.peak_memory_mb(),
            "requests": dict(self.requests()),
            "checkpoints": self._checkpoints,
            "checkpoint_s": round(self._checkpoint_seconds, 3),
        }

    @property
    def lines(self) -> Iterator[str]:
        """The performance summary as a person reads it."""
        found = self.plain
        if self._batches > self._cached:
            yield (
                f"Performance: {found['packages_per_second']:.1f} packages/s; a batch took"
                f" {found['mean_batch_s']:.2f} s, the slowest {found['slowest_batch_s']:.2f} s;"
                f" {found['cached_batches']} of {found['batches']} batches were stored already"
            )
        requests = ", ".join(f"{count} to {name}" for name, count in found["requests"].items())
        yield (
            f"  Requests: {requests or 'none'}; at most {found['peak_memory_mb']} MB of memory;"
            f" {found['checkpoints']} checkpoints in {found['checkpoint_s']:.2f} s"
        )
