"""What one scan may spend on the model: requests, tokens and seconds, over all batches of the process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tasks.opinion.interface import BudgetSpent

__all__ = ["Budget"]


class Budget:
    """Counts what is spent; safe for threads and tasks alike.

    Seconds are those in which at least one question is under way: two at once are not counted twice.
    """

    def __init__(self, requests: int, tokens: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_requests, self._most_tokens, self._most_seconds = requests, tokens, seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._requests = 0
        self._tokens = 0
        self._reserved = 0
        self._seconds = 0.0
        self._under_way = 0
        self._since = 0.0

    @contextmanager
    def question(self, tokens: int) -> Iterator[float]:
        """One question that will take about so many tokens, from before it is sent until it has ended.

        Yields the seconds it may take. BudgetSpent where anything is used up, or would be by this.
        """
        left = self._begin(tokens)
        try:
            yield left
        finally:
            self._end(tokens)

    def count(self, *, requests: int = 0, tokens: int = 0) -> None:
        """Note what was really spent: requests that went out beyond the first, and tokens."""
        with self._lock:
            self._requests += requests
            self._tokens += tokens

    def too_slow(self) -> BudgetSpent:
        """The error for a question that took all the time that was left."""
        return BudgetSpent(f"the scan's {self._most_seconds:g} seconds are spent (ai.max_seconds)")

    def check(self) -> None:
        """BudgetSpent where requests, tokens or seconds are used up."""
        with self._lock:
            self._check(0)

    def _begin(self, tokens: int) -> float:
        with self._lock:
            self._check(tokens)
            self._requests += 1
            self._reserved += tokens
            if not self._under_way:
                self._since = self._clock()
            self._under_way += 1
            return self._most_seconds - self._spent_seconds()

    def _end(self, tokens: int) -> None:
        with self._lock:
            self._reserved -= tokens
            self._under_way -= 1
            if not self._under_way:
                self._seconds += self._clock() - self._since

    def _spent_seconds(self) -> float:
        running = self._clock() - self._since if self._under_way else 0.0
        return self._seconds + running

    def _check(self, tokens: int) -> None:
        if self._requests >= self._most_requests:
            raise BudgetSpent(f"the scan's {self._most_requests:,} requests are spent (ai.max_requests)")
        if self._tokens + self._reserved + tokens > self._most_tokens:
            raise BudgetSpent(f"the scan's {self._most_tokens:,} tokens are spent or would be (ai.max_tokens)")
        if self._spent_seconds() >= self._most_seconds:
            raise self.too_slow()
