"""What NVD and the CVE list said of single CVEs, kept for ever by id and time of last change, in one SQLite file.

The file also remembers when NVD was asked lately, so that its limit holds over several runs.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tasks.sources.enrichment import CveSourceName
from tasks.sources.sqlite_file import SqliteFile

__all__ = ["CveResults", "KeptResult"]

SCHEMA = 1
_AT_ONCE = 500
_TABLES = (
    "CREATE TABLE IF NOT EXISTS results (source TEXT NOT NULL, id TEXT NOT NULL, modified TEXT, fetched_at REAL NOT"
    " NULL, body TEXT NOT NULL, PRIMARY KEY (source, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS asked (source TEXT NOT NULL, at REAL NOT NULL)",
)

KeptResult = tuple[float, Any]
"""When it was fetched (seconds since the epoch), and what was found; None for "there is no such record"."""


class CveResults:
    """Results by source and CVE id; for several processes and threads, see `SqliteFile`."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = SqliteFile(path, "cache of CVE records", SCHEMA, _TABLES)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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

    def take_turns(self, source: CveSourceName, wanted: int, window_s: float, most: int) -> bool:
        """Note that many requests as made now, if no more than most fall into the window then; whether they do."""
        now, granted = self._clock(), True
        with self._file.write() as connection:
            if connection is not None:
                connection.execute("DELETE FROM asked WHERE source = ? AND at < ?", (source.value, now - window_s))
                statement = "SELECT COUNT(*) FROM asked WHERE source = ? AND at <= ?"
                (made,) = connection.execute(statement, (source.value, now)).fetchone()
                granted = made + wanted <= most
                turns = [(source.value, now)] * (wanted if granted else 0)
                connection.executemany("INSERT INTO asked VALUES (?, ?)", turns)
        return granted


def _decoded(text: str) -> list[Any]:
    """The body in a list; an empty one where it is damaged, which counts as not kept."""
    try:
        return [json.loads(text)]
    except ValueError:
        return []
