"""Which sources enrich a run's reviews, and asking them all at once: each about every CVE in question, once."""

import asyncio
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from tasks.engine.lookup import LookupSettings
from tasks.engine.stores import Stores
from tasks.engine.terms import fresh_for
from tasks.errors import SourceError, SourceOffline
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.review.enrichment import Enrichment, Purl, Told
from tasks.review.model import PackageReview, SourceName, SourceStatus
from tasks.settings.services import ServiceSettings
from tasks.sources.enrichment import (
    CveSource,
    CveSourceName,
    DatedSource,
    KevFacts,
    MitreFacts,
    NotConsulted,
    NvdFacts,
)
from tasks.sources.epss import EpssApi
from tasks.sources.exploitdb import ExploitDatabase
from tasks.sources.github_advisories import GithubAdvisories, GithubRecord
from tasks.sources.kept import FreshFor, KeptDocuments, KeptOnly
from tasks.sources.kept_values import KeptValues
from tasks.sources.kev import KevCatalogue
from tasks.sources.mitre import MitreApi
from tasks.sources.nvd import NvdApi, NvdTerms
from tasks.sources.snyk import SnykApi, SnykIssue

__all__ = ["CveSources", "Enricher", "cve_sources"]

Facts = TypeVar("Facts")

DAY_H = 24.0
GITHUB_H = 1.0
"""Hours for which what is kept is used unasked, unless `sources.NAME.cache_hours` says otherwise."""

MAX_WAIT_S = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Off:
    """A `CveSource` that the settings switched off: never asked, and said so."""

    name: CveSourceName
    bulk: bool = False

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, Any]:  # noqa: ARG002 - the protocol's
        """Raise NotConsulted."""
        raise NotConsulted(f"switched off (sources.{self.name}.live)")


@dataclass(frozen=True, slots=True)
class CveSources:
    """The sources that are asked by CVE id."""

    nvd: CveSource[NvdFacts]
    mitre: CveSource[MitreFacts]
    kev: CveSource[KevFacts]
    epss: CveSource[float]
    exploits: CveSource[tuple[str, ...]]


class Enricher:
    """Asks for everything that a run's reviews can be enriched with; belongs to the client's event loop.

    github is None where GitHub's newest advisories are not asked for, snyk where there is no token.
    """

    def __init__(self, cve: CveSources, github: GithubAdvisories | None = None, snyk: SnykApi | None = None) -> None:
        self._cve = cve
        self._github = github
        self._snyk = snyk

    async def ask(self, reviews: Sequence[PackageReview]) -> Enrichment:
        """What all sources tell; one that cannot answer is part of it, never an exception."""
        decided = [review for review in reviews if _decided(review)]
        # The order of the questions must not depend on that of the batches, or what is kept would not be found.
        affecting = sorted({cve for review in decided for v in review.vulnerabilities for cve in v.cves})
        known = sorted({cve for review in decided for cve in review.known_cves} | set(affecting))
        async with asyncio.TaskGroup() as group:
            nvd = group.create_task(_told(self._cve.nvd, affecting, known))
            mitre = group.create_task(_told(self._cve.mitre, affecting, known))
            kev = group.create_task(_told(self._cve.kev, affecting, affecting))
            epss = group.create_task(_told(self._cve.epss, affecting, affecting))
            exploits = group.create_task(_told(self._cve.exploits, known, known))
            github = group.create_task(self._recent(decided))
            snyk = group.create_task(self._issues(decided))
        asked_by_cve = nvd.result(), mitre.result(), kev.result(), epss.result(), exploits.result()
        return Enrichment(*asked_by_cve, *github.result(), *snyk.result())

    async def _recent(self, reviews: Sequence[PackageReview]) -> tuple[tuple[GithubRecord, ...] | None, str | None]:
        if self._github is None or not reviews:
            return None, None
        try:
            return await self._github.recent(), None
        except SourceOffline:
            return None, None
        except SourceError as error:
            return None, str(error)

    async def _issues(
        self, reviews: Sequence[PackageReview]
    ) -> tuple[Mapping[Purl, tuple[SnykIssue, ...]], Mapping[Purl, str]]:
        if self._snyk is None:
            return {}, {}
        places = {(review.project, review.version): self._snyk for review in reviews if _has_version(review)}
        answers = await asyncio.gather(*(_issues(api, place) for place, api in places.items()))
        found = {place: a for place, a in zip(places, answers, strict=True) if isinstance(a, tuple)}
        return found, {place: a for place, a in zip(places, answers, strict=True) if isinstance(a, str)}


async def _issues(api: SnykApi, place: Purl) -> tuple[SnykIssue, ...] | str:
    try:
        return await api.issues(*place)
    except SourceError as error:
        return str(error)


async def _told(source: CveSource[Facts], affecting: Sequence[str], known: Sequence[str]) -> Told[Facts]:
    asked = known if source.bulk else affecting
    if not asked:
        return Told(problem=None, bulk=source.bulk)
    try:
        async with asyncio.timeout(MAX_WAIT_S if source.bulk else None):
            facts = await source.look_up(asked)
        return Told(facts, frozenset(asked), None, bulk=source.bulk, asked_at=_asked_at(source, asked))
    except NotConsulted as partly:
        found = {cve: facts for cve, facts in partly.found.items() if facts is not None}
        dated = _asked_at(source, tuple(found))
        return Told(found, frozenset(partly.found), partly.reason, bulk=source.bulk, asked_at=dated)
    except SourceOffline as error:
        return Told(problem=str(error), bulk=source.bulk)
    except Exception as error:  # noqa: BLE001  whatever one answer makes fail, the other sources have theirs; it is told
        return Told(problem=_failure(source, error), failed=True, bulk=source.bulk)


