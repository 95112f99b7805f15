"""Answers kept between runs, in one SQLite file: what a service said, when, and how to ask whether it still says so.

What is kept is the part of an answer that the product reads, made by the source that asked, not the answer's bytes.
"""

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tasks.http.policy import ServiceName
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["AnswerStore", "KeptAnswer", "Pruned"]

SCHEMA = 1
DAY_S = 86_400.0
USED_EVERY_S = 3600.0
"""How exactly the time of last use is known: a write at every read would cost more than the read."""

_AT_ONCE = 500
_MAX_VALUE_BYTES = 64 << 20
_TABLES = (
    "CREATE TABLE IF NOT EXISTS answers (service TEXT NOT NULL, key TEXT NOT NULL, address TEXT NOT NULL, etag TEXT,"
    " last_modified TEXT, fetched_at REAL NOT NULL, used_at REAL NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (service, key)) WITHOUT ROWID",
)
_SIZE = "length(body) + length(key) + 200"
_LEAST_USED = (
    "DELETE FROM answers WHERE (service, key) IN (SELECT service, key FROM (SELECT service, key,"  # noqa: S608
    f" SUM({_SIZE}) OVER (ORDER BY used_at DESC, service, key) AS together FROM answers) WHERE together > ?)"
)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A kept answer: its value (JSON, None for "there is no such thing"), where from, its validators (RFC 9110, 8.8).

    fetched_at is when the service last said so, seconds since the epoch.
    """

    value: Any
    address: str
    fetched_at: float
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning did: answers removed, answers left, and the bytes those take (about)."""

    removed: int
    left: int
    left_bytes: int


class AnswerStore(InSqliteFile):
    """Kept answers by service and key; for several processes and threads, see `SqliteFile`. Times in seconds."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = SqliteFile(path, "answer cache", SCHEMA, _TABLES)

    def get(self, service: ServiceName, key: str) -> KeptAnswer | None:
        """What is kept, however old; None where nothing is or it is damaged."""
        return self.get_many(service, [key]).get(key)

    def get_many(self, service: ServiceName, keys: Sequence[str]) -> Mapping[str, KeptAnswer]:
        """What is kept of each key, however old."""
        rows: list[Any] = []
        stale_use: list[Any] = []
        now = self._clock()
        with self._file.use("read") as connection:
            if connection is not None:
                rows = list(_rows(connection, service, keys))
        stale_use = [(now, service.value, row[0]) for row in rows if now - row[5] > USED_EVERY_S]
        if stale_use:
            with self._file.write() as connection:
                if connection is not None:
                    connection.executemany("UPDATE answers SET used_at = ? WHERE service = ? AND key = ?", stale_use)
        return {row[0]: kept for row in rows if (kept := _kept(row)) is not None}

    def put_many(self, service: ServiceName, answers: Mapping[str, KeptAnswer]) -> None:
        """Keep the answers in one transaction, in place of older ones."""
        rows = [_row(service, key, answer) for key, answer in answers.items()]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def confirm(self, service: ServiceName, key: str, fetched_at: float) -> None:
        """The service said that the answer still holds (304)."""
        with self._file.write() as connection:
            if connection is not None:
                statement = "UPDATE answers SET fetched_at = ?, used_at = ? WHERE service = ? AND key = ?"
                connection.execute(statement, (fetched_at, fetched_at, service.value, key))

    def prune(self, max_bytes: int, kept_days: Mapping[ServiceName, float]) -> Pruned:
        """Remove what is older than its service's hard age, then what was not used for longest, down to max_bytes."""
        removed, left, size, now = 0, 0, 0, self._clock()
        with self._file.write() as connection:
            if connection is not None:
                for service, days in kept_days.items():
                    oldest = (service.value, now - days * DAY_S)
                    statement = "DELETE FROM answers WHERE service = ? AND fetched_at < ?"
                    removed += connection.execute(statement, oldest).rowcount
                removed += connection.execute(_LEAST_USED, (max_bytes,)).rowcount
                statement = f"SELECT COUNT(*), COALESCE(SUM({_SIZE}), 0) FROM answers"  # noqa: S608 - constant
                left, size = connection.execute(statement).fetchone()
        if removed:
            self._give_space_back()
        return Pruned(removed, left, size)

    def _give_space_back(self) -> None:
        with self._file.use("made smaller") as connection:
            if connection is not None:
                # As a script: `execute` would take one step, which frees one page.
                connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")


def _rows(connection: sqlite3.Connection, service: ServiceName, keys: Sequence[str]) -> Iterable[Any]:
    for at in range(0, len(keys), _AT_ONCE):
        some = keys[at : at + _AT_ONCE]
        marks = ",".join("?" * len(some))
        columns = "key, address, etag, last_modified, fetched_at, used_at, body"
        statement = f"SELECT {columns} FROM answers WHERE service = ? AND key IN ({marks})"  # noqa: S608 - marks only
        with closing(connection.execute(statement, (service.value, *some))) as cursor:
            yield from cursor


def _row(service: ServiceName, key: str, answer: KeptAnswer) -> tuple[Any, ...]:
    body = zlib.compress(orjson.dumps(answer.value), 1)
    times = (answer.fetched_at, answer.fetched_at)
    return service.value, key, answer.address, answer.etag, answer.last_modified, *times, body


def _kept(row: Any) -> KeptAnswer | None:
    _, address, etag, last_modified, fetched_at, _, body = row
    try:
        unpacker = zlib.decompressobj()
        value = orjson.loads(unpacker.decompress(body, _MAX_VALUE_BYTES))
        return KeptAnswer(value, address, float(fetched_at), etag, last_modified)
    except (zlib.error, ValueError, TypeError, RecursionError):
        return None
