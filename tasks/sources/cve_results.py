"""What NVD and the CVE list said of single CVEs, kept for ever by id and time of last change, in one SQLite file.

The file also remembers when NVD was asked lately, so that its limit holds over several runs and processes.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tasks.http.window import WINDOW_MARGIN_S, OwnWindow, Place
from tasks.sources.enrichment import CveSourceName
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["CveResults", "KeptResult", "KeptWindow"]

SCHEMA = 1
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE IF NOT EXISTS results (source TEXT NOT NULL, id TEXT NOT NULL, modified TEXT, fetched_at REAL NOT"
    " NULL, body TEXT NOT NULL, PRIMARY KEY (source, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS asked (source TEXT NOT NULL, at REAL NOT NULL)",
)

KeptResult = tuple[float, Any]
"""When it was fetched (seconds since the epoch), and what was found; None for "there is no such record"."""


class CveResults(InSqliteFile):
    """Results by source and CVE id; for several processes and threads, see `SqliteFile`."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = SqliteFile(path, "cache of CVE records", SCHEMA, _TABLES)

    def get(self, source: CveSourceName, cves: Sequence[str]) -> Mapping[str, KeptResult]:
        """What is kept of each CVE."""
        rows: list[tuple[str, float, str]] = []
        with self._file.use("read") as connection:
            if connection is not None:
                for at in range(0, len(cves), _AT_ONCE):
                    some = cves[at : at + _AT_ONCE]
                    marks = ",".join("?" * len(some))
                    statement = f"SELECT id, fetched_at, body FROM results WHERE source = ? AND id IN ({marks})"  # noqa: S608 - marks only
                    with closing(connection.execute(statement, (source.value, *some))) as cursor:
                        rows.extend(cursor)
        return {identifier: (at, body) for identifier, at, text in rows for body in _decoded(text)}

    def put(self, source: CveSourceName, results: Mapping[str, Any], modified: Mapping[str, str | None]) -> None:
        """Keep what was found just now; None where the source knows no such CVE."""
        now = self._clock()
        rows = [(source.value, c, modified.get(c), now, json.dumps(value)) for c, value in results.items()]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?)", rows)

    def window(self, source: CveSourceName, most: int, window_s: float) -> "KeptWindow":
        """The source's window of most requests in window_s seconds, over all processes that use this file."""
        return KeptWindow(self._file, source, most, window_s, self._clock)


class KeptWindow:
    """`Window` over all processes that use the file; where it cannot be used, this process's own."""

    def __init__(
        self, file: SqliteFile, source: CveSourceName, most: int, window_s: float, clock: Callable[[], float]
    ) -> None:
        self._file = file
        self._source = source.value
        self._most = most
        self._window_s = window_s + WINDOW_MARGIN_S
        self._clock = clock
        self._own = OwnWindow(most, window_s, clock)

    @property
    def free(self) -> int:
        """How many requests may be sent now."""
        made = 0
        with self._file.use("read") as connection:
            if connection is not None:
                now = self._clock()
                query = "SELECT COUNT(*) FROM asked WHERE source = ? AND at > ? AND at <= ?"
                (made,) = connection.execute(query, (self._source, now - self._window_s, now)).fetchone()
        return max(0, self._most - int(made))

    def take(self) -> Place:
        """A place now, or how long there is surely none."""
        own = self._own.take()
        if own.wait_s > 0:
            return own
        shared = self._take_shared()
        if shared.wait_s > 0:
            self._own.cancel()
        return shared

    def _take_shared(self) -> Place:
        place, now = Place(0), self._clock()
        with self._file.write() as connection:
            if connection is not None:
                # A time in the future is of a clock that was set back.
                stale = "DELETE FROM asked WHERE source = ? AND (at <= ? OR at > ?)"
                connection.execute(stale, (self._source, now - self._window_s, now))
                query = "SELECT COUNT(*), MIN(at) FROM asked WHERE source = ?"
                made, first = connection.execute(query, (self._source,)).fetchone()
                if made >= self._most:
                    return Place(0, first + self._window_s - now)
                statement = "INSERT INTO asked VALUES (?, ?)"
                place = Place(connection.execute(statement, (self._source, now)).lastrowid or 0)
        return place

    def give_back(self, place: Place) -> None:
        """The request has ended."""
        self._own.give_back(place)
        with self._file.write() as connection:
            if connection is not None:
                connection.execute("UPDATE asked SET at = ? WHERE rowid = ?", (self._clock(), place.number))


def _decoded(text: str) -> list[Any]:
    """The body in a list; an empty one where it is damaged, which counts as not kept."""
    try:
        return [json.loads(text)]
    except ValueError:
        return []
