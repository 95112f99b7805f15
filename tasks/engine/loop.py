"""One event loop in a thread of its own, so that batches running in several threads share one client."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Value = TypeVar("Value")
LOOP_CLOSED = "Event loop is closed"
"""What the RuntimeError of a closed loop says, in asyncio's words."""


class LoopThread:
    """An event loop that other threads hand coroutines to; `close()` cancels what is left and ends it."""

    def __init__(self, name: str = "vetbook-engine") -> None:
        self._loop = asyncio.new_event_loop()
        self._starting = threading.Lock()
        self._closing = False
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Begin with a coroutine and return at once; RuntimeError once the loop is being closed."""
        with self._starting:
            if not self._closing:
                return asyncio.run_coroutine_threadsafe(work, self._loop)
        work.close()  # a coroutine that nothing awaits is a warning of its own
        raise RuntimeError(LOOP_CLOSED)

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine to its end and return its value; cancelled when the waiting thread is interrupted.

        RuntimeError once the loop is being closed.
        """
        future = self.start(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Callable[[], Coroutine[Any, Any, object]] | None = None) -> None:
        """Cancel everything under way, run `last` and end the loop; later `run` calls fail.

        What is handed over meanwhile is refused at once: a loop that has ended would let its thread wait for ever.
        """
        with self._starting:
            if self._closing:
                return
            self._closing = True
        try:
            asyncio.run_coroutine_threadsafe(_end(last), self._loop).result(timeout=10)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)
            self._loop.close()


async def _end(last: Callable[[], Coroutine[Any, Any, object]] | None) -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    if last is not None:
        await last()
