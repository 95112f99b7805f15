"""Waiting while memory is short: the work slows down, nothing is dropped."""

from collections.abc import Callable
from dataclasses import dataclass

from tasks.batching.memory import MemoryReader

LONGEST_WAIT_S = 10.0
"""Seconds of waiting for memory to be freed, once each time it becomes short: others may hold it for ever."""

_STEP_S = 0.5


@dataclass(slots=True)
class Pressure:
    """Looks whether memory in use is above `threshold` (share of the limit); `relieve` is called when it becomes so."""

    threshold: float
    used: MemoryReader
    sleep: Callable[[float], None]
    relieve: Callable[[], None]
    _short: bool = False
    _left_s: float = 0.0

    def too_high(self, *, wait: bool) -> bool:
        """Whether memory is short; with `wait` after waiting until it is not, 10 s at most while it stays short."""
        if self.used() <= self.threshold:
            self._short = False
            return False
        if not self._short:
            self._short, self._left_s = True, LONGEST_WAIT_S
            self.relieve()
        while wait and self._left_s > 0:
            self.sleep(_STEP_S)
            self._left_s -= _STEP_S
            if self.used() <= self.threshold:
                self._short = False
                return False
        return True
