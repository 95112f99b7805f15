"""What is known of a run's progress, and the figures drawn from it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figures:
    """Progress at one moment. Packages are counted as rows looked up; rate in packages per second; eta_s in seconds."""

    batches: int
    packages: int
    total_packages: int
    failed: int
    cached_batches: int
    rate: float
    eta_s: float | None

    def __str__(self) -> str:
        eta = f", {duration(self.eta_s)} left" if self.eta_s is not None else ""
        failed = f", {self.failed} could not be checked" if self.failed else ""
        return (
            f"{self.batches} {'batch' if self.batches == 1 else 'batches'},"
            f" {self.packages}/{self.total_packages} packages,"
            f" {self.rate:.1f} packages/s{eta}{failed}"
        )


def duration(seconds: float) -> str:
    """Seconds as people say them: "8 s", "3 min 20 s", "1 h 5 min"."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004  minutes in an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


class Tally:
    """Counts finished batches; the clock tells seconds.

    Packages from checkpoints do not count for the rate: they cost no time.
    """

    def __init__(self, total_packages: int, clock: Callable[[], float]) -> None:
        self._total = total_packages
        self._clock = clock
        self._began = clock()
        self._batches = self._packages = self._looked_up = self._failed = self._cached = 0

    def batch_done(self, packages: int, *, failed: int = 0, cached: bool = False, again: bool = False) -> None:
        """Count one batch; `again` marks one whose packages failed before, so they are not counted twice."""
        self._batches += 1
        self._packages += 0 if again else packages
        self._failed += failed - (packages if again else 0)
        self._cached += cached
        self._looked_up += 0 if cached else packages

    @property
    def figures(self) -> Figures:
        """The figures now; never more than 100 %, no estimate before the first looked-up package."""
        elapsed = self._clock() - self._began
        rate = self._looked_up / elapsed if elapsed > 0 else 0.0
        packages = min(self._packages, self._total)
        eta = (self._total - packages) / rate if rate else None
        return Figures(self._batches, packages, self._total, max(0, self._failed), self._cached, rate, eta)
