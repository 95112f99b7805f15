"""EPSS (first.org/epss): the probability that a vulnerability is exploited within 30 days, by CVE.

From the API, for the CVEs that the store's advisories name (api.first.org/epss: 2,000 characters a question), or
from the daily file that first.org offers for download.
"""

import asyncio
import csv
import gzip
import math
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

from tasks.errors import SourceAnswerInvalid
from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName
from tasks.store.state import EPSS
from tasks.store.work import Outcome, SourceReport, Work

__all__ = ["epss_rows", "load_epss_file", "sync_epss"]

PER_QUESTION = 100
"""CVEs a question: of 20 characters at most, well within the 2,000, and the API's page size."""

MAX_LINE = 1000

Row = tuple[str, float | None]


async def sync_epss(work: Work) -> SourceReport:
    """Ask for every CVE of the store; after a look at the date only for new ones where it is still the same.

    SourceError leaves what was held.
    """
    cves = _wanted(work)
    if not cves:
        return SourceReport(EPSS, Outcome.UNCHANGED, note="no CVE in the store yet; sync osv first")
    held = work.state(EPSS)
    rows, date = await _ask(work, cves[:PER_QUESTION])
    same = held is not None and bool(date) and held.note == date and not work.full
    known = _known(work) if same else frozenset()
    asked = [cve for cve in cves[PER_QUESTION:] if cve not in known]
    if held is not None and same and not asked and known.issuperset(cves):
        return work.confirm(held)
    portions = [asked[at : at + PER_QUESTION] for at in range(0, len(asked), PER_QUESTION)]
    for more, its_date in await asyncio.gather(*(_ask(work, some) for some in portions)):
        rows |= more
        # An answer without any score has no date; across midnight the older one counts.
        date = min(filter(None, (date, its_date)), default="")
    address = work.client.address(ServiceName.EPSS)
    with work.file.write() as connection:
        if not same:
            connection.execute("DELETE FROM epss")
        records = _put(connection, rows.items())
        work.save(connection, EPSS, records, address, note=date)
    return SourceReport(EPSS, Outcome.UPDATED, records, len(rows), note=date)


def load_epss_file(work: Work, path: Path) -> SourceReport:
    """Take the scores out of a downloaded file (CSV, or CSV.gz); SourceError as above, also where it is none."""
    try:
        with work.file.write() as connection:
            connection.execute("DELETE FROM epss")
            records = _put(connection, epss_rows(path))
            work.save(connection, EPSS, records, path.name)
    except InvalidAnswer as error:
        raise SourceAnswerInvalid(
            f"epss: {path}: {error}; what is held is kept, give a file as first.org/epss offers it."
        ) from error
    return SourceReport(EPSS, Outcome.UPDATED, records, records)


def epss_rows(path: Path) -> Iterator[Row]:
    """CVE and probability of each line; InvalidAnswer where the file has no header of EPSS or is not whole."""
    try:
        with _opened(path) as file:
            yield from _rows(file)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InvalidAnswer(f"the scores cannot be read or are cut short ({error})") from error


def _opened(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8", newline="") if packed else path.open(encoding="utf-8", newline="")


def _rows(file: IO[str]) -> Iterator[Row]:
    lines = (line for line in iter(lambda: file.readline(MAX_LINE), "") if not line.startswith("#"))
    rows = csv.reader(lines, strict=True)
    header = next(rows, [])
    if header[:2] != ["cve", "epss"]:
        raise InvalidAnswer("it does not begin with the header cve,epss,percentile")
    for row in rows:
        if row and len(row) != len(header):
            raise InvalidAnswer(f"the line of {row[0][:30]} is cut short")
        if row:
            yield row[0], _probability(row[1])


def _put(connection: sqlite3.Connection, rows: Any) -> int:
    connection.executemany("INSERT OR REPLACE INTO epss VALUES (?, ?)", rows)
    (records,) = connection.execute("SELECT COUNT(*) FROM epss WHERE epss IS NOT NULL").fetchone()
    return int(records)


def _wanted(work: Work) -> list[str]:
    with work.file.read() as connection:
        # New ones last, so that the first question is the same each day.
        return [cve for (cve,) in connection.execute("SELECT DISTINCT cve FROM cves ORDER BY cve").fetchall()]


def _known(work: Work) -> frozenset[str]:
    with work.file.read() as connection:
        return frozenset(cve for (cve,) in connection.execute("SELECT cve FROM epss").fetchall())


async def _ask(work: Work, cves: Sequence[str]) -> tuple[dict[str, float | None], str]:
    """The scores of some CVEs, None where there is none, and the day they are of."""
    params = {"cve": ",".join(cves), "limit": str(PER_QUESTION)}
    answer = await work.client.get_json(ServiceName.EPSS, "/data/v1/epss", params)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise SourceAnswerInvalid("epss: the answer has no list of scores; what is held is kept, run again later.")
    found: dict[str, float | None] = dict.fromkeys(cves)
    try:
        found |= {str(entry["cve"]): _probability(entry["epss"]) for entry in data if entry["cve"] in found}
    except (KeyError, InvalidAnswer) as error:
        raise SourceAnswerInvalid(f"epss: a score is not one ({error}); what is held is kept.") from error
    return found, next((str(entry.get("date") or "") for entry in islice(data, 1)), "")


def _probability(text: object) -> float:
    try:
        value = float(str(text))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise InvalidAnswer(f"{str(text)[:30]!r} is no probability")
    return value
