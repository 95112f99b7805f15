"""What earlier scans heard serves later ones: beside a synced store, and offline."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tasks.engine.enrichers import cve_sources, enricher
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.engine.stores import Stores
from tasks.engine.synced import stored_cve_sources
from tasks.engine.terms import policies
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.review.ages import age_sentences
from tasks.review.enrichment import Enrichment
from tasks.review.reviewer import utc_now
from tasks.settings.load import load_settings
from tasks.sources.answer_store import KeptAnswer
from tasks.sources.enrichment import CveSourceName, MitreState
from tasks.sources.exploitdb import PATH as EXPLOITS_PATH
from tasks.sources.github_advisories import PATH, GithubRecord
from tasks.sources.kev import PATH as KEV_PATH
from tasks.store.advisories import AdvisoryStore
from tests.review.review_samples import advisory, key, reviewed
from tests.store.conftest import Sync, store, sync, world
from tests.store.store_world import World, records

__all__ = ["store", "sync", "world"]

CVE = "CVE-2024-1000"
NVD = {"status": "Analyzed", "cvss": 9.8, "vector": "CVSS:3.1/AV:N", "modified": "2024-06-01"}
RECENT = GithubRecord(id="GHSA-new", project="demo", vulnerable_range="< 3")


def _kept(lookup: LookupSettings, github_age_h: float) -> Stores:
    """The files as an earlier scan left them: NVD and MITRE asked for one CVE, GitHub some hours ago."""
    stores = Stores.open(lookup)
    assert stores is not None
    stores.cves.put(CveSourceName.NVD, {CVE: NVD}, {CVE: "2024-06-01"})
    stores.cves.put(CveSourceName.MITRE, {CVE: {"state": "disputed"}}, {})
    answer = KeptAnswer([RECENT.model_dump(mode="json")], "http://x", time.time() - 3600 * github_age_h)
    stores.answers.put_many(ServiceName.GITHUB, {PATH: answer})
    return stores


def _told(lookup: LookupSettings, stores: Stores, synced: AdvisoryStore | None) -> Enrichment:
    review = reviewed(key("1.0"), advisory("GHSA-1", aliases=(CVE,)))

    async def run() -> Enrichment:
        async with HttpClient(policies(lookup, {})) as client:
            live = cve_sources(lookup, client, stores, {})
            stored = stored_cve_sources(synced, live) if synced is not None else None
            told = await enricher(lookup, client, stores, {}, stored).ask([review])
            assert client.snapshot() == {}, "nobody is asked"
            return told

    return asyncio.run(run())


@pytest.mark.parametrize(("github_age_h", "recent"), [(1, (RECENT,)), (25, None)])
def test_beside_a_synced_store_what_earlier_scans_heard_is_used(
    github_age_h: float, recent: Any, world: World, sync: Sync, store: Path, tmp_path: Path
) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    lookup = world.lookup(tmp_path)
    stores, synced = _kept(lookup, github_age_h), AdvisoryStore(store)
    told = _told(lookup, stores, synced)
    _check(told.nvd.facts, told)
    assert (told.recent, told.github_problem) == (recent, None)
    stores.close()
    synced.close()


def test_offline_what_earlier_scans_heard_is_used(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {}).settings
    lookup = lookup_settings(settings, offline=True, store=tmp_path / "advisories.sqlite")
    stores = _kept(lookup, 1)
    told = _told(lookup, stores, None)
    _check(told.nvd.facts, told)
    assert told.recent == (RECENT,)
    stores.close()


def _check(nvd: Mapping[str, Any], told: Enrichment) -> None:
    assert {cve: (facts.cvss, facts.status) for cve, facts in nvd.items()} == {CVE: (9.8, "Analyzed")}
    assert {cve: facts.state for cve, facts in told.mitre.facts.items()} == {CVE: MitreState.DISPUTED}


def test_offline_each_source_says_how_old_its_kept_answers_are(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {}).settings
    lookup = lookup_settings(settings, offline=True, store=tmp_path / "advisories.sqlite")
    stores = _kept(lookup, 1)
    kept = {
        ServiceName.KEV: (KEV_PATH, {CVE: ["2024-01-02", False]}, 12),
        ServiceName.EPSS: (CVE, 0.5, 3),
        ServiceName.EXPLOITDB: (EXPLOITS_PATH, {CVE: ["7"]}, 0),
    }
    for service, (key_of, value, days) in kept.items():
        stores.answers.put_many(service, {key_of: KeptAnswer(value, "http://x", time.time() - days * 86_400 - 60)})
    told = _told(lookup, stores, None)
    stores.close()
    assert (told.kev.problem, told.epss.problem, told.exploits.problem) == (None, None, None)
    assert list(age_sentences(told.asked_at, utc_now())) == [
        "KEV: kept answers, up to 12 days old",
        "EPSS: kept answers, up to 3 days old",
    ]
    assert set(told.asked_at) == {"KEV", "EPSS", "Exploit-DB"}
