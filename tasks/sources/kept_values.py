"""Answers by key that need not be asked for again: a service's for some hours, NVD's and MITRE's by what they say."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.answer_store import AnswerStore, KeptAnswer
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName
from tasks.sources.interface import Plain
from tasks.sources.kept import FreshFor, utc_of

__all__ = ["KeptFacts", "KeptValues"]

Facts = TypeVar("Facts", bound=Plain)


class KeptValues:
    """JSON values of one service in a store, as long as its terms say; without a store nothing is kept.

    A kept answer of another address is not used. offline: nobody may be asked, and what is kept counts up to its
    hard age, of whatever address.
    """

    def __init__(
        self,
        client: HttpClient,
        service: ServiceName,
        store: AnswerStore | None,
        terms: FreshFor,
        *,
        offline: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._service = service
        self._store = store
        self._terms = terms
        self._clock = clock
        self.offline = offline

    def get(self, keys: Sequence[str]) -> dict[str, Any]:
        """What is kept and may be used unasked, by key; None where the service had nothing."""
        return {key: kept.value for key, kept in self._kept(keys).items()}

    def asked_at(self, keys: Sequence[str]) -> datetime | None:
        """When the oldest of what `get` gives of these keys was asked for, naive UTC; None where it gives nothing."""
        oldest = min((kept.fetched_at for kept in self._kept(keys).values()), default=None)
        return None if oldest is None else utc_of(oldest)

    def _kept(self, keys: Sequence[str]) -> dict[str, KeptAnswer]:
        if self._store is None:
            return {}
        found = self._store.get_many(self._service, keys)
        return {key: kept for key, kept in found.items() if self._believed(kept)}

    def _believed(self, kept: KeptAnswer) -> bool:
        if self.offline:
            return self._terms.usable(kept.fetched_at, self._clock())
        own = kept.address == self._client.address(self._service)
        return own and self._terms.fresh(kept.fetched_at, self._clock())

    def keep(self, values: Mapping[str, Any]) -> None:
        """Keep what the service said just now."""
        if self._store is not None:
            address, now = self._client.address(self._service), self._clock()
            self._store.put_many(self._service, {key: KeptAnswer(v, address, now) for key, v in values.items()})


class KeptFacts(Generic[Facts]):
    """What one source said of single CVEs; believed is told the facts and their age in seconds."""

    def __init__(
        self,
        store: CveResults | None,
        source: CveSourceName,
        model: type[Facts],
        believed: Callable[[Facts | None, float], bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._store = store
        self._source = source
        self._model = model
        self._believed = believed
        self._clock = clock

    def get(self, cves: Sequence[str]) -> dict[str, Facts | None]:
        """What is kept and believed, by CVE; None where the source had no such record."""
        if self._store is None:
            return {}
        now, found = self._clock(), dict[str, Facts | None]()
        for cve, (fetched_at, plain) in self._store.get(self._source, cves).items():
            facts = self._model.model_validate(plain) if plain is not None else None
            if self._believed(facts, now - fetched_at):
                found[cve] = facts
        return found

    def keep(self, results: Mapping[str, Facts | None], modified: Mapping[str, str | None]) -> None:
        """Keep what the source said just now, and when it says that it changed it."""
        if self._store is not None:
            plain = {cve: facts.model_dump() if facts is not None else None for cve, facts in results.items()}
            self._store.put(self._source, plain, modified)