def _failure(source: CveSource[Any], error: Exception) -> str:
    if isinstance(error, SourceError):
        return str(error)
    if isinstance(error, TimeoutError):
        return f"{source.name}: no complete answer within {MAX_WAIT_S:g} s; run again later."
    _log.debug("The answer of %s could not be handled", source.name, exc_info=error)
    return f"{source.name}: its answer could not be handled ({type(error).__name__}); run again later."


def _asked_at(source: CveSource[Any], cves: Sequence[str]) -> datetime | None:
    return source.asked_at(cves) if cves and isinstance(source, DatedSource) else None


def _decided(review: PackageReview) -> bool:
    osv = review.sources.get(SourceName.OSV)
    return osv is not None and not (osv.status is SourceStatus.UNKNOWN and not osv.undecidable)


def _has_version(review: PackageReview) -> bool:
    return _decided(review) and not review.is_new and review.facts is not None and review.facts.found


def enricher(
    lookup: LookupSettings,
    client: HttpClient,
    stores: Stores | None,
    environment: Mapping[str, str],
    cve: CveSources | None = None,
) -> Enricher:
    """The sources of these settings; cve in place of the live ones, where a store has them and OSV's advisories."""
    snyk = _snyk(lookup, client, environment)
    if cve is not None:
        # GitHub's newest advisories are asked for where OSV is; a sync brings both, but for a scan's since then.
        return Enricher(cve, _kept_github(stores, lookup.store_max_age_hours), snyk)
    return Enricher(cve_sources(lookup, client, stores, environment), _github(lookup, client, stores), snyk)


def cve_sources(
    lookup: LookupSettings, client: HttpClient, stores: Stores | None, environment: Mapping[str, str]
) -> CveSources:
    """The sources asked live, or, offline, what earlier runs kept of them."""
    answers = stores.answers if stores is not None else None
    results = stores.cves if stores is not None else None
    offline = lookup.offline
    nvd, mitre = _settings(lookup, ServiceName.NVD), _settings(lookup, ServiceName.MITRE)
    terms = NvdTerms.of(
        key=bool(environment.get("NVD_API_KEY", "").strip()),
        max_wait_s=MAX_WAIT_S if nvd.max_wait_s is None else nvd.max_wait_s,
        requests_per_second=nvd.requests_per_second,
    )
    wait = MAX_WAIT_S if mitre.max_wait_s is None else mitre.max_wait_s

    def kept(service: ServiceName) -> KeptValues:
        return KeptValues(client, service, answers, _fresh(lookup, service, DAY_H), offline=offline)

    live = CveSources(
        nvd=NvdApi(client, results, terms, offline=offline),
        mitre=MitreApi(client, results, live=mitre.live is True, max_wait_s=wait, offline=offline),
        kev=KevCatalogue(_documents(lookup, client, stores, ServiceName.KEV, DAY_H)),
        epss=EpssApi(client, kept(ServiceName.EPSS)),
        exploits=ExploitDatabase(client, kept(ServiceName.EXPLOITDB)),
    )
    return _without_those_off(live, lookup)


def _without_those_off(live: CveSources, lookup: LookupSettings) -> CveSources:
    named = {"nvd": live.nvd, "kev": live.kev, "epss": live.epss, "exploits": live.exploits}
    off = {
        place: Off(source.name)
        for place, source in named.items()
        if _settings(lookup, ServiceName(source.name.value)).live is False
    }
    return dataclasses.replace(live, **off)


def _github(lookup: LookupSettings, client: HttpClient, stores: Stores | None) -> GithubAdvisories | None:
    if _settings(lookup, ServiceName.GITHUB).live is False:
        return None
    if lookup.offline:
        return _kept_github(stores, lookup.store_max_age_hours)
    return GithubAdvisories(_documents(lookup, client, stores, ServiceName.GITHUB, GITHUB_H))


def _kept_github(stores: Stores | None, hours: float) -> GithubAdvisories | None:
    """What an earlier scan heard from GitHub, no more than that many hours ago: OSV may not have it yet."""
    if stores is None:
        return None
    return GithubAdvisories(KeptOnly(ServiceName.GITHUB, stores.answers, FreshFor(kept_days=hours / DAY_H)))


def _snyk(lookup: LookupSettings, client: HttpClient, environment: Mapping[str, str]) -> SnykApi | None:
    org, token = (environment.get(name, "").strip() for name in ("SNYK_ORG", "SNYK_TOKEN"))
    off = lookup.offline or _settings(lookup, ServiceName.SNYK).live is False
    return SnykApi(client, org) if org and token and not off else None


def _documents(
    lookup: LookupSettings, client: HttpClient, stores: Stores | None, service: ServiceName, hours: float
) -> KeptDocuments | KeptOnly:
    terms = _fresh(lookup, service, hours)
    if not lookup.offline:
        return KeptDocuments(client, service, stores.answers if stores is not None else None, terms)
    return KeptOnly(service, stores.answers, terms) if stores is not None else _Nothing(service)


class _Nothing(KeptOnly):
    """Documents where nothing is kept and nobody may be asked."""

    def __init__(self, service: ServiceName) -> None:
        self._name = service

    async def get(self, path: str, reduce: Any) -> Any:  # noqa: ARG002 - the protocol's
        raise SourceOffline(f"{self._name}: not at hand, and --offline forbids asking.")


def _fresh(lookup: LookupSettings, service: ServiceName, hours: float) -> FreshFor:
    terms = fresh_for(lookup, service)
    unset = _settings(lookup, service).cache_hours is None
    return FreshFor(hours if unset else terms.cache_hours, terms.kept_days, terms.since)


def _settings(lookup: LookupSettings, service: ServiceName) -> ServiceSettings:
    return lookup.services.get(service.value, ServiceSettings())
