"""At most so many requests within any so many seconds, as NVD counts them.

A request is counted from when it is sent until that long after its answer has come, for the service counts it
somewhere in between. A bucket that refills would let a burst and its refill through, which is too many.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

__all__ = ["WINDOW_MARGIN_S", "OwnWindow", "Place", "Window"]

WINDOW_MARGIN_S = 1.0
"""The service's clock is not ours, and may count whole seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the window: taken, to be given back by its number, or to be asked for again after wait_s seconds."""

    number: int
    wait_s: float = 0.0


class Window(Protocol):
    """Counts one service's requests; a place is taken right before a request is sent."""

    def take(self) -> Place:
        """A place now (wait_s 0), or how long there is surely none."""
        ...

    def give_back(self, place: Place) -> None:
        """The request has ended: its place is free when the window has passed."""
        ...


class OwnWindow:
    """`Window` of this process: most requests in window_s seconds of clock."""

    def __init__(self, most: int, window_s: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._window_s = window_s + WINDOW_MARGIN_S
        self._clock = clock
        self._under_way = 0
        self._ended: deque[float] = deque()

    def take(self) -> Place:
        """A place now, or how long there is surely none."""
        now = self._clock()
        while self._ended and self._ended[0] + self._window_s <= now:
            self._ended.popleft()
        if self._under_way + len(self._ended) < self._most:
            self._under_way += 1
            return Place(self._under_way)
        first = self._ended[0] if self._ended else now
        return Place(0, first + self._window_s - now)

    def cancel(self) -> None:
        """A place was taken and nothing sent."""
        self._under_way -= 1

    def give_back(self, place: Place) -> None:  # noqa: ARG002 - all places are alike here
        """The request has ended."""
        self._under_way -= 1
        self._ended.append(self._clock())
