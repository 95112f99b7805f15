"""The store's SQLite file: its tables, its transactions, and what is said when it cannot be used.

Unlike the caches it is no throw-away: a failed write leaves what was there, and what cannot be read is an error that
names the file, never "no advisories".
"""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from tasks.errors import SettingsError, StoreError

__all__ = ["STORE_NAME", "StoreFile", "at_once", "set_aside"]

STORE_NAME = "synced.sqlite"
"""The store's name in the folder DATA_DIR/store."""

SCHEMA = 2
"""2: versions and events of an advisory as one text each, which version 1 cannot read; its own records still are."""

BUSY_MS = 30_000
AT_ONCE = 500
"""Values per statement: SQLite takes 999 parameters in its oldest builds."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS sources (name TEXT PRIMARY KEY, records INTEGER NOT NULL, checked_at REAL NOT NULL,"
    " changed_at REAL NOT NULL, address TEXT NOT NULL, etag TEXT, last_modified TEXT, note TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS advisories (ecosystem TEXT NOT NULL, id TEXT NOT NULL, modified TEXT NOT NULL,"
    " stamp TEXT NOT NULL, body BLOB, PRIMARY KEY (ecosystem, id))",
    "CREATE TABLE IF NOT EXISTS names (ecosystem TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL,"
    " modified TEXT NOT NULL, PRIMARY KEY (ecosystem, name, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS names_by_id ON names (ecosystem, id)",
    "CREATE TABLE IF NOT EXISTS cves (ecosystem TEXT NOT NULL, id TEXT NOT NULL, cve TEXT NOT NULL,"
    " PRIMARY KEY (ecosystem, id, cve)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS kev (cve TEXT PRIMARY KEY, added TEXT NOT NULL, due TEXT NOT NULL,"
    " ransomware INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS epss (cve TEXT PRIMARY KEY, epss REAL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS exploits (cve TEXT NOT NULL, exploit INTEGER NOT NULL,"
    " PRIMARY KEY (cve, exploit)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS nvd (cve TEXT PRIMARY KEY, feed TEXT NOT NULL, modified TEXT NOT NULL,"
    " status TEXT NOT NULL, cvss REAL, vector TEXT) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS nvd_by_feed ON nvd (feed)",
)


class StoreFile:
    """The open file, for several threads; other processes may read while one writes.

    Raises SettingsError where a newer version of the product has written the file and StoreError where it is damaged,
    locked, not readable or the disk is full: whatever was not committed is undone.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._explained("opened"):
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            elif not path.is_file():
                raise StoreError(f"there is no advisory store {path}; run python -m flows.sync")
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            with self._explained("opened"):
                self._set_up(create=create)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one thread at a time."""
        with self._lock, self._explained("read"):
            yield self._connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """As `read`, in one transaction: committed at the end, undone after any error."""
        with self._lock, self._explained("written"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # A full disk has rolled back by itself.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def tidy(self) -> None:
        """Fold the write-ahead log back into the file; worth doing after much was written."""
        with self.read() as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _set_up(self, *, create: bool) -> None:
        run = self._connection.execute
        run(f"PRAGMA busy_timeout = {BUSY_MS}")
        (found,) = run("PRAGMA user_version").fetchone()
        if found > SCHEMA:
            raise SettingsError(
                f"The advisory store {self.path} has schema {found}, this version knows {SCHEMA}: "
                "upgrade, or name another data folder."
            )
        if create:
            run("PRAGMA journal_mode = WAL")
            run("PRAGMA synchronous = NORMAL")
            with self.write() as connection:
                for statement in _TABLES:
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {SCHEMA}")
        elif found == 0:
            raise StoreError(f"{self.path} holds nothing yet; run python -m flows.sync")

    @contextmanager
    def _explained(self, deed: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"The advisory store {self.path} could not be {deed} ({error}); what it held is kept. "
                "Run python -m flows.sync again."
            ) from error


def set_aside(path: Path) -> Path | None:
    """Rename a store that is damaged, with what belongs to it; its new name, or None where it is sound or absent.

    OSError where it cannot be renamed.
    """
    if not path.is_file() or not _damaged(path):
        return None
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    for suffix in ("-wal", "-shm", ""):
        with suppress(FileNotFoundError):
            Path(f"{path}{suffix}").rename(f"{aside}{suffix}")
    return aside


def _damaged(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as connection:
            return bool(connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",))
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0)
        # The low byte is the primary code, https://www.sqlite.org/rescode.html
        return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def at_once(values: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """The values in portions that one statement takes, each with its question marks."""
    for at in range(0, len(values), AT_ONCE):
        some = values[at : at + AT_ONCE]
        yield some, ",".join("?" * len(some))
