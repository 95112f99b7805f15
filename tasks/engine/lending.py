"""Engines of one process by what they are made from: made once, shared by all who need them, closed when done."""

import contextlib
import logging
import threading
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

__all__ = ["IDLE_S", "Lender"]

IDLE_S = 60.0
"""Seconds after its last batch in which an engine that nobody holds may be needed again."""

_log = logging.getLogger(__name__)


class Closable(Protocol):
    """Something to close when it is no longer needed."""

    def close(self) -> None:
        """Release what it holds."""
        ...


class Waiting(Protocol):
    """A call that comes later, unless it is cancelled; `threading.Timer` is one."""

    daemon: bool

    def start(self) -> None:
        """Begin to wait."""
        ...

    def cancel(self) -> None:
        """Never call."""
        ...


Terms = TypeVar("Terms", bound=Hashable)
Made = TypeVar("Made", bound=Closable)


@dataclass(slots=True)
class _Entry(Generic[Made]):
    engine: Made
    users: int = 0
    held: bool = False
    closing: Waiting | None = None


class Lender(Generic[Terms, Made]):
    """Makes an engine for each terms at first need, from any thread, and one only.

    A flow holds its engine and closes it at its end. A worker of a cluster is never told that a run has ended: what
    was only lent is closed when no batch has asked for it for IDLE_S. later is `threading.Timer`.
    """

    def __init__(
        self, make: Callable[[Terms], Made], later: Callable[[float, Callable[[], object]], Waiting] = threading.Timer
    ) -> None:
        self._make = make
        self._later = later
        self._entries: dict[Terms, _Entry[Made]] = {}
        self._lock = threading.Lock()

    def held(self, terms: Terms) -> Made:
        """The engine for these terms, kept open until `close`; whatever making it raises."""
        with self._lock:
            entry = self._entry(terms)
            entry.held = True
            return entry.engine

    @contextlib.contextmanager
    def lent(self, terms: Terms) -> Iterator[Made]:
        """The engine for these terms, for one piece of work; whatever making it raises."""
        with self._lock:
            entry = self._entry(terms)
            entry.users += 1
        try:
            yield entry.engine
        finally:
            with self._lock:
                entry.users -= 1
                self._close_later(terms, entry)

    def close(self, terms: Terms) -> None:
        """Close the engine for these terms, if there is one, whoever uses it."""
        with self._lock:
            entry = self._entries.pop(terms, None)
            if entry is not None and entry.closing is not None:
                entry.closing.cancel()
        if entry is not None:
            entry.engine.close()

    def _entry(self, terms: Terms) -> _Entry[Made]:
        entry = self._entries.get(terms)
        if entry is None:
            entry = self._entries[terms] = _Entry(self._make(terms))
        if entry.closing is not None:
            entry.closing.cancel()
            entry.closing = None
        return entry

    def _close_later(self, terms: Terms, entry: _Entry[Made]) -> None:
        if entry.users or entry.held or self._entries.get(terms) is not entry:
            return
        entry.closing = self._later(IDLE_S, lambda: self._close_idle(terms, entry))
        entry.closing.daemon = True
        entry.closing.start()

    def _close_idle(self, terms: Terms, entry: _Entry[Made]) -> None:
        with self._lock:
            # It may have been asked for between the end of the wait and this lock.
            if entry.users or entry.held or self._entries.get(terms) is not entry:
                return
            del self._entries[terms]
        try:
            entry.engine.close()
        except Exception:  # noqa: BLE001  a thread of its own: nobody else would hear of it
            _log.exception("An engine that is no longer needed could not be closed")
