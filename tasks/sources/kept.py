"""JSON documents of a service by way of the answer store: asked for again only to hear that they still hold."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.errors import SourceOffline
from tasks.http.client import HttpClient
from tasks.http.message import Change, Validators
from tasks.http.policy import ServiceName
from tasks.sources.answer_store import DAY_S, AnswerStore, KeptAnswer

__all__ = ["FreshFor", "KeptDocuments", "KeptOnly", "utc_of"]

HOUR_S = 3600.0


def utc_of(fetched_at: float) -> datetime:
    """Seconds since the epoch as naive UTC in whole seconds, as all times of a review are."""
    return datetime.fromtimestamp(int(fetched_at), UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class FreshFor:
    """How long an answer is used unasked: cache_hours, or where it is not older than since (seconds since the epoch).

    since serves a resumed scan: what it fetched before it was interrupted is as good as what it fetches now.
    kept_days is the hard age, after which an answer is not used even offline.
    """

    cache_hours: float = 0.0
    kept_days: float = 90.0
    since: float | None = None

    def fresh(self, fetched_at: float, now: float) -> bool:
        """Whether the answer may be used without asking. One from the future (a clock was set back) may not."""
        age = now - fetched_at
        return 0 <= age < self.cache_hours * HOUR_S or (self.since is not None and self.since <= fetched_at <= now)

    def usable(self, fetched_at: float, now: float) -> bool:
        """Whether the answer may be used where nobody can be asked."""
        return now - fetched_at <= self.kept_days * DAY_S


class KeptDocuments:
    """GETs of one service through a store. A kept answer of another address is neither used nor compared."""

    def __init__(
        self,
        client: HttpClient,
        service: ServiceName,
        store: AnswerStore | None,
        terms: FreshFor,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._service = service
        self._store = store
        self._terms = terms
        self._clock = clock

    async def get(self, path: str, reduce: Callable[[Any], Any]) -> Any:
        """What reduce makes of the JSON at path, kept or new; None where the service knows no such thing.

        Raises SourceError; what reduce raises is passed on, and nothing is kept then.
        """
        kept = self._kept(path)
        if kept is not None and self._terms.fresh(kept.fetched_at, self._clock()):
            self._client.count_hit(self._service)
            return kept.value
        answer = await self._client.get_json_if_changed(self._service, path, _validators(kept))
        if answer.change is Change.UNCHANGED and kept is not None:
            self._confirm(path)
            return kept.value
        value = reduce(answer.value) if answer.change is Change.NEW else None
        self._keep(path, value, answer.validators)
        return value

    def asked_at(self, path: str) -> datetime | None:
        """When the document at path was last found current, naive UTC; None where none is kept."""
        kept = self._kept(path)
        return None if kept is None else utc_of(kept.fetched_at)

    def _kept(self, path: str) -> KeptAnswer | None:
        kept = self._store.get(self._service, path) if self._store is not None else None
        return kept if kept is not None and kept.address == self._client.address(self._service) else None

    def _confirm(self, path: str) -> None:
        if self._store is not None:
            self._store.confirm(self._service, path, self._clock())

    def _keep(self, path: str, value: Any, validators: Validators) -> None:
        if self._store is not None:
            address = self._client.address(self._service)
            kept = KeptAnswer(value, address, self._clock(), validators.etag, validators.last_modified)
            self._store.put_many(self._service, {path: kept})


class KeptOnly:
    """The same documents where nobody may be asked: of whatever address, up to the hard age."""

    def __init__(
        self, service: ServiceName, store: AnswerStore, terms: FreshFor, clock: Callable[[], float] = time.time
    ) -> None:
        self._service = service
        self._store = store
        self._terms = terms
        self._clock = clock

    async def get(self, path: str, reduce: Callable[[Any], Any]) -> Any:  # noqa: ARG002 - kept ones are reduced
        """The kept document at path, None where the service knew no such thing; SourceOffline where none is kept."""
        kept = self._store.get(self._service, path)
        if kept is None:
            raise SourceOffline(f"{self._service}: no earlier run kept {path}; run once without --offline.")
        if not self._terms.usable(kept.fetched_at, self._clock()):
            limit = f"{self._terms.kept_days:g} days (sources.{self._service}.kept_days)"
            raise SourceOffline(f"{self._service}: what is kept of {path} is older than {limit}; run once online.")
        return kept.value

    def asked_at(self, path: str) -> datetime | None:
        """As that of `KeptDocuments`."""
        kept = self._store.get(self._service, path)
        return None if kept is None else utc_of(kept.fetched_at)


def _validators(kept: KeptAnswer | None) -> Validators:
    # A kept "no such thing" is asked for anew: there is no body that a 304 could confirm.
    return Validators() if kept is None or kept.value is None else Validators(kept.etag, kept.last_modified)
