"""Advisories kept between runs, in one SQLite file.

A record is served only for the very (id, modified) it was stored under: OSV changes `modified` with every change of a
record, which makes the pair its version. The file is a cache: damage costs requests, never an answer.
"""

import json
import logging
import sqlite3
import threading
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Self

from tasks.advisories.model import Advisory
from tasks.advisories.parse import from_plain, to_plain
from tasks.errors import SettingsError, SourceAnswerInvalid
from tasks.sources.interface import AdvisoryRef

__all__ = ["RecordStore"]

SCHEMA = 1
BUSY_MS = 10_000
_AT_ONCE = 500
"""Ids per statement: SQLite takes 999 parameters in its oldest builds."""

_log = logging.getLogger(__name__)


class RecordStore:
    """`AdvisoryCache` in a file that several processes and threads may use at the same time.

    Raises SettingsError where a newer version of the product has written the file. A damaged file is set aside under
    another name, with a warning, and a new one begun; a file that cannot be read or written now (locked, disk full) is
    a warning, and the records are asked for again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError):
            # Where this fails, opening fails too, and says so.
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._guarded("opened"):
            self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the store is empty afterwards."""
        with self._lock:
            self._disconnect()

    def get_many(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Those kept of exactly these records, by id; a damaged row counts as not kept."""
        wanted = {ref.id: ref.modified for ref in refs}
        rows: list[tuple[str, str, bytes]] = []
        with self._guarded("read"):
            if self._connection is not None:
                rows = list(_rows(self._connection, list(wanted)))
        return {a.id: a for i, modified, body in rows if wanted[i] == modified and (a := _decoded(i, body)) is not None}

    def missing(self, refs: Sequence[AdvisoryRef]) -> list[AdvisoryRef]:
        """Those of which no record is kept in exactly this state, each once."""
        distinct = {ref.id: ref for ref in refs}
        kept: set[tuple[str, str]] = set()
        with self._guarded("read"):
            if self._connection is not None:
                kept = set(_versions(self._connection, list(distinct)))
        return [ref for ref in distinct.values() if (ref.id, ref.modified) not in kept]

    def put_many(self, records: Mapping[AdvisoryRef, Advisory]) -> None:
        """Keep the records in one transaction."""
        rows = [(ref.id, ref.modified, _encoded(advisory)) for ref, advisory in records.items()]
        with self._guarded("written"):
            if self._connection is not None:
                with self._connection:
                    self._connection.execute("BEGIN IMMEDIATE")
                    self._connection.executemany("INSERT OR REPLACE INTO advisories VALUES (?, ?, ?)", rows)

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
        _log.warning("The advisory cache %s could not be %s (%s); going on without.", self._path, deed, error)

    def _connect(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            self._check_schema(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            _create(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _check_schema(self, connection: sqlite3.Connection) -> None:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > SCHEMA:
            raise SettingsError(
                f"The advisory cache {self._path} has schema {found}, this version knows {SCHEMA}: "
                "upgrade, or name another data folder."
            )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _start_anew(self, error: sqlite3.DatabaseError) -> None:
        self._disconnect()
        aside = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        _log.warning("The advisory cache %s is damaged (%s); set aside as %s.", self._path, error, aside.name)
        for suffix in ("-wal", "-shm", ""):
            # Another process may have set it aside already.
            with suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").rename(f"{aside}{suffix}")
        self._connect()


def _create(connection: sqlite3.Connection) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS advisories (id TEXT PRIMARY KEY, modified TEXT NOT NULL, body BLOB NOT NULL)"
        )
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


def _rows(connection: sqlite3.Connection, ids: Sequence[str]) -> Iterable[tuple[str, str, bytes]]:
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        marks = ",".join("?" * len(some))
        statement = f"SELECT id, modified, body FROM advisories WHERE id IN ({marks})"  # noqa: S608 - marks only
        with closing(connection.execute(statement, some)) as cursor:
            yield from cursor


def _versions(connection: sqlite3.Connection, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
    for at in range(0, len(ids), _AT_ONCE):
        some = ids[at : at + _AT_ONCE]
        marks = ",".join("?" * len(some))
        statement = f"SELECT id, modified FROM advisories WHERE id IN ({marks})"  # noqa: S608 - marks only
        with closing(connection.execute(statement, some)) as cursor:
            yield from cursor


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    # The low byte is the primary code, https://www.sqlite.org/rescode.html
    return isinstance(code, int) and code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _encoded(advisory: Advisory) -> bytes:
    return zlib.compress(json.dumps(to_plain(advisory), separators=(",", ":")).encode(), 1)


def _decoded(identifier: str, body: bytes) -> Advisory | None:
    try:
        advisory = from_plain(json.loads(zlib.decompress(body)))
    except (zlib.error, ValueError, TypeError, SourceAnswerInvalid):
        return None
    return advisory if advisory.id == identifier else None
