"""`CveSource`s out of the advisory store: KEV, EPSS, Exploit-DB and NVD, by CVE id.

Each knows whether it was ever synced: a source that was not is NotConsulted, never "nothing found".
"""

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from tasks.sources.enrichment import CveSourceName, KevFacts, NotConsulted, NvdFacts
from tasks.sources.kept import utc_of
from tasks.store.file import StoreFile, at_once
from tasks.store.nvd import feed_year
from tasks.store.state import EPSS, EXPLOITDB, KEV, NVD_FEED, SourceState, read_state

__all__ = ["StoreEpss", "StoreExploits", "StoreKev", "StoreNvd"]

T = TypeVar("T")


class _OfStore(ABC, Generic[T]):
    """A source that holds everything it was synced with; file is the open store."""

    name: CveSourceName
    bulk = True
    _source: str
    _statement: str

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    @property
    def state(self) -> SourceState | None:
        """What the store knows of the source; None where it was never synced."""
        with self._file.read() as connection:
            return read_state(connection, self._source)

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, T]:
        """What the store has on each CVE; NotConsulted where it was never synced, StoreError where it is damaged."""
        with self._file.read() as connection:
            if read_state(connection, self._source) is None:
                raise NotConsulted("it was not synced (python -m flows.sync)")
            return self._taken(_rows(connection, self._statement, cves))

    def asked_at(self, cves: Sequence[str]) -> datetime | None:  # noqa: ARG002 - synced as a whole
        """When the store's copy was last found current, naive UTC; None where it was never synced."""
        state = self.state
        return None if state is None else utc_of(state.checked_at)

    @abstractmethod
    def _taken(self, rows: Iterable[Any]) -> dict[str, T]: ...


class StoreKev(_OfStore[KevFacts]):
    """CISA's known exploited vulnerabilities."""

    name = CveSourceName.KEV
    _source = KEV
    _statement = "SELECT cve, added, ransomware FROM kev WHERE cve IN ({marks})"

    def _taken(self, rows: Iterable[Any]) -> dict[str, KevFacts]:
        return {cve: KevFacts(added=added or None, ransomware=bool(used)) for cve, added, used in rows}


class StoreEpss(_OfStore[float]):
    """EPSS's probabilities (0 to 1); NotConsulted, with what is found, where a CVE was not asked about at the sync.

    A sync asks about the CVEs that the store's advisories name; a file holds all.
    """

    name = CveSourceName.EPSS
    _source = EPSS
    _statement = "SELECT cve, epss FROM epss WHERE cve IN ({marks})"

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, float]:
        """The scores by CVE; those that have none are left out."""
        found: dict[str, float | None] = {**await super().look_up(cves)}
        scores = {cve: score for cve, score in found.items() if score is not None}
        state = self.state
        lacking = sum(cve not in found for cve in set(cves))
        if lacking and state is not None and state.address.startswith("http"):
            raise NotConsulted(f"it was not synced for {lacking} CVEs (python -m flows.sync)", scores)
        return scores

    def _taken(self, rows: Iterable[Any]) -> dict[str, float]:
        return dict(rows)


class StoreExploits(_OfStore[tuple[str, ...]]):
    """Exploit-DB's ids, ascending."""

    name = CveSourceName.EXPLOITDB
    _source = EXPLOITDB
    _statement = "SELECT cve, exploit FROM exploits WHERE cve IN ({marks}) ORDER BY cve, exploit"

    def _taken(self, rows: Iterable[Any]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for cve, exploit in rows:
            found[cve] = (*found.get(cve, ()), str(exploit))
        return found


class StoreNvd:
    """NVD's year feeds; NotConsulted, with what is found, where the feed of a CVE's year was not synced."""

    name = CveSourceName.NVD
    bulk = True

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, NvdFacts]:
        """What NVD's feeds have on each CVE; StoreError where the store is damaged."""
        statement = "SELECT cve, status, cvss, vector, modified FROM nvd WHERE cve IN ({marks})"
        with self._file.read() as connection:
            found = {
                cve: NvdFacts(status=status or None, cvss=cvss, vector=vector, modified=modified or None)
                for cve, status, cvss, vector, modified in _rows(connection, statement, cves)
            }
            query = "SELECT name FROM sources WHERE substr(name, 1, ?) = ?"
            feeds = {name for (name,) in connection.execute(query, (len(NVD_FEED), NVD_FEED))}
        lacking = sorted({year for cve in cves if f"{NVD_FEED}{(year := _year(cve))}" not in feeds})
        if lacking:
            which = f" of {lacking[0]}" if len(lacking) == 1 else f" of {len(lacking)} years"
            raise NotConsulted(f"its feeds{which if feeds else ''} were not synced (python -m flows.sync --nvd)", found)
        return found


def _year(cve: str) -> int:
    try:
        return feed_year(cve)
    except (ValueError, IndexError):
        return 0


def _rows(connection: sqlite3.Connection, statement: str, cves: Sequence[str]) -> Iterator[Any]:
    for some, marks in at_once(list(dict.fromkeys(cves))):
        yield from connection.execute(statement.format(marks=marks), tuple(some)).fetchall()
