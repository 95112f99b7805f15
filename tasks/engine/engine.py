"""The composition root of a lookup: from settings to a reviewer that answers."""

import asyncio
import functools
import gc
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from tasks.engine.batch_metrics import BatchMetrics
from tasks.engine.enrichers import Enricher, cve_sources, enricher
from tasks.engine.lending import Lender
from tasks.engine.lookup import LookupSettings
from tasks.engine.loop import LoopThread
from tasks.engine.memory import MemoryGate
from tasks.engine.second_opinion import consultant
from tasks.engine.stores import Stores, sources
from tasks.engine.synced import stored_cve_sources, synced_advisories
from tasks.engine.terms import policies
from tasks.http.client import HttpClient
from tasks.http.metrics import Ledger, ServiceMetrics, charge, measured
from tasks.http.policy import ServiceName
from tasks.http.shared import OWN_LIMITS, SharedLimits
from tasks.review.enrichment import Enrichment
from tasks.review.model import PackageKey, PackageReview
from tasks.review.reviewer import Refs, Reviewer
from tasks.sources.interface import AdvisoryRef, ProjectFacts
from tasks.sources.osv import OsvApi
from tasks.sources.pypi import PypiApi

AHEAD = 3
"""Projects looked up before their batch begins, per request in flight: enough that waits overlap, and few enough that
batches end, and are durable, as the answers come."""

AHEAD_STALLED = 16
"""As many while a batch waits long for a slow answer: the others' answers are fetched meanwhile."""

GATE_SHARE = 4
"""With a memory limit: packages at once, in multiples of the requests in flight; above it, that part of them."""

Index = Mapping[str, tuple[AdvisoryRef, ...]]
"""The advisories that name each project."""

_log = logging.getLogger(__name__)


