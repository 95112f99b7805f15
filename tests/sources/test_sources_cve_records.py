"""NVD and the CVE list over real sockets: what they read, how few questions they ask, how they fail."""

import asyncio
import json
import re
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName, MitreState, NotConsulted, NvdFacts
from tasks.sources.mitre import MitreApi
from tasks.sources.nvd import NvdApi, NvdTerms, nvd_facts
from tests.sources.services import ask, asked, cves

# ---- NVD


def nvd_record(cve: str, status: str = "Analyzed", metrics: Any = None) -> dict[str, Any]:
    return {"vulnerabilities": [{"cve": {"id": cve, "vulnStatus": status, "lastModified": "m", "metrics": metrics}}]}


def metric(score: float, kind: str = "Primary") -> dict[str, Any]:
    return {"type": kind, "cvssData": {"baseScore": score, "vectorString": f"CVSS:3.1/{score}"}}


def nvd_answer(request: Request) -> Response:
    record = nvd_record(request.args["cveId"], metrics={"cvssMetricV31": [metric(7.5)]})
    return Response(json.dumps(record), content_type="application/json")


def test_nvd_is_asked_about_each_cve_once_for_ever(httpserver: HTTPServer, results: CveResults) -> None:
    httpserver.expect_request("/nvd/rest/json/cves/2.0").respond_with_handler(nvd_answer)
    for _ in range(2):
        found = ask(httpserver, lambda client: NvdApi(client, results, NvdTerms()).look_up(cves(5)))
        assert [facts.cvss for facts in found.values()] == [7.5] * 5
    assert asked(httpserver) == 5


def test_more_cves_than_nvds_window_allows_are_not_asked_about_at_all(
    httpserver: HTTPServer, results: CveResults
) -> None:
    httpserver.expect_request("/nvd/rest/json/cves/2.0").respond_with_handler(nvd_answer)
    ask(httpserver, lambda client: NvdApi(client, results, NvdTerms()).look_up(cves(2)), results)
    with pytest.raises(NotConsulted, match="NVD_API_KEY") as partly:
        ask(httpserver, lambda client: NvdApi(client, results, NvdTerms()).look_up(cves(8)))
    assert set(partly.value.found) == set(cves(2))
    # The window counts over runs: after two requests, four more would be six in 30 s.
    with pytest.raises(NotConsulted):
        ask(httpserver, lambda client: NvdApi(client, results, NvdTerms()).look_up(cves(6)))
    assert asked(httpserver) == 2


