"""One event loop in a thread of its own, so that batches running in several threads share one client."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Value = TypeVar("Value")


class LoopThread:
    """An event loop that other threads hand coroutines to; `close()` cancels what is left and ends it."""

    def __init__(self, name: str = "vetbook-engine") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def start(self, work: Coroutine[Any, Any, Value]) -> Future[Value]:
        """Begin with a coroutine and return at once; RuntimeError once the loop is closed."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:
            work.close()  # a coroutine that nothing awaits is a warning of its own
            raise

    def run(self, work: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine to its end and return its value; cancelled when the waiting thread is interrupted.

        RuntimeError once the loop is closed.
        """
        future = self.start(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Cancel everything under way and end the loop; later `run` calls fail."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


async def _cancel_others() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
