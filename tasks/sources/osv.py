"""OSV's API (https://google.github.io/osv.dev/api/): which advisories there are, and each record once."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.interface import AdvisoryCache, AdvisoryRef
from tasks.sources.kept_index import KeptIndex
from tasks.sources.osv_bulk import fill_from_bulk
from tasks.sources.osv_index import query_index
from tasks.sources.record_store import RecordStore

__all__ = ["OsvApi"]


KNOWN_MOST = 8000
"""Records held in memory where a store has them all; some 20 MB."""


class OsvApi:
    """`AdvisorySource` that asks OSV or a mirror of it; belongs to one event loop.

    Several batches may ask at the same time: whoever needs a record that is on its way waits for it. store, where
    given, serves records of earlier runs, as OSV cannot answer "not modified"; kept serves and keeps the index.
    """

    def __init__(self, client: HttpClient, store: AdvisoryCache | None = None, kept: KeptIndex | None = None) -> None:
        self._client = client
        self._store = store
        self._kept = kept
        self._known: OrderedDict[str, Advisory] = OrderedDict()
        self._coming: dict[str, asyncio.Task[Advisory]] = {}
        self._filling: asyncio.Task[None] | None = None
        self._from_kept: frozenset[str] = frozenset()

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Every advisory that names each PyPI project, by PEP 503 name, in one request per 1,000 names."""
        if self._kept is None:
            return await query_index(self._client, names)
        held = dict(self._kept.fresh(names))
        self._from_kept |= held.keys()
        for _ in held:
            self._client.count_hit(ServiceName.OSV)
        asked = await query_index(self._client, [name for name in names if name not in held])
        if asked:
            self._kept.keep(asked)
        return held | asked

    def asked_at(self, name: str) -> datetime | None:
        """When OSV was asked about the project, where that was in an earlier run; naive UTC."""
        return self._kept.asked_at(name) if self._kept is not None and name in self._from_kept else None

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The records by id; where one cannot be had, the first error in order, after the others have been kept."""
        await self.filled()
        found = self._recall(refs)
        asked = {ref.id: ref for ref in refs if ref.id not in found and ref.id not in self._coming}
        for identifier in asked:
            self._start(identifier)
        coming = {ref.id: self._coming[ref.id] for ref in refs if ref.id not in found}
        try:
            await _ended(list(coming.values()))
        finally:
            self._keep({ref: coming[identifier] for identifier, ref in asked.items()})
        return {ref.id: found[ref.id] if ref.id in found else coming[ref.id].result() for ref in refs}

    def forget(self) -> None:
        """Give up the records held in memory that the store has as well."""
        if self._store is not None:
            self._known.clear()

    async def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Say what will be asked for: where much of it is not kept yet, one download begins in the background."""
        if isinstance(self._store, RecordStore):
            self._filling = asyncio.create_task(self._fill(self._store, refs, self._filling))

    async def filled(self) -> None:
        """Wait until the download that `expect` may have begun has ended, well or not."""
        if self._filling is not None:
            # Shielded: one batch that gives up waiting does not end the download for the others.
            await asyncio.shield(self._filling)

    async def _fill(self, store: RecordStore, refs: Sequence[AdvisoryRef], former: asyncio.Task[None] | None) -> None:
        if former is not None:
            # What is on its way already is not asked for again.
            await asyncio.wait([former])
        self._remember(await fill_from_bulk(self._client, store, refs))

    def _recall(self, refs: Sequence[AdvisoryRef]) -> dict[str, Advisory]:
        found = {ref.id: self._known[ref.id] for ref in refs if ref.id in self._known}
        if self._store is not None:
            wanted = [ref for ref in refs if ref.id not in found and ref.id not in self._coming]
            kept = self._store.get_many(wanted) if wanted else {}
            self._remember(kept)
            found |= kept
        return found

    def _keep(self, asked: Mapping[AdvisoryRef, asyncio.Task[Advisory]]) -> None:
        fetched = {ref: task.result() for ref, task in asked.items() if _succeeded(task)}
        if self._store is not None and fetched:
            self._store.put_many(fetched)

    def _remember(self, records: Mapping[str, Advisory]) -> None:
        """Hold records in memory: without a store all of them, for each is to be asked for only once."""
        self._known.update(records)
        while self._store is not None and len(self._known) > KNOWN_MOST:
            self._known.popitem(last=False)

    def _start(self, identifier: str) -> None:
        task = self._coming[identifier] = asyncio.create_task(self._fetch(identifier))
        task.add_done_callback(lambda ended: self._forget(identifier, ended))

    def _forget(self, identifier: str, task: asyncio.Task[Advisory]) -> None:
        # A record that failed may be asked for again by a later batch.
        self._coming.pop(identifier, None)
        if not task.cancelled():
            # Looked at, or asyncio reports an error that nobody waited for any more.
            task.exception()

    async def _fetch(self, identifier: str) -> Advisory:
        path = f"/v1/vulns/{quote(identifier, safe='')}"
        record = await self._client.get_json(ServiceName.OSV, path, missing_ok=True)
        if not isinstance(record, dict) or record.get("id") != identifier:
            raise SourceAnswerInvalid(f"osv: {identifier} is in the index but its record is not there; run again.")
        advisory = parse_advisory(record)
        self._remember({identifier: advisory})
        return advisory


def _succeeded(task: asyncio.Task[Advisory]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _ended(tasks: Sequence[asyncio.Task[Advisory]]) -> None:
    """Wait for all without cancelling any: another batch may be waiting for the same record."""
    if tasks:
        await asyncio.wait(tasks)
