"""A memory limit that slows work down: fewer packages at once while the process is above it, never none."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil

__all__ = ["MemoryGate", "resident_mb"]

LOOK_EVERY_S = 0.25
"""Reading the resident size is a system call; packages come by the hundred a second."""

RELIEVE_EVERY_S = 5.0
"""Collecting garbage takes some tenths of a second in a process of some hundred MB."""


def resident_mb() -> float:
    """This process's resident memory in MB (10^6 bytes)."""
    return float(psutil.Process().memory_info().rss) / 1e6


class MemoryGate:
    """Lets packages in, on one event loop: `most` at once below the limit, half as many at each look above it.

    Never fewer than `least` (1 or more): what is in memory for good (reviews, the workbook) does not go away by
    waiting, and the run must end. relieve is called above the limit, to give up what can be had again.
    """

    def __init__(
        self,
        limit_mb: float,
        most: int,
        least: int = 1,
        *,
        reader: Callable[[], float] = resident_mb,
        clock: Callable[[], float] = time.monotonic,
        relieve: Callable[[], object] = gc.collect,
    ) -> None:
        self._limit_mb = limit_mb
        self._most = most
        self._least = least
        self._reader = reader
        self._clock = clock
        self._relieve = relieve
        self._looked = self._relieved = float("-inf")
        self._inside = 0
        self._changed = asyncio.Condition()
        self.allowed = most
        self.waits = 0

    @property
    def pressed(self) -> bool:
        """Whether fewer packages than usual are let in."""
        return self.allowed < self._most

    @asynccontextmanager
    async def package(self) -> AsyncIterator[None]:
        """One package's stay inside."""
        await self._enter()
        try:
            yield
        finally:
            self._inside -= 1
            async with self._changed:
                self._changed.notify()

    async def _enter(self) -> None:
        self._look()
        if self._inside >= self.allowed:
            self.waits += 1
        async with self._changed:
            while self._inside >= self.allowed:
                await self._wait()
                self._look()
            self._inside += 1
            # Where the limit has risen, one departure lets in several, each waking the next.
            self._changed.notify()

    async def _wait(self) -> None:
        try:
            await self._changed.wait()
        except asyncio.CancelledError:
            # Its turn may just have come: the next one takes it.
            self._changed.notify()
            raise

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        if self._reader() <= self._limit_mb:
            self.allowed = min(self._most, self.allowed * 2)
            return
        self.allowed = max(self._least, self.allowed // 2)
        if now - self._relieved >= RELIEVE_EVERY_S:
            self._relieved = now
            self._relieve()
