"""What every loader works with, and the rules they share: conditions, shrinking, one transaction per source."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.message import Answer, InvalidAnswer
from tasks.store.file import StoreFile
from tasks.store.state import SourceState, read_state, save_state

__all__ = ["Outcome", "SourceReport", "Work", "invalid_as_error"]

LEAST_LEFT = 0.8
"""A source that would keep less than this share of its records is more likely broken than better."""

SMALL = 20
"""Records up to which a source may shrink as it likes: a share says nothing of a handful."""


class Outcome(StrEnum):
    """What became of one source."""

    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SourceReport:
    """One source's sync: records held now, those written and removed by it, bytes downloaded, the problem if any."""

    name: str
    outcome: Outcome
    records: int = 0
    written: int = 0
    removed: int = 0
    received_bytes: int = 0
    problem: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A sync under way. folder is for downloads, on the store's disk; full asks for everything anew."""

    client: HttpClient
    file: StoreFile
    folder: Path
    allow_shrink: bool = False
    full: bool = False
    clock: Callable[[], float] = time.time

    def state(self, name: str) -> SourceState | None:
        """What the store knows of a source."""
        with self.file.read() as connection:
            return read_state(connection, name)

    def confirm(self, held: SourceState, received_bytes: int = 0) -> SourceReport:
        """Note that what is held is current."""
        with self.file.write() as connection:
            connection.execute("UPDATE sources SET checked_at = ? WHERE name = ?", (self.clock(), held.name))
        return SourceReport(held.name, Outcome.UNCHANGED, held.records, received_bytes=received_bytes, note=held.note)

    def save(
        self,
        connection: sqlite3.Connection,
        name: str,
        records: int,
        address: str,
        answer: Answer | None = None,
        note: str = "",
    ) -> None:
        """Refuse a source that shrank, else note its new state; within the transaction that loaded it."""
        held = read_state(connection, name)
        if held is not None:
            self._check_size(held, records)
        now = self.clock()
        headers = answer.headers if answer is not None else {}
        validators = (headers.get("etag"), headers.get("last-modified"))
        save_state(connection, SourceState(name, records, now, now, address, *validators, note))

    def _check_size(self, held: SourceState, records: int) -> None:
        if self.allow_shrink or held.records <= SMALL or records >= held.records * LEAST_LEFT:
            return
        raise SourceAnswerInvalid(
            f"{held.name}: {records} records where {held.records} are held, more than 20 % fewer; what is held is "
            "kept. If that is right, run again with --allow-shrink."
        )


@contextmanager
def invalid_as_error(name: str) -> Iterator[None]:
    """An answer that turns out to be none while it is loaded, as the error that a run reports."""
    try:
        yield
    except InvalidAnswer as error:
        raise SourceAnswerInvalid(f"{name}: {error}; what is held is kept, run again later.") from error
