"""What an engine keeps between runs, and the sources built on it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, Self

from tasks.engine.lookup import LookupSettings
from tasks.engine.terms import fresh_for
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.http.window import Window
from tasks.sources.answer_store import AnswerStore, Pruned
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName
from tasks.sources.interface import AdvisorySource, ProjectSource
from tasks.sources.kept import KeptDocuments, KeptOnly
from tasks.sources.kept_index import KeptAdvisories, KeptIndex
from tasks.sources.offline import OfflineAdvisories, OfflineProjects
from tasks.sources.osv import OsvApi
from tasks.sources.pypi import PypiApi
from tasks.sources.record_store import RecordStore
from tasks.sources.snapshot import SnapshotAdvisories, SnapshotProjects
from tasks.store.advisories import AdvisoryStore

__all__ = ["Sources", "Stores", "sources"]


class Dated(Protocol):
    """Advisories that may come from an earlier run."""

    def asked_at(self, name: str) -> datetime | None:
        """When they were asked for, naive UTC; None: in this run."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Where this run's facts come from; dated where they may be of an earlier run."""

    projects: ProjectSource
    advisories: AdvisorySource
    dated: Dated | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """The open files of what is kept."""

    records: RecordStore
    answers: AnswerStore
    cves: CveResults

    @classmethod
    def open(cls, lookup: LookupSettings) -> Self | None:
        """The files of these settings; None where nothing is kept, or a snapshot answers instead."""
        if lookup.store is None or lookup.answers_file is None or (lookup.offline and lookup.snapshot is not None):
            return None
        cves = CveResults(lookup.store.with_name("cves.sqlite"))
        return cls(RecordStore(lookup.store), AnswerStore(lookup.answers_file), cves)

    def prune(self, lookup: LookupSettings) -> Pruned:
        """Remove kept answers beyond their hard age and beyond the size allowed."""
        days = {ServiceName(name): service.kept_days for name, service in lookup.services.items()}
        if lookup.ai is not None:
            days[ServiceName.AI] = lookup.ai.kept_days
        return self.answers.prune(lookup.kept_mb * 1_000_000, days)

    def windows(self, policies: Mapping[ServiceName, ServicePolicy]) -> dict[ServiceName, Window]:
        """Windows that count over all processes of this data folder, of the services whose rule is one."""
        nvd = policies[ServiceName.NVD]
        if nvd.requests_in_window is None:
            return {}
        return {ServiceName.NVD: self.cves.window(CveSourceName.NVD, nvd.requests_in_window, nvd.window_s)}

    def close(self) -> None:
        """Close the files."""
        self.records.close()
        self.answers.close()
        self.cves.close()


def sources(
    lookup: LookupSettings, client: HttpClient, stores: Stores | None, synced: AdvisoryStore | None = None
) -> Sources:
    """Services, snapshot, kept answers or nothing at all, as the settings say; synced answers in place of OSV."""
    if lookup.offline and lookup.snapshot is not None:
        snapshot = SnapshotAdvisories(lookup.snapshot)
        return Sources(SnapshotProjects(lookup.snapshot), snapshot, snapshot)
    found = _of_services(lookup, client, stores)
    return found if synced is None else replace(found, advisories=synced, dated=synced)


def _of_services(lookup: LookupSettings, client: HttpClient, stores: Stores | None) -> Sources:
    if not lookup.offline:
        return _asking(lookup, client, stores)
    if stores is None:
        return Sources(OfflineProjects(), OfflineAdvisories())
    kept = KeptOnly(ServiceName.PYPI, stores.answers, fresh_for(lookup, ServiceName.PYPI))
    advisories = KeptAdvisories(_index(lookup, client, stores), stores.records)
    return Sources(PypiApi(kept), advisories, advisories)


def _asking(lookup: LookupSettings, client: HttpClient, stores: Stores | None) -> Sources:
    answers = stores.answers if stores is not None else None
    documents = KeptDocuments(client, ServiceName.PYPI, answers, fresh_for(lookup, ServiceName.PYPI))
    if stores is None:
        return Sources(PypiApi(documents), OsvApi(client))
    osv = OsvApi(client, stores.records, _index(lookup, client, stores))
    return Sources(PypiApi(documents), osv, osv)


def _index(lookup: LookupSettings, client: HttpClient, stores: Stores) -> KeptIndex:
    return KeptIndex(stores.answers, fresh_for(lookup, ServiceName.OSV), client.address(ServiceName.OSV))
