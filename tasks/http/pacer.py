"""Spacing of requests in time: an even rate, and a pause that the service asked for."""

from collections import deque
from collections.abc import Callable

__all__ = ["Pacer"]


class Pacer:
    """Gives out turns on one service; all times in seconds.

    Turns are spaced evenly (one per 1/rate), or at most in_window of them lie within any window_s: a plan, by which a
    request knows early how long it will wait; `Window` sees to it when the request is sent.
    """

    def __init__(
        self, rate: float | None, clock: Callable[[], float], in_window: int | None = None, window_s: float = 30.0
    ) -> None:
        self._turns: deque[float] | None = deque(maxlen=in_window) if in_window else None
        self._window_s = window_s
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
        at = max(self._next, self._held_until, now)
        if self._turns is not None and len(self._turns) == self._turns.maxlen:
            at = max(at, self._turns[0] + self._window_s)
        return at - now

    def reserve(self) -> float:
        """Take the next turn; the seconds to wait for it."""
        wait = self.expected()
        if self._turns is not None:
            self._turns.append(self._clock() + wait)
        if self._interval:
            self._next = self._clock() + wait + self._interval
        return wait
