"""OSV's advisories of one ecosystem, from its bulk export (https://google.github.io/osv.dev/data/).

ECOSYSTEM/modified_id.csv lists every record with the time of its last change, newest first. A few changes are fetched
record by record, many (and the first time all) as one zip.
"""

import asyncio
import json
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tasks.errors import SourceAnswerInvalid
from tasks.http.message import Answer, InvalidAnswer
from tasks.http.policy import ServiceName
from tasks.sources.osv_bulk import check_whole
from tasks.store.osv_records import StoredRecord, record_of, stamp
from tasks.store.osv_rows import Tally, put_records, remove_record
from tasks.store.state import SourceState, osv_name
from tasks.store.work import Outcome, SourceReport, Work, invalid_as_error

__all__ = ["ONE_BY_ONE", "sync_osv"]

ONE_BY_ONE = 400
"""Changed records up to which they are asked for one by one: a zip of all is cheaper beyond."""

UNREADABLE_SHARE = 0.01
"""More records than this that cannot be read mean that the export, or this reader, is wrong."""

MAX_RECORD_BYTES = 16 << 20
_AT_ONCE = 16


async def sync_osv(work: Work, ecosystem: str) -> SourceReport:
    """Bring one ecosystem's advisories up to date in one transaction; SourceError leaves what was held."""
    name = osv_name(ecosystem)
    address = work.client.address(ServiceName.OSV_BULK)
    held = None if work.full else work.state(name)
    listing = work.folder / "modified_id.csv"
    conditions = held.validators(address).headers if held is not None else {}
    path = f"/{quote(ecosystem, safe='')}"
    answer = await work.client.download(
        ServiceName.OSV_BULK, f"{path}/modified_id.csv", listing, conditions, check=_check_listing
    )
    if held is not None and answer.status == HTTPStatus.NOT_MODIFIED:
        return work.confirm(held)
    with invalid_as_error(name):
        changed, gone = _differences(work, ecosystem, listing)
        if held is not None and not changed and not gone:
            return _confirmed(work, held, answer)
        if held is not None and len(changed) <= ONE_BY_ONE:
            return await _some(work, ecosystem, changed, gone, answer)
        return await _whole(work, ecosystem, answer)


