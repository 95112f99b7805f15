"""Indicators out of the advisory store that `python -m flows.sync` fills, asked for package by package."""

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from tasks.advisories.model import Advisory, Affected
from tasks.errors import StoreError
from tasks.indicators.interface import Indicator, IndicatorError
from tasks.indicators.names import ecosystem_of, exact_key_ecosystem, package_key
from tasks.indicators.ranges import ANY, intervals_of_events
from tasks.store.malware import MalwareSummary, StoredMalware

__all__ = ["StoredIndicators", "is_store"]

_SQLITE = b"SQLite format 3\0"
_UNREADABLE = "the record cannot be read; run python -m flows.sync --full"


def is_store(path: Path) -> bool:
    """Whether a file is an SQLite file, as the advisory store is (https://www.sqlite.org/fileformat.html)."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


class StoredIndicators:
    """The `MAL-` records of an advisory store; withdrawn ones do not count. IndicatorError where it cannot be used."""

    def __init__(self, path: Path) -> None:
        try:
            self._store = StoredMalware(path)
        except StoreError as error:
            raise IndicatorError(str(error)) from error
        self._spelled: dict[str, dict[str, list[str]]] = {}
        self.path = path

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @property
    def ecosystems(self) -> tuple[str, ...]:
        """The ecosystems that were synced."""
        return self._store.ecosystems

    @cached_property
    def summary(self) -> MalwareSummary:
        """What the store holds; IndicatorError where it cannot be read."""
        try:
            return self._store.summary()
        except StoreError as error:
            raise IndicatorError(str(error)) from error

    def named(self, key: tuple[str, str]) -> Iterator[Indicator]:
        """The indicators of one package, by its `package_key`. StoreError where the store cannot be read."""
        ecosystem, name = key
        if ecosystem not in self._store.ecosystems:
            return
        for spelled in self._spellings(ecosystem, name):
            for identifier, advisory in self._store.records(ecosystem, spelled):
                yield from _indicators(ecosystem, spelled, identifier, advisory)

    def _spellings(self, ecosystem: str, name: str) -> list[str]:
        """The names in the store that mean the package."""
        if exact_key_ecosystem(ecosystem):
            return [name]
        if ecosystem not in self._spelled:
            found: defaultdict[str, list[str]] = defaultdict(list)
            for one in self._store.names(ecosystem):
                found[package_key(ecosystem, one)[1]].append(one)
            self._spelled[ecosystem] = dict(found)
        return self._spelled[ecosystem].get(name, [])


def _indicators(ecosystem: str, name: str, identifier: str, advisory: Advisory | None) -> Iterator[Indicator]:
    source = f"https://osv.dev/vulnerability/{identifier}"
    if advisory is None:
        # Nothing is known of its versions: every version is worth a look.
        yield Indicator(ecosystem, name, identifier, source, is_vague=True, note=_UNREADABLE)
        return
    if advisory.withdrawn:
        return
    key = package_key(ecosystem, name)
    for entry in advisory.affected:
        if package_key(ecosystem_of(entry.ecosystem), entry.name) == key:
            yield _indicator(ecosystem, advisory, entry, source)


def _indicator(ecosystem: str, advisory: Advisory, entry: Affected, source: str) -> Indicator:
    ranges = ([{event.kind.value: event.version} for event in events] for events in entry.ranges)
    intervals = tuple(interval for events in ranges for interval in intervals_of_events(ecosystem, events))
    is_any = ANY in intervals
    return Indicator(
        ecosystem=ecosystem,
        name=entry.name,
        id=advisory.id,
        source=source,
        versions=entry.versions,
        intervals=() if is_any else intervals,
        is_any=is_any,
        is_vague=not (entry.versions or intervals),
        note=advisory.summary.strip()[:200],
    )
