"""Cutting a list of items into batches, one at a time, as a strategy wants them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic

from tasks.batching.interface import Batch, BatchStrategy, BatchTiming, Conditions, Item


class Planner(Generic[Item]):
    """Hands out the next batch until nothing is left; every item is in exactly one batch, in order."""

    def __init__(
        self, items: Sequence[Item], strategy: BatchStrategy, memory_used: Callable[[], float], first_number: int = 1
    ) -> None:
        self._items = items
        self._strategy = strategy
        self._memory_used = memory_used
        self._number = first_number
        self._next = 0
        self._finished: list[BatchTiming] = []

    @property
    def remaining(self) -> int:
        """Items that no batch holds yet."""
        return len(self._items) - self._next

    def give_back(self, items: Sequence[Item]) -> None:
        """Take items back that a batch could not do in its time: they come next, in a batch of their own number."""
        self._items = [*items, *self._items[self._next :]]
        self._next = 0

    def finished(self, timing: BatchTiming) -> None:
        """Tell how a batch went, for strategies that learn from it."""
        self._finished.append(timing)

    def next_batch(self) -> Batch[Item] | None:
        """The next batch, None when all items are handed out."""
        if not self.remaining:
            return None
        conditions = Conditions(self.remaining, tuple(self._finished[-20:]), self._memory_used())
        size = max(1, min(self.remaining, self._strategy.next_size(conditions)))
        batch = Batch(self._number, tuple(self._items[self._next : self._next + size]))
        self._next += size
        self._number += 1
        return batch

    def __iter__(self) -> Iterator[Batch[Item]]:
        while (batch := self.next_batch()) is not None:
            yield batch
