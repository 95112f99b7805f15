"""Advisories kept between runs, in one SQLite file.

A record is served only for the very (id, modified) it was stored under: OSV changes `modified` with every change of a
record, which makes the pair its version. The file is a cache: damage costs requests, never an answer.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import orjson

from tasks.advisories.model import Advisory
from tasks.advisories.parse import from_plain, to_plain
from tasks.errors import SourceAnswerInvalid
from tasks.sources.interface import AdvisoryRef
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["RecordStore"]

SCHEMA = 1
_AT_ONCE = 500
"""Ids per statement: SQLite takes 999 parameters in its oldest builds."""

_TABLES = ("CREATE TABLE IF NOT EXISTS advisories (id TEXT PRIMARY KEY, modified TEXT NOT NULL, body BLOB NOT NULL)",)


class RecordStore(InSqliteFile):
    """`AdvisoryCache` in a file that several processes and threads may use at the same time; see `SqliteFile`."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, "advisory cache", SCHEMA, _TABLES)

    def get_many(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Those kept of exactly these records, by id; a damaged row counts as not kept."""
        wanted = {ref.id: ref.modified for ref in refs}
        rows: list[tuple[str, str, bytes]] = []
        with self._file.use("read") as connection:
            if connection is not None:
                rows = list(_rows(connection, list(wanted)))
        return {a.id: a for i, modified, body in rows if wanted[i] == modified and (a := _decoded(i, body)) is not None}

    def missing(self, refs: Sequence[AdvisoryRef]) -> list[AdvisoryRef]:
        """Those of which no record is kept in exactly this state, each once."""
        distinct = {ref.id: ref for ref in refs}
        kept: set[tuple[str, str]] = set()
        with self._file.use("read") as connection:
            if connection is not None:
                kept = set(_versions(connection, list(distinct)))
        return [ref for ref in distinct.values() if (ref.id, ref.modified) not in kept]

    def put_many(self, records: Mapping[AdvisoryRef, Advisory]) -> None:
        """Keep the records in one transaction."""
        rows = [(ref.id, ref.modified, _encoded(advisory)) for ref, advisory in records.items()]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO advisories VALUES (?, ?, ?)", rows)


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


def _encoded(advisory: Advisory) -> bytes:
    return zlib.compress(orjson.dumps(to_plain(advisory)), 1)


def _decoded(identifier: str, body: bytes) -> Advisory | None:
    try:
        advisory = from_plain(orjson.loads(zlib.decompress(body)))
    except (zlib.error, ValueError, TypeError, SourceAnswerInvalid):
        return None
    return advisory if advisory.id == identifier else None
