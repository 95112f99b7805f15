"""A batch, and what a batch strategy is: it answers how large the next batch should be.

Both flows cut their work with this package; a strategy is one small file beside this one.
"""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Batch(Generic[Item]):
    """Some items that are looked up, stored and repeated together. Numbers count from 1."""

    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class BatchTiming:
    """How one finished batch went: its number of items and its time in seconds."""

    items: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a strategy may look at: items left, the batches finished so far, memory in use (share of the limit)."""

    remaining: int
    finished: tuple[BatchTiming, ...]
    memory_used: float


class BatchStrategy(Protocol):
    """How large the next batch should be."""

    def next_size(self, conditions: Conditions) -> int:
        """Number of items for the next batch, at least 1."""
        ...
