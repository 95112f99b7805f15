"""Running jobs (batches), at most so many at once, in whatever way the caller submits them."""

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Protocol, TypeVar

Job = TypeVar("Job")

_POLL_S = 0.25


class Pending(Protocol):
    """A job under way; Prefect's futures are such."""

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call back, from any thread, once the job has ended."""
        ...


Future = TypeVar("Future", bound=Pending)


def run_windowed(
    next_job: Callable[[], Job | None],
    submit: Callable[[Job], Future],
    at_once: int,
    given_up: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Job, Future]]:
    """Yield every job with its ended future, as they end; the next is only asked for when a place is free.

    `next_job` answers None for "none now": it is asked again each time a job has ended, and the run is over when
    it has none and nothing is under way. `given_up` is looked at while waiting: once it is true, jobs under way
    are left to themselves. ValueError when at_once is below 1: no job would ever be run.
    """
    if at_once < 1:
        raise ValueError(f"at_once is {at_once}; at least 1 job has to run")
    ended: SimpleQueue[tuple[Job, Future]] = SimpleQueue()
    under_way = 0
    while True:
        while under_way < at_once and (job := next_job()) is not None:
            _start(job, submit, ended)
            under_way += 1
        if not under_way:
            return
        found = _next_ended(ended, given_up)
        if found is None:
            return
        yield found
        under_way -= 1


def _start(job: Job, submit: Callable[[Job], Future], ended: "SimpleQueue[tuple[Job, Future]]") -> None:
    future = submit(job)
    future.add_done_callback(lambda _: ended.put((job, future)))


def _next_ended(ended: "SimpleQueue[tuple[Job, Future]]", given_up: Callable[[], bool]) -> "tuple[Job, Future] | None":
    while True:
        try:
            # A wait without an end cannot be interrupted by Ctrl-C on Windows.
            return ended.get(timeout=_POLL_S)
        except Empty:
            if given_up():
                return None
