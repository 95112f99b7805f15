"""Which advisories name which project, kept by project with the time it was asked for."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasks.advisories.model import Advisory
from tasks.errors import SourceOffline
from tasks.http.policy import ServiceName
from tasks.sources.answer_store import AnswerStore, KeptAnswer
from tasks.sources.interface import AdvisoryRef
from tasks.sources.kept import FreshFor, utc_of
from tasks.sources.record_store import RecordStore

__all__ = ["KeptAdvisories", "KeptIndex"]

Refs = tuple[AdvisoryRef, ...]

_PREFIX = "index/"


class KeptIndex:
    """The index entries of earlier runs; address is the OSV they come from."""

    def __init__(
        self, store: AnswerStore, terms: FreshFor, address: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._terms = terms
        self._address = address
        self._clock = clock

    def fresh(self, names: Sequence[str]) -> Mapping[str, Refs]:
        """The entries that need not be asked for now, of this address."""
        now = self._clock()
        return {
            name: refs
            for name, (kept, refs) in self._entries(names).items()
            if kept.address == self._address and self._terms.fresh(kept.fetched_at, now)
        }

    def usable(self, names: Sequence[str]) -> Mapping[str, Refs]:
        """The entries that may be used where nobody can be asked, of any address."""
        now = self._clock()
        found = self._entries(names)
        return {name: refs for name, (kept, refs) in found.items() if self._terms.usable(kept.fetched_at, now)}

    def keep(self, index: Mapping[str, Refs]) -> None:
        """Keep the entries as asked for now."""
        now = self._clock()
        answers = {
            _PREFIX + name: KeptAnswer([[ref.id, ref.modified] for ref in refs], self._address, now)
            for name, refs in index.items()
        }
        self._store.put_many(ServiceName.OSV, answers)

    def asked_at(self, name: str) -> datetime | None:
        """When OSV was asked about the project, naive UTC in whole seconds; None where that is not kept."""
        kept = self._store.get(ServiceName.OSV, _PREFIX + name)
        return None if kept is None else utc_of(kept.fetched_at)

    def _entries(self, names: Sequence[str]) -> dict[str, tuple[KeptAnswer, Refs]]:
        found = self._store.get_many(ServiceName.OSV, [_PREFIX + name for name in names])
        read = ((key.removeprefix(_PREFIX), kept, _refs(kept.value)) for key, kept in found.items())
        return {name: (kept, refs) for name, kept, refs in read if refs is not None}


def _refs(value: Any) -> Refs | None:
    """The references of an entry; None where it is damaged, which must not read as "no advisories"."""
    try:
        return tuple(AdvisoryRef(id=identifier, modified=modified) for identifier, modified in value)
    except (TypeError, ValueError):
        return None


class KeptAdvisories:
    """`AdvisorySource` out of what earlier runs kept, for a run that may ask nobody."""

    def __init__(self, index: KeptIndex, records: RecordStore) -> None:
        self._index = index
        self._records = records

    async def index(self, names: Sequence[str]) -> Mapping[str, Refs]:
        """The kept entries; SourceOffline where there are none of any name asked for."""
        found = self._index.usable(names)
        if names and not found:
            raise SourceOffline(
                f"osv: no earlier run kept the advisories of {names[0]} (or too long ago); run once without --offline."
            )
        return found

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The kept records by id; SourceOffline where one is not kept in exactly this state."""
        found = self._records.get_many(refs)
        lacking = [ref.id for ref in refs if ref.id not in found]
        if lacking:
            more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
            raise SourceOffline(f"osv: no earlier run kept {lacking[0]}{more}; run once without --offline.")
        return found

    def asked_at(self, name: str) -> datetime | None:
        """When OSV was asked about the project."""
        return self._index.asked_at(name)
