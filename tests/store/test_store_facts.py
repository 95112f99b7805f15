"""KEV, EPSS, Exploit-DB and NVD in the store: what they tell by CVE, and what broken downloads do (nothing)."""

import asyncio
import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.sources.enrichment import KevFacts, NotConsulted, NvdFacts
from tasks.store.facts import StoreEpss, StoreExploits, StoreKev, StoreNvd
from tasks.store.file import StoreFile
from tasks.store.nvd_kept import NvdWithKept
from tasks.store.sync import advisory_years
from tasks.store.work import Outcome
from tests.store.conftest import Sync
from tests.store.store_world import World, exploit, metric, nvd_entry, records

KEV, CSV = "/kev/known_exploited_vulnerabilities.json", "/exploitdb/files_exploits.csv"
FEED = "/nvd-feeds/feeds/json/cve/2.0/nvdcve-2.0-2024.json.gz"


def asked(source: Any, store: Path, cves: Sequence[str]) -> Mapping[str, Any]:
    with StoreFile(store) as file:
        found: Mapping[str, Any] = asyncio.run(source(file).look_up(cves))
        return found


def kev(count: int) -> list[dict[str, Any]]:
    return [{"cveID": f"CVE-2024-{1000 + n}", "dateAdded": "2024-01-02", "dueDate": ""} for n in range(count)]


def test_kev_tells_since_when_and_whether_ransomware_uses_it(world: World, sync: Sync, store: Path) -> None:
    world.kev = [*kev(2), {"cveID": "CVE-2024-2", "dateAdded": "2024-03-04", "knownRansomwareCampaignUse": "Known"}]
    assert sync("kev").records == 3
    found = asked(StoreKev, store, ["CVE-2024-1000", "CVE-2024-2", "CVE-1999-0001"])
    assert found == {
        "CVE-2024-1000": KevFacts(added="2024-01-02"),
        "CVE-2024-2": KevFacts(added="2024-03-04", ransomware=True),
    }


def test_exploits_are_found_by_the_cves_of_their_codes(world: World, sync: Sync, store: Path) -> None:
    world.exploits = [exploit(200, "OSVDB-1;CVE-2024-1000;CVE-2024-1001"), exploit(30, "cve-2024-1000"), exploit(4, "")]
    assert sync("exploitdb").outcome is Outcome.UPDATED
    assert asked(StoreExploits, store, ["CVE-2024-1000", "CVE-2024-1001", "CVE-2024-7"]) == {
        "CVE-2024-1000": ("30", "200"),
        "CVE-2024-1001": ("200",),
    }


@pytest.mark.parametrize("name", ["kev", "exploitdb", "nvd/2024"])
def test_a_file_that_did_not_change_is_not_downloaded_again(name: str, world: World, sync: Sync) -> None:
    world.kev, world.exploits, world.nvd[2024] = kev(2), [exploit(1, "CVE-2024-1")], [nvd_entry("CVE-2024-1")]
    sync(name)
    assert (sync(name).outcome, sum(world.unchanged.values())) == (Outcome.UNCHANGED, 1)


@pytest.mark.parametrize("name", ["kev", "exploitdb", "nvd/2024"])
def test_a_file_that_shrinks_is_refused_unless_allowed(name: str, world: World, sync: Sync) -> None:
    def fill(count: int) -> None:
        world.kev = kev(count)
        world.exploits = [exploit(n, f"CVE-2024-{1000 + n}") for n in range(count)]
        world.nvd[2024] = [nvd_entry(f"CVE-2024-{1000 + n}") for n in range(count)]

    fill(100)
    sync(name)
    fill(79)
    report = sync(name)
    assert (report.records, "79 records where 100 are held" in report.problem) == (100, True)
    assert sync(name, allow_shrink=True).records == 79


LOGIN = b"<html><body>Please sign in to the network</body></html>"
JSON_LOGIN = b'{"error": "sign in", "login_url": "https://example.org"}'