class _Nvd(httpx.AsyncBaseTransport):
    """NVD that answers at once: the tests' own clock would go on while a socket is waited for."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200, json=nvd_record(request.url.params["cveId"]))


def test_with_a_key_a_scan_waits_for_a_second_window_and_no_longer(tmp_path: Path) -> None:
    now, nvd = 1_000_000.0, _Nvd()
    store = CveResults(tmp_path / "cves.sqlite", clock=lambda: now)

    async def sleep(seconds: float) -> None:
        nonlocal now
        until = now + seconds
        for _ in range(20):
            await asyncio.sleep(0)
        now = max(now, until)

    terms = NvdTerms.of(key=True, max_wait_s=30)
    windows = {ServiceName.NVD: store.window(CveSourceName.NVD, terms.in_window, 30.0)}

    async def run(count: int) -> Mapping[str, NvdFacts]:
        policy = {ServiceName.NVD: ServicePolicy("http://nvd.test", requests_in_window=50, max_wait_s=30)}
        async with HttpClient(policy, clock=lambda: now, sleep=sleep, transport=nvd, windows=windows) as client:
            return await NvdApi(client, store, terms, clock=lambda: now).look_up(cves(count))

    assert len(asyncio.run(run(60))) == 60
    assert 30.0 <= now - 1_000_000.0 < 40.0, "one window was waited for, and once"
    with pytest.raises(NotConsulted):
        asyncio.run(run(161))
    assert nvd.asked == 60
    store.close()


def test_an_unfinished_record_is_asked_for_again_after_a_week(httpserver: HTTPServer, tmp_path: Path) -> None:
    waiting = nvd_record("CVE-2020-1000", "Awaiting Analysis")
    httpserver.expect_request("/nvd/rest/json/cves/2.0").respond_with_json(waiting)
    now = [1_000_000.0]
    store = CveResults(tmp_path / "cves.sqlite", clock=lambda: now[0])

    def look_up(client: HttpClient) -> Awaitable[Any]:
        return NvdApi(client, store, NvdTerms(), clock=lambda: now[0]).look_up(cves(1))

    for days, requests in ((0, 1), (6, 1), (8, 2)):
        now[0] = 1_000_000.0 + days * 86_400
        assert ask(httpserver, look_up)["CVE-2020-1000"].status == "Awaiting Analysis"
        assert asked(httpserver) == requests
    store.close()


def test_nvd_and_the_cve_list_tell_offline_what_is_kept(httpserver: HTTPServer, results: CveResults) -> None:
    httpserver.expect_request("/nvd/rest/json/cves/2.0").respond_with_handler(nvd_answer)
    httpserver.expect_request(re.compile("/mitre/api/cve/.*")).respond_with_handler(mitre_answer)
    ask(httpserver, lambda client: NvdApi(client, results, NvdTerms()).look_up(cves(2)))
    ask(httpserver, lambda client: MitreApi(client, results, live=True).look_up(cves(2)))
    before = asked(httpserver)
    for look_up in (
        lambda client: NvdApi(client, results, NvdTerms(), offline=True).look_up(cves(3)),
        lambda client: MitreApi(client, results, live=True, offline=True).look_up(cves(3)),
    ):
        with pytest.raises(NotConsulted, match="1 records are not kept, and --offline") as partly:
            ask(httpserver, look_up)
        assert set(partly.value.found) == set(cves(2))
    assert asked(httpserver) == before


def test_nvd_having_nothing_is_no_record_and_no_answer_is_an_error() -> None:
    assert nvd_facts({"vulnerabilities": []}, "CVE-2020-1000") is None
    for answer in ({"message": "?"}, {"vulnerabilities": [None]}, {"vulnerabilities": [{"cve": "CVE-2020-1000"}]}):
        with pytest.raises(SourceAnswerInvalid):
            nvd_facts(answer, "CVE-2020-1000")


def test_nvds_own_score_of_the_newest_cvss_counts() -> None:
    both = {"cvssMetricV31": [metric(5.0, "Secondary"), metric(9.8)], "cvssMetricV2": [metric(4.0)]}
    assert nvd_facts(nvd_record("CVE-2020-1000", metrics=both), "CVE-2020-1000") == NvdFacts(
        status="Analyzed", cvss=9.8, vector="CVSS:3.1/9.8", modified="m"
    )
    assert nvd_facts(nvd_record("CVE-2020-1000", "Deferred"), "CVE-2020-1000") == NvdFacts(
        status="Deferred", modified="m"
    )


@pytest.mark.parametrize("score", [1e308, -1, True, "9.8", None])
def test_what_is_no_score_of_nvd_is_none(score: object) -> None:
    metrics = {"cvssMetricV31": [{"type": "Primary", "cvssData": {"baseScore": score}}]}
    facts = nvd_facts(nvd_record("CVE-2020-1000", metrics=metrics), "CVE-2020-1000")
    assert facts is not None
    assert facts.cvss is None


# ---- MITRE


def mitre_answer(request: Request) -> Response:
    cve = request.path.rsplit("/", 1)[-1]
    if cve.endswith("3"):
        return Response('{"error": "CVE_RECORD_DNE"}', 404, content_type="application/json")
    state = "REJECTED" if cve.endswith("1") else "PUBLISHED"
    record = {
        "cveMetadata": {"cveId": cve, "state": state},
        "containers": {"cna": {"tags": ["disputed"] if cve.endswith("2") else []}},
    }
    return Response(json.dumps(record), content_type="application/json")


def test_the_cve_list_is_asked_only_where_the_settings_want_it(httpserver: HTTPServer, results: CveResults) -> None:
    httpserver.expect_request("/mitre/api/cve/" + "CVE-2020-1000").respond_with_handler(mitre_answer)
    for cve in cves(4)[1:]:
        httpserver.expect_request(f"/mitre/api/cve/{cve}").respond_with_handler(mitre_answer)
    with pytest.raises(NotConsulted, match="live"):
        ask(httpserver, lambda client: MitreApi(client, results).look_up(cves(4)))
    assert asked(httpserver) == 0
    found = ask(httpserver, lambda client: MitreApi(client, results, live=True).look_up(cves(4)))
    states = [facts.state for facts in found.values()]
    assert states == [MitreState.PUBLISHED, MitreState.REJECTED, MitreState.DISPUTED]
    assert ask(httpserver, lambda client: MitreApi(client, results).look_up(cves(4))) == found
    assert asked(httpserver) == 4
    assert results.get(CveSourceName.MITRE, ["CVE-2020-1003"])["CVE-2020-1003"][1] is None