class Engine:
    """One process's lookups: all its batches share this client, its limits and its records."""

    def __init__(self, lookup: LookupSettings) -> None:
        self._lookup = lookup
        self._loop = LoopThread()
        self._stores = Stores.open(lookup)
        terms = policies(lookup, os.environ)
        windows = self._stores.windows(terms) if self._stores is not None else {}
        self._client = HttpClient(terms, ca_bundle=lookup.ca_bundle, shared=_shared(lookup), windows=windows)
        self._synced = synced_advisories(lookup)
        # What this run has fetched is not asked for again in it, for example when failed packages are tried again.
        since = lookup if lookup.fresh_since is not None else lookup.resuming(datetime.now(UTC))
        found = sources(since, self._client, self._stores, self._synced)
        self._projects, self._advisories = found.projects, found.advisories
        asked_at = found.dated.asked_at if found.dated is not None else lambda _: None
        limit = lookup.uncertain_limit
        self._reviewer = Reviewer(self._projects, self._advisories, uncertain_limit=limit, asked_at=asked_at)
        self._consultant = consultant(lookup, self._client, self._stores, self._advisories)
        self._gate = self._memory_gate()
        self._begun: Future[Index] | None = None
        self._elsewhere = Ledger()
        self._enricher = self._made_enricher()

    def begin(self, names: Sequence[str], *, projects: bool = True) -> None:
        """Ask for what these projects will need, in order and as often, while something else is waited for.

        Returns at once; `index` says how it went. Offline nothing is begun. projects: look them up as well.
        """
        if not self._lookup.offline:
            self._begun = self._loop.start(self._begin(tuple(dict.fromkeys(names))))
            if projects:
                self.expect_projects(names)

    async def _begin(self, names: Sequence[str]) -> Index:
        found = await self._advisories.index(names)
        if isinstance(self._advisories, OsvApi):
            await self._advisories.expect([ref for own in found.values() for ref in own])
        return found

    def index(self, names: Sequence[str]) -> Index:
        """Every advisory that names each project; SourceError when OSV cannot answer."""
        begun, self._begun = self._begun, None
        known = begun.result() if begun is not None else {}
        rest = [name for name in names if name not in known]
        asked = self._loop.run(self._advisories.index(rest)) if rest else {}
        return {name: found[name] for name in names for found in (known, asked) if name in found}

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Say which advisories the batches will need, so that many can be fetched at once; returns at once."""
        if isinstance(self._advisories, OsvApi):
            self._loop.run(self._advisories.expect(refs))

    def fetch_expected(self, refs: Sequence[AdvisoryRef]) -> None:
        """As `expect`, for engines of other processes that share the store: returns when it holds what came at once."""
        if isinstance(self._advisories, OsvApi):
            self._loop.run(self._fetch_expected(self._advisories, refs))

    @staticmethod
    async def _fetch_expected(advisories: OsvApi, refs: Sequence[AdvisoryRef]) -> None:
        await advisories.expect(refs)
        await advisories.filled()

    def expect_projects(self, names: Sequence[str]) -> None:
        """Say which projects the batches will ask for, in order and as often; some are looked up ahead of them."""
        if isinstance(self._projects, PypiApi) and not self._lookup.offline:
            self._loop.run(self._expect_projects(self._projects, names))

    async def _expect_projects(self, projects: PypiApi, names: Sequence[str]) -> None:
        in_flight = self._lookup.concurrent_requests

        def room(stalled: bool) -> int:
            if self._gate is not None and self._gate.pressed:
                return 0
            return (AHEAD_STALLED if stalled else AHEAD) * in_flight

        projects.expect(names, room)

    def enrichment(self, reviews: Sequence[PackageReview]) -> Enrichment:
        """What the sources beside OSV tell of what these reviews found, each asked once."""
        return self._loop.run(self._enricher.ask(reviews))

    def project(self, name: str) -> ProjectFacts:
        """PyPI's facts about one project by PEP 503 name; SourceError when PyPI cannot answer."""
        return self._loop.run(self._projects.project(name, None))

    def review_batch(
        self, keys: Sequence[PackageKey], refs: Refs, index_problem: str | None
    ) -> tuple[PackageReview, ...]:
        """One review per key, in order; called inside `measured`, its cost is counted there."""
        with measured() as cost:
            reviews = self._loop.run(self._review_and_consult(keys, refs, index_problem))
        charge(cost)
        if self._lookup.log_batch_metrics and keys:
            _log.info("Packages %s to %s: %s", keys[0].project, keys[-1].project, BatchMetrics.of(cost))
        return reviews

    async def _review_and_consult(
        self, keys: Sequence[PackageKey], refs: Refs, index_problem: str | None
    ) -> tuple[PackageReview, ...]:
        reviews = await self._review_batch(keys, refs, index_problem)
        return reviews if self._consultant is None else await self._consultant.consult(reviews, refs)

    async def _review_batch(
        self, keys: Sequence[PackageKey], refs: Refs, index_problem: str | None
    ) -> tuple[PackageReview, ...]:
        if self._gate is None:
            return await self._reviewer.review_batch(keys, refs, index_problem)
        gated = (self._gated(self._gate, key, refs, index_problem) for key in keys)
        return tuple(await asyncio.gather(*gated))

    async def _gated(self, gate: MemoryGate, key: PackageKey, refs: Refs, index_problem: str | None) -> PackageReview:
        async with gate.package():
            (review,) = await self._reviewer.review_batch((key,), refs, index_problem)
            return review

    def metrics(self) -> Mapping[ServiceName, ServiceMetrics]:
        """What talking to each service has cost so far, here and in the processes that reviewed for this run."""
        here, elsewhere = self._client.snapshot(), self._elsewhere.services
        both = {name: here.get(name, ServiceMetrics()).plus(asked) for name, asked in elsewhere.items()}
        return {**here, **both}

    def count_elsewhere(self, cost: Ledger) -> None:
        """Count what another process's engine asked for this run."""
        self._elsewhere.add(cost)

    def close(self) -> None:
        """Give up what is under way and release connections, threads and files."""
        self._loop.close(self._client.aclose)
        if self._stores is not None:
            if not self._lookup.offline:
                self._stores.prune(self._lookup)
            self._stores.close()
        if self._synced is not None:
            self._synced.close()

    def _made_enricher(self) -> Enricher:
        cve = None
        if self._synced is not None:
            live = cve_sources(self._lookup, self._client, self._stores, os.environ)
            cve = stored_cve_sources(self._synced, live)
        return enricher(self._lookup, self._client, self._stores, os.environ, cve)

    def _memory_gate(self) -> MemoryGate | None:
        limit, most = self._lookup.memory_mb, self._lookup.concurrent_requests
        if limit is None:
            return None
        return MemoryGate(limit, GATE_SHARE * most, max(1, most // GATE_SHARE), relieve=self._relieve)

    def _relieve(self) -> None:
        self._reviewer.forget()
        if isinstance(self._advisories, OsvApi):
            self._advisories.forget()
        gc.collect()


def _shared(lookup: LookupSettings) -> SharedLimits:
    if lookup.shared_limits is None or lookup.offline:
        return OWN_LIMITS
    from tasks.http.shared_redis import RedisLimits  # noqa: PLC0415 - an extra, installed only where it is used

    return RedisLimits(lookup.shared_limits)


@functools.cache
def _engines() -> Lender[LookupSettings, Engine]:
    return Lender(Engine)


def engine_for(lookup: LookupSettings) -> Engine:
    """This process's engine for these settings, made at first need and kept until `close_engine`: a flow's own."""
    return _engines().held(lookup)


def engine_at_work(lookup: LookupSettings) -> AbstractContextManager[Engine]:
    """The same for one batch: on a worker, where no flow closes it, it closes itself some time after the last one."""
    return _engines().lent(lookup)


def close_engine(lookup: LookupSettings) -> None:
    """End what the engine for these settings has under way, and release what it holds."""
    _engines().close(lookup)
