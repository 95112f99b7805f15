"""The composition root of a lookup: from settings to a reviewer that answers."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

from tasks.engine.lookup import LookupSettings
from tasks.engine.loop import LoopThread
from tasks.http.client import HttpClient
from tasks.http.metrics import ServiceMetrics
from tasks.http.policy import ServiceName, ServicePolicy, public_policies
from tasks.review.model import PackageKey, PackageReview
from tasks.review.reviewer import Refs, Reviewer
from tasks.settings.model import ServiceSettings
from tasks.sources.interface import AdvisoryRef, AdvisorySource, ProjectFacts, ProjectSource
from tasks.sources.offline import OfflineAdvisories, OfflineProjects
from tasks.sources.osv import OsvApi
from tasks.sources.pypi import PypiApi
from tasks.sources.record_store import RecordStore
from tasks.sources.snapshot import SnapshotAdvisories, SnapshotProjects


def policies(lookup: LookupSettings) -> dict[ServiceName, ServicePolicy]:
    """The public services' terms with the settings laid over them."""
    return {
        name: _adjusted(policy, lookup, lookup.services.get(name.value, ServiceSettings()))
        for name, policy in public_policies().items()
    }


def _adjusted(policy: ServicePolicy, lookup: LookupSettings, service: ServiceSettings) -> ServicePolicy:
    in_flight = service.max_in_flight or min(lookup.concurrent_requests, policy.max_in_flight)
    return dataclasses.replace(
        policy,
        base_url=service.base_url or policy.base_url,
        max_in_flight=in_flight,
        requests_per_second=service.requests_per_second or policy.requests_per_second,
        max_wait_s=policy.max_wait_s if service.max_wait_s is None else service.max_wait_s,
        read_timeout_s=lookup.request_timeout,
        attempts=lookup.retry_attempts,
    )


class Engine:
    """One process's lookups: all its batches share this client, its limits and its records."""

    def __init__(self, lookup: LookupSettings) -> None:
        self._loop = LoopThread()
        self._client = HttpClient(policies(lookup))
        self._records = RecordStore(lookup.store) if lookup.store is not None else None
        self._projects, self._advisories = self._sources(lookup)
        self._reviewer = Reviewer(self._projects, self._advisories, uncertain_limit=lookup.uncertain_limit)

    def _sources(self, lookup: LookupSettings) -> tuple[ProjectSource, AdvisorySource]:
        if not lookup.offline:
            return PypiApi(self._client), OsvApi(self._client, self._records)
        if lookup.snapshot is not None:
            return SnapshotProjects(lookup.snapshot), SnapshotAdvisories(lookup.snapshot)
        return OfflineProjects(), OfflineAdvisories()

    def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Every advisory that names each project; SourceError when OSV cannot answer."""
        return self._loop.run(self._advisories.index(names))

    def expect(self, refs: Sequence[AdvisoryRef]) -> None:
        """Say which advisories the batches will need, so that many can be fetched at once; returns at once."""
        if isinstance(self._advisories, OsvApi):
            self._loop.run(self._advisories.expect(refs))

    def project(self, name: str) -> ProjectFacts:
        """PyPI's facts about one project by PEP 503 name; SourceError when PyPI cannot answer."""
        return self._loop.run(self._projects.project(name, None))

    def review_batch(
        self, keys: Sequence[PackageKey], refs: Refs, index_problem: str | None
    ) -> tuple[PackageReview, ...]:
        """One review per key, in order."""
        return self._loop.run(self._reviewer.review_batch(keys, refs, index_problem))

    def metrics(self) -> Mapping[ServiceName, ServiceMetrics]:
        """What talking to each service has cost so far."""
        return self._client.snapshot()

    def close(self) -> None:
        """Give up what is under way and release connections, threads and files."""
        self._loop.run(self._client.aclose())
        self._loop.close()
        if self._records is not None:
            self._records.close()


@functools.lru_cache(maxsize=1)
def engine_for(lookup: LookupSettings) -> Engine:
    """This process's engine for these settings, made at first need: on a worker as in an ad-hoc run."""
    return Engine(lookup)
