"""Writing OSV records into the store's tables, within the caller's transaction."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.store.osv_records import StoredRecord, stamp

__all__ = ["Tally", "put_records", "remove_record"]


@dataclass(frozen=True, slots=True)
class Tally:
    """Records written, removed, and those that could not be read at all; bytes downloaded."""

    put: int
    gone: int
    lost: int
    received_bytes: int


def put_records(
    connection: sqlite3.Connection, ecosystem: str, records: Iterable[StoredRecord | None]
) -> tuple[int, int]:
    """Put the records in; how many, and how many could not be read at all."""
    put = lost = 0
    seen = connection.execute("SELECT 1 FROM temp.sqlite_master WHERE name = 'seen'").fetchone() is not None
    for record in records:
        if record is None:
            lost += 1
            continue
        put += 1
        _put(connection, ecosystem, record)
        if seen:
            connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (record.id,))
    return put, lost


def _put(connection: sqlite3.Connection, ecosystem: str, record: StoredRecord) -> None:
    remove_record(connection, ecosystem, record.id)
    values = (ecosystem, record.id, record.modified, stamp(record.modified), record.body)
    connection.execute("INSERT INTO advisories VALUES (?, ?, ?, ?, ?)", values)
    names = [(ecosystem, name, record.id, record.modified) for name in record.names]
    connection.executemany("INSERT INTO names VALUES (?, ?, ?, ?)", names)
    connection.executemany("INSERT INTO cves VALUES (?, ?, ?)", [(ecosystem, record.id, cve) for cve in record.cves])


def remove_record(connection: sqlite3.Connection, ecosystem: str, identifier: str) -> None:
    """Remove a record and what refers to it."""
    for table in ("advisories", "names", "cves"):
        statement = f"DELETE FROM {table} WHERE ecosystem = ? AND id = ?"  # noqa: S608 - one of three
        connection.execute(statement, (ecosystem, identifier))
