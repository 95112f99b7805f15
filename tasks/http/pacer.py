"""Spacing of requests in time: an even rate, and a pause that the service asked for."""

from collections.abc import Callable

__all__ = ["Pacer"]


class Pacer:
    """Gives out turns on one service; all times in seconds.

    Turns are spaced evenly (one per 1/rate) because services with a rolling window, such as NVD's 5 requests in 30 s,
    count a burst followed by a refill as too many.
    """

    def __init__(self, rate: float | None, clock: Callable[[], float]) -> None:
        self._interval = 1.0 / rate if rate else 0.0
        self._clock = clock
        self._next = 0.0
        self._held_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let nobody ask before that many seconds have passed."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def held(self) -> float:
        """Seconds left of the longest pause asked for."""
        return max(0.0, self._held_until - self._clock())

    def expected(self) -> float:
        """Seconds that the next turn is away, without taking it."""
        now = self._clock()
        return max(self._next, self._held_until, now) - now

    def reserve(self) -> float:
        """Take the next turn; the seconds to wait for it."""
        wait = self.expected()
        if self._interval:
            self._next = self._clock() + wait + self._interval
        return wait