@pytest.mark.parametrize(
    ("name", "path", "body"),
    [
        ("kev", KEV, LOGIN),
        ("kev", KEV, JSON_LOGIN),
        ("kev", KEV, b'{"count": 3, "vulnerabilities": [{"cveID": "CVE-2024-1"}]}'),
        ("kev", KEV, b'{"vulnerabilities": [{"cveID": "CVE-2024-1"'),
        ("exploitdb", CSV, LOGIN),
        ("exploitdb", CSV, b""),
        ("exploitdb", CSV, b"id,file,codes\n1,a,CVE-2024-1\n2,b"),
        ("exploitdb", CSV, b'id,file,codes\n1,a,CVE-2024-1\n2,"b'),
        ("nvd/2024", FEED, LOGIN),
        ("nvd/2024", FEED, gzip.compress(JSON_LOGIN, mtime=0)),
        (
            "nvd/2024",
            FEED,
            gzip.compress(json.dumps({"vulnerabilities": [nvd_entry("CVE-2024-1")]}).encode(), mtime=0)[:-9],
        ),
        ("nvd/2024", FEED, gzip.compress(b'{"vulnerabilities": [{"cve": {"id": "CVE-2024-1"}}', mtime=0)),
        (
            "nvd/2024",
            FEED,
            gzip.compress(b'{"vulnerabilities": [{"cve": {"id": "CVE-2024-1"}}, {"cve": {"id"', mtime=0),
        ),
    ],
)
def test_a_broken_file_is_named_and_changes_nothing(
    name: str, path: str, body: bytes, world: World, sync: Sync, store: Path
) -> None:
    world.kev, world.exploits, world.nvd[2024] = kev(1), [exploit(1, "CVE-2024-1000")], [nvd_entry("CVE-2024-1000")]
    sync(name)
    world.instead[path] = body
    report = sync(name)
    assert (report.outcome, report.records) == (Outcome.FAILED, 1)
    assert name.partition("/")[0] in report.problem
    source = {"kev": StoreKev, "exploitdb": StoreExploits, "nvd/2024": StoreNvd}[name]
    assert asked(source, store, ["CVE-2024-1000"]).keys() == {"CVE-2024-1000"}


@pytest.mark.parametrize("source", [StoreKev, StoreEpss, StoreExploits, StoreNvd])
def test_what_was_never_synced_is_not_consulted(source: Any, world: World, sync: Sync, store: Path) -> None:
    world.osv = records(1)
    sync("osv/PyPI")
    with pytest.raises(NotConsulted, match="not synced"):
        asked(source, store, ["CVE-2024-1000"])


