"""When each package of a workbook was last renewed, in one SQLite file (`processing.refresh_after_days`)."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["Renewals"]

DAY_S = 86_400.0
SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS renewed (workbook TEXT NOT NULL, project TEXT NOT NULL, version TEXT NOT NULL,"
    " at REAL NOT NULL, PRIMARY KEY (workbook, project, version)) WITHOUT ROWID",
)

Package = tuple[str, str]
"""Project (PEP 503) and version text."""


class Renewals(InSqliteFile):
    """The times by workbook and package; a damaged file costs a renewal, never an answer (`SqliteFile`)."""

    def __init__(self, path: Path, workbook: Path, clock: Callable[[], float] = time.time) -> None:
        self._workbook = str(workbook.resolve())
        self._clock = clock
        self._file = SqliteFile(path, "record of renewals", SCHEMA, _TABLES)

    def younger_than(self, days: float) -> frozenset[Package]:
        """The packages renewed less than so many days ago; a time that lies ahead (a clock was set back) is none."""
        now = self._clock()
        rows: list[Package] = []
        with self._file.use("read") as connection:
            if connection is not None:
                statement = "SELECT project, version FROM renewed WHERE workbook = ? AND at > ? AND at <= ?"
                with closing(connection.execute(statement, (self._workbook, now - days * DAY_S, now))) as cursor:
                    rows.extend(cursor)
        return frozenset(rows)

    def note(self, packages: Iterable[Package]) -> None:
        """These packages were renewed now."""
        now = self._clock()
        rows = [(self._workbook, project, version, now) for project, version in packages]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO renewed VALUES (?, ?, ?, ?)", rows)
