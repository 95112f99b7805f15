"""Every batch has the same size."""

from dataclasses import dataclass

from tasks.batching.interface import Conditions

USUAL_SIZE = 10
MOST_BATCHES = 100


def usual_size(items: int, largest: int) -> int:
    """The size when nobody chose one: 10, and for large inputs so many that at most 100 batches come of it.

    Never above `largest`, even if that makes more batches.
    A batch costs tens of milliseconds of orchestration however small it is, so it has to grow with the input.
    """
    return max(1, min(largest, max(USUAL_SIZE, -(-items // MOST_BATCHES))))


@dataclass(frozen=True, slots=True)
class FixedSize:
    """The strategy `fixed-size`: always `size` items."""

    size: int

    def next_size(self, conditions: Conditions) -> int:
        """The size, or what is left."""
        return max(1, min(self.size, conditions.remaining))
