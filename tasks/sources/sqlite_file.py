"""A cache in one SQLite file, for several processes and threads: damage costs requests, never an answer."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tasks.errors import SettingsError

__all__ = ["InSqliteFile", "SqliteFile"]

BUSY_MS = 10_000

_log = logging.getLogger(__name__)


class SqliteFile:
    """An open cache file; what is its name in messages ("advisory cache"), tables the statements that make it.

    Raises SettingsError where a newer version of the product has written the file. A damaged file is set aside under
    another name, with a warning, and a new one begun; a file that cannot be read or written now (locked, disk full) is
    a warning, and what it would have held is asked for again.
    """

    def __init__(self, path: Path, what: str, schema: int, tables: Sequence[str]) -> None:
        self.path = path
        self._what = what
        self._schema = schema
        self._tables = tables
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError):
            # Where this fails, opening fails too, and says so.
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._guarded("opened"):
            self._connect()

    def close(self) -> None:
        """Close the file; it is empty afterwards."""
        with self._lock:
            self._disconnect()

    @contextmanager
    def use(self, deed: str) -> Iterator[sqlite3.Connection | None]:
        """The connection, for one thread at a time; None where the file could not be opened.

        deed ("read", "written") stands in the warning. The body may end early: every sqlite3.DatabaseError is dealt
        with here, so set results before.
        """
        with self._guarded(deed):
            yield self._connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection | None]:
        """As `use`, in one transaction."""
        with self._guarded("written"):
            if self._connection is None:
                yield None
                return
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection

    @contextmanager
    def _guarded(self, deed: str) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    self._warn(deed, error)
                    return
                try:
                    self._start_anew(error)
                except (OSError, sqlite3.DatabaseError) as again:
                    self._warn("replaced", again)

    def _warn(self, deed: str, error: Exception) -> None:
        _log.warning("The %s %s could not be %s (%s); going on without.", self._what, self.path, deed, error)

    def _connect(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._check_schema(connection)
            # Takes effect in a new file only; lets `prune` give space back without rewriting the file.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._create(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > self._schema:
            raise SettingsError(
                f"The {self._what} {self.path} has schema {found}, this version knows {self._schema}: "
                "upgrade, or name another data folder."
            )

    def _create(self, connection: sqlite3.Connection) -> None:
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in self._tables:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._schema}")

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start_anew(self, error: sqlite3.DatabaseError) -> None:
        self._disconnect()
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        _log.warning("The %s %s is damaged (%s); set aside as %s.", self._what, self.path, error, aside.name)
        for suffix in ("-wal", "-shm", ""):
            # Another process may have set it aside already.
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        self._connect()


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code, https://www.sqlite.org/rescode.html
    return isinstance(code, int) and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class InSqliteFile:
    """What is kept in one `SqliteFile`: a context that closes it, after which nothing is kept any more."""

    _file: SqliteFile

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