def _check_listing(path: Path) -> None:
    for _ in _listed(path):
        pass


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """Id and stamp of each line; InvalidAnswer where it is no such list or its last line is cut short."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        line = ""
        for number, line in enumerate(iter(lambda: file.readline(1000), ""), 1):
            modified, _, identifier = line.strip().partition(",")
            if not identifier or not modified[:4].isdigit() or "T" not in modified:
                raise InvalidAnswer(f"line {number} of modified_id.csv is no time and id")
            yield identifier, stamp(modified)
    if not line.endswith("\n"):
        raise InvalidAnswer("modified_id.csv is empty or cut short")


def _differences(work: Work, ecosystem: str, listing: Path) -> tuple[list[str], list[str]]:
    """Ids that are new or changed, and ids that are held and no longer listed."""
    with work.file.read() as connection:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS listed (id TEXT PRIMARY KEY, stamp TEXT) WITHOUT ROWID")
        connection.execute("BEGIN")
        connection.execute("DELETE FROM listed")
        connection.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", _listed(listing))
        connection.execute("COMMIT")
        changed = connection.execute(
            "SELECT id FROM listed EXCEPT SELECT listed.id FROM listed JOIN advisories AS held"
            " ON held.ecosystem = ? AND held.id = listed.id AND held.stamp = listed.stamp",
            (ecosystem,),
        ).fetchall()
        gone = connection.execute(
            "SELECT id FROM advisories WHERE ecosystem = ? EXCEPT SELECT id FROM listed", (ecosystem,)
        ).fetchall()
    return [i for (i,) in changed], [i for (i,) in gone]


def _confirmed(work: Work, held: SourceState, answer: Answer) -> SourceReport:
    """The list changed in form only; its new validators are kept."""
    with work.file.write() as connection:
        values = (answer.headers.get("etag"), answer.headers.get("last-modified"), held.name)
        connection.execute("UPDATE sources SET etag = ?, last_modified = ? WHERE name = ?", values)
    return work.confirm(held, answer.size)


async def _some(
    work: Work, ecosystem: str, changed: Sequence[str], gone: Sequence[str], listing: Answer
) -> SourceReport:
    """Fetch the changed records one by one, then put them in."""
    records = await _fetched(work, ecosystem, changed)
    with work.file.write() as connection:
        put, lost = put_records(connection, ecosystem, records)
        for identifier in gone:
            remove_record(connection, ecosystem, identifier)
        return _finished(work, connection, ecosystem, listing, Tally(put, len(gone), lost, 0))


async def _fetched(work: Work, ecosystem: str, identifiers: Sequence[str]) -> list[StoredRecord | None]:
    records: list[StoredRecord | None] = []
    for at in range(0, len(identifiers), _AT_ONCE):
        some = identifiers[at : at + _AT_ONCE]
        records += await asyncio.gather(*(_fetch(work, ecosystem, identifier) for identifier in some))
    return records


async def _fetch(work: Work, ecosystem: str, identifier: str) -> StoredRecord | None:
    """The record; None where the list names it and it is not there."""
    path = f"/{quote(ecosystem, safe='')}/{quote(identifier, safe='')}.json"
    body = await work.client.get_bytes(ServiceName.OSV_BULK, path, missing_ok=True, check=_check_json)
    if body is None:
        return None
    raw = json.loads(body)
    if not isinstance(raw, dict) or raw.get("id") != identifier:
        raise SourceAnswerInvalid(
            f"osv: the export lists {identifier} and holds another record there; run again later."
        )
    return record_of(ecosystem, raw)


def _check_json(body: bytes) -> None:
    try:
        json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("the record is not JSON, or cut short") from error


async def _whole(work: Work, ecosystem: str, listing: Answer) -> SourceReport:
    """Download the zip and put in what differs; what neither it nor the list holds goes.

    The zip is made at another time than the list: what it lacks is fetched one by one, and a zip that lacks much is no
    whole one.
    """
    archive = work.folder / "all.zip"
    path = f"/{quote(ecosystem, safe='')}/all.zip"
    answer = await work.client.download(ServiceName.OSV_BULK, path, archive, check=check_whole)
    late = await _fetched(work, ecosystem, _lacking(work, archive))
    with work.file.write() as connection:
        connection.execute("CREATE TEMP TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        connection.execute("DELETE FROM seen")
        records = chain(_records(connection, ecosystem, archive, full=work.full), late)
        put, lost = put_records(connection, ecosystem, records)
        gone = connection.execute(
            "SELECT id FROM advisories WHERE ecosystem = ? EXCEPT SELECT id FROM seen EXCEPT SELECT id FROM listed",
            (ecosystem,),
        ).fetchall()
        for (identifier,) in gone:
            remove_record(connection, ecosystem, identifier)
        report = _finished(work, connection, ecosystem, listing, Tally(put, len(gone), lost, answer.size))
    archive.unlink(missing_ok=True)
    return report


def _lacking(work: Work, archive: Path) -> list[str]:
    """Ids that the list names and the zip does not; InvalidAnswer for more than a few."""
    with _export(archive) as export:
        held = {name.rpartition("/")[2].removesuffix(".json") for name in export.namelist()}
    with work.file.read() as connection:
        listed = [identifier for (identifier,) in connection.execute("SELECT id FROM listed ORDER BY id")]
    lacking = [identifier for identifier in listed if identifier not in held]
    if len(lacking) > ONE_BY_ONE:
        raise InvalidAnswer(f"the zip lacks {len(lacking):,} of the {len(listed):,} records that the list names")
    return lacking


@contextmanager
def _export(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as export:
            yield export
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InvalidAnswer(f"the export is damaged ({error})") from error


def _records(
    connection: sqlite3.Connection, ecosystem: str, archive: Path, *, full: bool
) -> Iterator[StoredRecord | None]:
    """The records of the zip; those held in the same state are only noted as seen."""
    with _export(archive) as export:
        for entry in export.infolist():
            if entry.filename.endswith(".json"):
                raw = _raw(export, entry)
                if full or not _is_held(connection, ecosystem, raw):
                    yield record_of(ecosystem, raw)


def _raw(export: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    if entry.file_size > MAX_RECORD_BYTES:
        return None
    try:
        return json.loads(export.read(entry))
    except (ValueError, RecursionError):
        return None


def _is_held(connection: sqlite3.Connection, ecosystem: str, raw: Any) -> bool:
    """Whether exactly this record is held; it is noted as seen then."""
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), str):
        return False
    found = connection.execute(
        "SELECT stamp FROM advisories WHERE ecosystem = ? AND id = ? AND body IS NOT NULL", (ecosystem, raw["id"])
    ).fetchone()
    if found is None or found[0] != stamp(str(raw.get("modified") or "")):
        return False
    connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (raw["id"],))
    return True


def _finished(
    work: Work, connection: sqlite3.Connection, ecosystem: str, listing: Answer, tally: Tally
) -> SourceReport:
    name = osv_name(ecosystem)
    query = "SELECT COUNT(*), COUNT(body) FROM advisories WHERE ecosystem = ?"
    records, readable = connection.execute(query, (ecosystem,)).fetchone()
    unreadable = records - readable + tally.lost
    if unreadable > max(1, records * UNREADABLE_SHARE):
        raise SourceAnswerInvalid(
            f"{name}: {unreadable} of {records + tally.lost} records are not OSV's; what is held is kept."
        )
    note = f"{unreadable} records could not be read" if unreadable else ""
    work.save(connection, name, records, work.client.address(ServiceName.OSV_BULK), listing, note)
    size = listing.size + tally.received_bytes
    return SourceReport(name, Outcome.UPDATED, records, tally.put, tally.gone, size, note=note)
