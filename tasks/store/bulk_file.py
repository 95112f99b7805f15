"""Sources that are one file: KEV's catalogue, Exploit-DB's list, each of NVD's year feeds."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tasks.http.message import Validators
from tasks.http.policy import ServiceName
from tasks.store.work import Outcome, SourceReport, Work, invalid_as_error

__all__ = ["BulkFile", "sync_file"]


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A source and how its file becomes rows.

    rows reads a file and raises InvalidAnswer where it is not whole; check does so after the download, when
    asking again may help. clear and insert are statements; key is what clear and count take.
    """

    name: str
    service: ServiceName
    path: str
    rows: Callable[[Path], Iterator[tuple[Any, ...]]]
    check: Callable[[Path], None]
    clear: str
    insert: str
    count: str
    key: tuple[str, ...] = ()


async def sync_file(work: Work, source: BulkFile) -> SourceReport:
    """Download the file if it changed and put its rows in place of the old ones; SourceError leaves those."""
    address = work.client.address(source.service)
    held = work.state(source.name)
    conditions = held.validators(address).headers if held is not None and not work.full else Validators().headers
    target = work.folder / source.name.replace("/", "-")
    answer = await work.client.download(source.service, source.path, target, conditions, check=source.check)
    if held is not None and answer.status == HTTPStatus.NOT_MODIFIED:
        return work.confirm(held)
    with invalid_as_error(source.name), work.file.write() as connection:
        records = _replace(connection, source, target)
        work.save(connection, source.name, records, address, answer)
    target.unlink(missing_ok=True)
    return SourceReport(source.name, Outcome.UPDATED, records, records, received_bytes=answer.size)


def _replace(connection: sqlite3.Connection, source: BulkFile, target: Path) -> int:
    connection.execute(source.clear, source.key)
    connection.executemany(source.insert, source.rows(target))
    (records,) = connection.execute(source.count, source.key).fetchone()
    return int(records)
