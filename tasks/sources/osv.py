"""OSV's API (https://google.github.io/osv.dev/api/): which advisories there are, and each record once."""

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.interface import AdvisoryCache, AdvisoryRef
from tasks.sources.osv_bulk import fill_from_bulk
from tasks.sources.osv_index import query_index
from tasks.sources.record_store import RecordStore

__all__ = ["OsvApi"]


class OsvApi:
    """`AdvisorySource` that asks OSV or a mirror of it; belongs to one event loop.

    Several batches may ask at the same time: whoever needs a record that is on its way waits for it. store, where
    given, serves records of earlier runs, as OSV cannot answer "not modified".
    """

    def __init__(self, client: HttpClient, store: AdvisoryCache | None = None) -> None:
        self._client = client
        self._store = store
        self._known: dict[str, Advisory] = {}
        self._coming: dict[str, asyncio.Task[Advisory]] = {}
        self._filling: asyncio.Task[None] | None = None

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Every advisory that names each PyPI project, by PEP 503 name, in one request per 1,000 names."""
        return await query_index(self._client, names)

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The records by id; where one cannot be had, the first error in order, after the others have been kept."""
        if self._filling is not None:
            # Shielded: one batch that gives up waiting does not end the download for the others.
            await asyncio.shield(self._filling)
        self._recall(refs)
        asked = {ref.id: ref for ref in refs if ref.id not in self._known and ref.id not in self._coming}
        for identifier in asked:
            self._start(identifier)
        coming = [self._coming[i] for i in dict.fromkeys(ref.id for ref in refs) if i in self._coming]
        try:
            await _ended(coming)
        finally:
            self._keep(asked)
        for task in coming:
            task.result()
        return {ref.id: self._known[ref.id] for ref in refs}

    async def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Say what will be asked for: where much of it is not kept yet, one download begins in the background."""
        if isinstance(self._store, RecordStore):
            self._filling = asyncio.create_task(self._fill(self._store, refs))

    async def _fill(self, store: RecordStore, refs: Sequence[AdvisoryRef]) -> None:
        self._known.update(await fill_from_bulk(self._client, store, refs))

    def _recall(self, refs: Sequence[AdvisoryRef]) -> None:
        if self._store is not None:
            wanted = [ref for ref in refs if ref.id not in self._known and ref.id not in self._coming]
            self._known.update(self._store.get_many(wanted) if wanted else {})

    def _keep(self, asked: Mapping[str, AdvisoryRef]) -> None:
        fetched = {ref: self._known[ref.id] for ref in asked.values() if ref.id in self._known}
        if self._store is not None and fetched:
            self._store.put_many(fetched)

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
        self._known[identifier] = parse_advisory(record)
        return self._known[identifier]


async def _ended(tasks: Sequence[asyncio.Task[Advisory]]) -> None:
    """Wait for all without cancelling any: another batch may be waiting for the same record."""
    if tasks:
        await asyncio.wait(tasks)
