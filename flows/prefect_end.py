"""Leaving Prefect in order: what it has still to tell its server is told before that server goes."""

import contextlib
from collections.abc import Iterator

from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker

_SECONDS = 10


@contextlib.contextmanager
def drained() -> Iterator[None]:
    """On leaving, wait until events and logs are sent, at most 10 s each."""
    try:
        yield
    finally:
        # An event sent to a server that is gone costs 7 s of retries.
        EventsWorker.drain_all(timeout=_SECONDS)
        APILogWorker.drain_all(timeout=_SECONDS)
