"""Batches shrink while memory is short and grow back when it is not."""

from dataclasses import dataclass, field

from tasks.batching.interface import Conditions

_EASE = 0.1
"""Share of the limit below the threshold at which batches grow again: at the threshold itself they would swing."""


@dataclass(slots=True)
class MemoryAdaptive:
    """The strategy `memory-adaptive`: halves the size above `threshold` (share of the limit), grows by half well below.

    Sizes are numbers of items; they start at `start` and stay within `smallest` and `largest`.
    """

    start: int
    smallest: int
    largest: int
    threshold: float
    _size: int = field(init=False)

    def __post_init__(self) -> None:
        self._size = self._bounded(self.start)

    def next_size(self, conditions: Conditions) -> int:
        """The size for the memory in use now; the first batch has the start size unless memory is short."""
        if conditions.memory_used > self.threshold:
            self._size = self._bounded(self._size // 2)
        elif conditions.finished and conditions.memory_used < self.threshold - _EASE:
            self._size = self._bounded(self._size + max(1, self._size // 2))
        return self._size

    def _bounded(self, size: int) -> int:
        return max(self.smallest, min(self.largest, size))