def test_nvd_tells_the_newest_score_and_the_status(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(2) | {"GHSA-1": {**records(1)["GHSA-1000"], "id": "GHSA-1", "aliases": ["CVE-1999-0001"]}}
    v31, v40 = metric(7.5), metric(8.7, vector="CVSS:4.0/AV:N")
    world.nvd = {
        2002: [nvd_entry("CVE-1999-0001", vulnStatus="Deferred")],
        2024: [
            nvd_entry("CVE-2024-1000", metrics={"cvssMetricV31": [metric(5.0, "Secondary"), v31]}),
            nvd_entry("CVE-2024-1001", metrics={"cvssMetricV31": [v31], "cvssMetricV40": [v40]}),
        ],
    }
    sync("osv/PyPI")
    with StoreFile(store) as file:
        years = advisory_years(file)
    assert years == ("nvd/2002", "nvd/2024")
    assert [sync(year).problem for year in years] == ["", ""]
    time = "2024-06-01T00:00:00.000"
    assert asked(StoreNvd, store, ["CVE-1999-0001", "CVE-2024-1000", "CVE-2024-1001", "CVE-2024-9"]) == {
        "CVE-1999-0001": NvdFacts(status="Deferred", modified=time),
        "CVE-2024-1000": NvdFacts(status="Analyzed", cvss=7.5, vector="CVSS:3.1/AV:N", modified=time),
        "CVE-2024-1001": NvdFacts(status="Analyzed", cvss=8.7, vector="CVSS:4.0/AV:N", modified=time),
    }


def test_nvd_tells_what_it_has_where_a_year_is_missing(world: World, sync: Sync, store: Path) -> None:
    world.nvd[2024] = [nvd_entry("CVE-2024-1000")]
    sync("nvd/2024")
    with pytest.raises(NotConsulted, match="of 2023 were not synced") as raised:
        asked(StoreNvd, store, ["CVE-2024-1000", "CVE-2023-1"])
    assert raised.value.found.keys() == {"CVE-2024-1000"}


def with_kept(kept: Mapping[str, NvdFacts | None]) -> Any:
    """NVD out of the store, beside kept answers."""
    return lambda file: NvdWithKept(StoreNvd(file), lambda cves: {cve: kept[cve] for cve in cves if cve in kept})


def test_what_earlier_scans_asked_nvd_for_serves_beside_the_store(world: World, sync: Sync, store: Path) -> None:
    world.nvd[2024] = [nvd_entry("CVE-2024-1"), nvd_entry("CVE-2024-2")]
    sync("nvd/2024")
    older, newer = NvdFacts(cvss=1.0, modified="2023-01-01"), NvdFacts(cvss=2.0, modified="2025-01-01")
    kept = {"CVE-2024-1": older, "CVE-2024-2": newer, "CVE-2020-1": newer, "CVE-2020-2": None}
    found = asked(with_kept(kept), store, list(kept))
    assert {cve: facts.cvss for cve, facts in found.items()} == {
        "CVE-2024-1": None,
        "CVE-2024-2": 2.0,
        "CVE-2020-1": 2.0,
    }
    with pytest.raises(NotConsulted, match="were not synced") as partly:
        asked(with_kept(kept), store, ["CVE-2020-1", "CVE-2020-2", "CVE-2021-1"])
    assert partly.value.found == {"CVE-2020-1": newer, "CVE-2020-2": None}


def test_epss_is_asked_for_the_cves_of_the_advisories(world: World, sync: Sync, store: Path) -> None:
    world.osv = records(250)
    world.epss = {"CVE-2024-1000": "0.5", "CVE-2024-1249": "0.25"}
    sync("osv/PyPI")
    report = sync("epss")
    assert (report.records, report.note, world.asked["/epss/data/v1/epss"]) == (2, "2024-06-01", 3)
    assert asked(StoreEpss, store, ["CVE-2024-1000", "CVE-2024-1001", "CVE-2024-1249"]) == {
        "CVE-2024-1000": 0.5,
        "CVE-2024-1249": 0.25,
    }
    with pytest.raises(NotConsulted, match="not synced for 1 CVEs") as raised:
        asked(StoreEpss, store, ["CVE-2024-1000", "CVE-2030-1"])
    assert raised.value.found == {"CVE-2024-1000": 0.5}


def test_epss_of_the_same_day_is_asked_for_new_cves_only(world: World, sync: Sync, store: Path) -> None:
    world.osv, world.epss = records(250), {"CVE-2024-1000": "0.5", "CVE-2024-1299": "0.1"}
    sync("osv/PyPI")
    sync("epss")
    world.asked.clear()
    assert (sync("epss").outcome, world.asked["/epss/data/v1/epss"]) == (Outcome.UNCHANGED, 1)
    world.osv = records(300)
    sync("osv/PyPI")
    world.asked.clear()
    assert (sync("epss").records, world.asked["/epss/data/v1/epss"]) == (2, 2)
    world.epss_date, world.epss["CVE-2024-1000"] = "2024-06-02", "0.75"
    sync("epss")
    assert asked(StoreEpss, store, ["CVE-2024-1000", "CVE-2024-1299"]) == {"CVE-2024-1000": 0.75, "CVE-2024-1299": 0.1}


@pytest.mark.parametrize("body", [LOGIN, JSON_LOGIN, b'{"data": [{"cve": "CVE-2024-1000", "epss": "much"}]}'])
def test_epss_answers_that_are_none_change_nothing(body: bytes, world: World, sync: Sync, store: Path) -> None:
    world.osv, world.epss = records(5), {"CVE-2024-1000": "0.5"}
    sync("osv/PyPI")
    sync("epss")
    world.instead["/epss/data/v1/epss"] = body
    assert "epss" in sync("epss").problem
    assert asked(StoreEpss, store, ["CVE-2024-1000"]) == {"CVE-2024-1000": 0.5}


SCORES = "#model_version:v2024,score_date:2024-06-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1,0.5,0.9\n"


@pytest.mark.parametrize("packed", [False, True])
def test_epss_comes_from_a_file_too(packed: bool, sync: Sync, store: Path, tmp_path: Path) -> None:
    file = tmp_path / "epss.csv"
    file.write_bytes(gzip.compress(SCORES.encode()) if packed else SCORES.encode())
    assert sync("epss", epss_file=file).records == 1
    assert asked(StoreEpss, store, ["CVE-2024-1", "CVE-2024-2"]) == {"CVE-2024-1": 0.5}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (SCORES.replace("cve,epss,percentile\n", "").encode(), "header"),
        (LOGIN, "header"),
        (b"", "header"),
        (SCORES.encode() + b"CVE-2024-2,0.", "cut short"),
        (SCORES.encode() + b"CVE-2024-2,1.5,0.9\n", "no probability"),
        (gzip.compress(SCORES.encode(), mtime=0)[:-9], "cut short"),
    ],
)
def test_an_epss_file_that_is_none_is_refused(body: bytes, word: str, sync: Sync, store: Path, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text(SCORES)
    bad.write_bytes(body)
    sync("epss", epss_file=good)
    report = sync("epss", epss_file=bad)
    assert word in report.problem
    assert asked(StoreEpss, store, ["CVE-2024-1"]) == {"CVE-2024-1": 0.5}
