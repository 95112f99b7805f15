"""A circuit breaker: a service that is down is left alone, and asked by one request at a time after a while.

It must open within a dozen failures when a service is dead, and never for a service that merely fails often. Retries
are no fair sample (only what failed comes back, so a long row of failing retries is normal in bad weather); first
attempts are. Hence three rules, each about a row without any success:
1. as many failing first attempts as the threshold;
2. as many failing attempts of any kind, and no success for QUIET_S or ever;
3. as many failing or rate-limited attempts, and no success for LIMITED_QUIET_S since the row began.
"""

from collections.abc import Callable
from enum import Enum

from tasks.http.verdict import Kind

__all__ = ["Breaker", "BreakerState"]

QUIET_S = 10.0
LIMITED_QUIET_S = 30.0

_FAILURES = frozenset({Kind.OVERLOADED, Kind.BROKEN, Kind.INVALID})


class BreakerState(Enum):
    """closed: ask; open: do not ask; half-open: one request is finding out."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """One service's breaker; clock gives seconds, trips counts how often it opened."""

    def __init__(self, failures: int, window_s: float, clock: Callable[[], float]) -> None:
        self._threshold = failures
        self._window_s = window_s
        self._clock = clock
        self._opened_at = 0.0
        self._last_success: float | None = None
        self._row_began: float | None = None
        self._fresh = self._failed = self._limited = 0
        self.state = BreakerState.CLOSED
        self.trips = 0
        self.reason = ""

    @property
    def blocked(self) -> bool:
        """Whether asking now would be turned down."""
        if self.state is BreakerState.OPEN:
            return self._clock() - self._opened_at < self._window_s
        return self.state is BreakerState.HALF_OPEN

    def admit(self) -> bool:
        """Whether this request may be asked; the first after the window becomes the probe."""
        if self.state is BreakerState.CLOSED:
            return True
        if self.blocked:
            return False
        self.state = BreakerState.HALF_OPEN
        return True

    def abandon(self) -> None:
        """An admitted request ended without an outcome (cancelled): the next one may probe."""
        if self.state is BreakerState.HALF_OPEN:
            self.state = BreakerState.OPEN

    def record(self, kind: Kind, reason: str, *, fresh: bool) -> None:
        """Take one attempt's outcome into account; fresh marks a request's first attempt."""
        probing = self.state is BreakerState.HALF_OPEN
        if kind not in _FAILURES and (kind is not Kind.LIMITED or probing):
            self._close()
        elif probing:
            self._open(reason)
        elif self.state is BreakerState.CLOSED:
            self._count(kind, fresh=fresh)
            if self._dead():
                self._open(reason)

    def _count(self, kind: Kind, *, fresh: bool) -> None:
        if self._row_began is None:
            self._row_began = self._clock()
        if kind is Kind.LIMITED:
            self._limited += 1
        else:
            self._failed += 1
            self._fresh += fresh

    def _dead(self) -> bool:
        now = self._clock()
        quiet = self._last_success is None or now - self._last_success >= QUIET_S
        since = self._row_began if self._row_began is not None else now
        return (
            self._fresh >= self._threshold
            or (self._failed >= self._threshold and quiet)
            or (self._failed + self._limited >= self._threshold and now - since >= LIMITED_QUIET_S)
        )

    def _close(self) -> None:
        self.state = BreakerState.CLOSED
        self._last_success = self._clock()
        self._row_began = None
        self._fresh = self._failed = self._limited = 0

    def _open(self, reason: str) -> None:
        self.state = BreakerState.OPEN
        self._opened_at = self._clock()
        self.trips += 1
        self.reason = reason
