"""The sources asked by CVE id, over real sockets: what they read, how few questions they ask, how they fail."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.advisories.model import Severity
from tasks.errors import SourceAnswerInvalid, SourceError, SourceRefused
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.sources.answer_store import AnswerStore, KeptAnswer
from tasks.sources.cve_results import CveResults
from tasks.sources.enrichment import CveSourceName, MitreState, NotConsulted, NvdFacts
from tasks.sources.epss import EpssApi
from tasks.sources.exploitdb import ExploitDatabase
from tasks.sources.github_advisories import GithubAdvisories, GithubRecord, records_of
from tasks.sources.kept import FreshFor, KeptDocuments, KeptOnly
from tasks.sources.kept_values import KeptValues
from tasks.sources.kev import KevCatalogue
from tasks.sources.mitre import MitreApi
from tasks.sources.nvd import NvdApi, NvdTerms, nvd_facts
from tasks.sources.snyk import SnykApi

HEADER = "id,file,codes\n"
DAY = FreshFor(24.0)


def cves(count: int) -> list[str]:
    return [f"CVE-2020-{1000 + number}" for number in range(count)]


async def no_sleep(_seconds: float) -> None:
    await asyncio.sleep(0)


def ask(
    server: HTTPServer, question: Callable[[HttpClient], Awaitable[Any]], counted_in: CveResults | None = None
) -> Any:
    async def run() -> Any:
        policies = {name: ServicePolicy(server.url_for(f"/{name}"), attempts=2) for name in ServiceName}
        windows = {}
        if counted_in is not None:
            policies[ServiceName.NVD] = replace(policies[ServiceName.NVD], requests_in_window=5)
            windows = {ServiceName.NVD: counted_in.window(CveSourceName.NVD, 5, 30.0)}
        async with HttpClient(policies, sleep=no_sleep, windows=windows) as client:
            return await question(client)

    return asyncio.run(run())


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[AnswerStore]:
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        yield store


@pytest.fixture
def results(tmp_path: Path) -> Iterator[CveResults]:
    store = CveResults(tmp_path / "cves.sqlite")
    yield store
    store.close()


def asked(server: HTTPServer) -> int:
    return len(server.log)


# ---- KEV


def kev(client: HttpClient, store: AnswerStore | None = None) -> KevCatalogue:
    return KevCatalogue(KeptDocuments(client, ServiceName.KEV, store, DAY))


def test_kev_is_asked_once_a_day_for_all(httpserver: HTTPServer, answers: AnswerStore) -> None:
    row = {"cveID": "CVE-2020-1000", "dateAdded": "2024-01-02", "knownRansomwareCampaignUse": "Known"}
    httpserver.expect_request("/kev/known_exploited_vulnerabilities.json").respond_with_json({"vulnerabilities": [row]})
    for _ in range(2):
        found = ask(httpserver, lambda client: kev(client, answers).look_up(cves(3)))
        assert list(found) == ["CVE-2020-1000"]
        assert (found["CVE-2020-1000"].added, found["CVE-2020-1000"].ransomware) == ("2024-01-02", True)
    assert asked(httpserver) == 1


HALF_A_CATALOGUE = '{"count": 2, "vulnerabilities": [{"cveID": "CVE-2020-1000"}]}'


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        '{"vulnerabilities": []}',
        '{"vulnerabilities": true}',
        "<html>sign in</html>",
        '{"vulnerabilities": [',
        HALF_A_CATALOGUE,
    ],
)
def test_a_login_page_or_an_empty_catalogue_is_no_all_clear(
    httpserver: HTTPServer, answers: AnswerStore, body: str
) -> None:
    httpserver.expect_request("/kev/known_exploited_vulnerabilities.json").respond_with_data(body)
    with pytest.raises(SourceError):
        ask(httpserver, lambda client: kev(client, answers).look_up(cves(1)))
    assert answers.get(ServiceName.KEV, "/known_exploited_vulnerabilities.json") is None


def test_an_entry_of_kev_with_an_odd_date_counts_all_the_same(httpserver: HTTPServer, answers: AnswerStore) -> None:
    row = {"cveID": "CVE-2020-1000", "dateAdded": 20240102, "knownRansomwareCampaignUse": None}
    catalogue = {"count": 1, "vulnerabilities": [row]}
    httpserver.expect_request("/kev/known_exploited_vulnerabilities.json").respond_with_json(catalogue)
    found = ask(httpserver, lambda client: kev(client, answers).look_up(cves(3)))
    assert [(cve, facts.added) for cve, facts in found.items()] == [("CVE-2020-1000", None)]


# ---- EPSS


def epss(client: HttpClient, store: AnswerStore | None, terms: FreshFor = DAY, *, offline: bool = False) -> EpssApi:
    return EpssApi(client, KeptValues(client, ServiceName.EPSS, store, terms, offline=offline))


def scores(request: Request) -> Response:
    wanted = request.args["cve"].split(",")
    assert len(wanted) <= 100
    assert len(request.args["cve"]) <= 2000
    rows = [{"cve": cve, "epss": "0.25", "percentile": "0.5"} for cve in wanted if not cve.endswith("7")]
    return Response(json.dumps({"status": "OK", "data": rows}), content_type="application/json")


def test_epss_takes_a_hundred_cves_a_request_and_keeps_also_what_has_no_score(
    httpserver: HTTPServer, answers: AnswerStore
) -> None:
    httpserver.expect_request("/epss/data/v1/epss").respond_with_handler(scores)
    for _ in range(2):
        found = ask(httpserver, lambda client: epss(client, answers).look_up(cves(250)))
        assert (len(found), set(found.values())) == (225, {0.25})
    assert asked(httpserver) == 3


def test_epss_offline_uses_what_is_kept_and_says_what_is_not(httpserver: HTTPServer, answers: AnswerStore) -> None:
    httpserver.expect_request("/epss/data/v1/epss").respond_with_handler(scores)
    ask(httpserver, lambda client: epss(client, answers).look_up(cves(2)))

    def offline(client: HttpClient, count: int) -> Awaitable[Any]:
        return epss(client, answers, FreshFor(), offline=True).look_up(cves(count))

    assert len(ask(httpserver, lambda client: offline(client, 2))) == 2
    with pytest.raises(NotConsulted, match="1 scores") as partly:
        ask(httpserver, lambda client: offline(client, 3))
    assert set(partly.value.found) == set(cves(2)), "what is kept is told all the same"
    assert asked(httpserver) == 1


def test_kept_answers_say_how_old_the_oldest_is(httpserver: HTTPServer, answers: AnswerStore) -> None:
    monday, tuesday = (datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3))
    for day, values in ((monday, {cves(2)[0]: 0.5}), (tuesday, {cves(2)[1]: None})):
        kept = {cve: KeptAnswer(score, "http://x", day.timestamp()) for cve, score in values.items()}
        answers.put_many(ServiceName.EPSS, kept)
    catalogue = KeptAnswer({}, "http://x", monday.timestamp())
    answers.put_many(ServiceName.KEV, {"/known_exploited_vulnerabilities.json": catalogue})

    async def ages(client: HttpClient) -> list[datetime | None]:
        ever = FreshFor(kept_days=10_000)
        scores, listed = epss(client, answers, ever, offline=True), KeptOnly(ServiceName.KEV, answers, ever)
        asked_of = (cves(2), cves(2)[1:], ["CVE-2021-1"])
        return [*(scores.asked_at(some) for some in asked_of), KevCatalogue(listed).asked_at(cves(1))]

    naive = [day.replace(tzinfo=None) for day in (monday, tuesday)]
    assert ask(httpserver, ages) == [*naive, None, naive[0]]


@pytest.mark.parametrize("answer", [{"data": [{"cve": "CVE-2020-1000"}]}, {"total": 1, "data": []}])
def test_an_epss_answer_without_all_its_scores_is_an_error(httpserver: HTTPServer, answer: dict[str, Any]) -> None:
    httpserver.expect_request("/epss/data/v1/epss").respond_with_json(answer)
    with pytest.raises(SourceAnswerInvalid):
        ask(httpserver, lambda client: epss(client, None).look_up(cves(1)))


# ---- Exploit-DB


def exploits(client: HttpClient, store: AnswerStore | None) -> ExploitDatabase:
    return ExploitDatabase(client, KeptValues(client, ServiceName.EXPLOITDB, store, DAY))


def test_exploits_are_found_by_whole_cve_ids_in_codes(httpserver: HTTPServer, answers: AnswerStore) -> None:
    body = f"{HEADER}20,a.py,OSVDB-1;CVE-2020-1000\n3,b.py,CVE-2020-1000;CVE-2020-10001\n4,CVE-2020-1002,\n"
    httpserver.expect_request("/exploitdb/files_exploits.csv").respond_with_data(body)
    for _ in range(2):
        found = ask(httpserver, lambda client: exploits(client, answers).look_up(cves(5)))
        assert found == {"CVE-2020-1000": ("3", "20")}
    assert asked(httpserver) == 1


@pytest.mark.parametrize(
    "body",
    [
        f"{HEADER}20,a.py,CVE-2020-1000\n3,b",
        f"{HEADER}20,a.py,CVE-2020-1000\n3,b.py,CVE-20",
        "<html>sign in</html>\n",
        "20,a.py,CVE-2020-1000\n",
        f"{HEADER}x,a.py,CVE-2020-1000\n",
        "",
    ],
)
def test_half_a_list_is_an_error_and_is_not_kept(httpserver: HTTPServer, answers: AnswerStore, body: str) -> None:
    httpserver.expect_request("/exploitdb/files_exploits.csv").respond_with_data(body)
    with pytest.raises(SourceAnswerInvalid):
        ask(httpserver, lambda client: exploits(client, answers).look_up(cves(1)))
    assert answers.get(ServiceName.EXPLOITDB, "/files_exploits.csv") is None


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


# ---- GitHub


def test_githubs_newest_advisories_are_one_request(httpserver: HTTPServer) -> None:
    ranges = [
        {
            "package": {"ecosystem": "pip", "name": "De.Mo"},
            "vulnerable_version_range": ">= 1.0, < 1.4",
            "first_patched_version": "1.4",
        }
    ]
    row = {"ghsa_id": "GHSA-1", "cve_id": "CVE-2020-1000", "severity": "high", "vulnerabilities": ranges}
    gone = {**row, "ghsa_id": "GHSA-2", "withdrawn_at": "2024-01-01T00:00:00Z"}
    httpserver.expect_request("/github/advisories").respond_with_json([row, gone])
    (record,) = ask(httpserver, lambda c: GithubAdvisories(KeptDocuments(c, ServiceName.GITHUB, None, DAY)).recent())
    assert (record.id, record.project, record.severity, record.fixed_in) == ("GHSA-1", "de-mo", Severity.HIGH, "1.4")
    assert [record.affects(version) for version in ("0.9", "1.0", "1.3.9", "1.4", "?")] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert asked(httpserver) == 1


@pytest.mark.parametrize(
    ("text", "version", "affected"),
    [
        ("= 1.2", "1.2", True),
        ("= 1.2", "1.3", False),
        ("", "1", True),
        (">= 1.0, < 1.4", "1.4rc1", True),
        ("> 1.0", "1.0.post1", True),
        ("<= 1.4", "1.4.0", True),
        ("< 1.4-beta.x", "1.0", False),
    ],
)
def test_githubs_way_of_writing_ranges(text: str, version: str, affected: bool) -> None:
    assert GithubRecord(id="GHSA-1", project="a", vulnerable_range=text).affects(version) is affected


@pytest.mark.parametrize("row", [None, "GHSA-1", {"ghsa_id": 1}])
def test_an_odd_advisory_of_github_is_not_left_out_unsaid(row: object) -> None:
    with pytest.raises(SourceAnswerInvalid, match="ghsa_id"):
        records_of([{"ghsa_id": "GHSA-2", "vulnerabilities": None}, row])


def test_a_github_that_knows_no_advisories_has_not_answered(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/github/advisories").respond_with_json({"message": "Not Found"}, 404)
    with pytest.raises(SourceAnswerInvalid, match=r"sources\.github\.base_url"):
        ask(httpserver, lambda c: GithubAdvisories(KeptDocuments(c, ServiceName.GITHUB, None, DAY)).recent())


# ---- Snyk


@pytest.mark.parametrize("row", [None, [], {"id": 7}])
def test_an_odd_issue_of_snyk_is_no_all_clear(httpserver: HTTPServer, row: object) -> None:
    where = "/snyk/rest/orgs/o/packages/pkg:pypi/demo@1.0/issues"
    httpserver.expect_request(where).respond_with_json({"data": [row]})
    with pytest.raises(SourceAnswerInvalid, match="no id"):
        ask(httpserver, lambda client: SnykApi(client, "o").issues("demo", "1.0"))


def test_an_organisation_that_snyk_does_not_know_is_no_all_clear(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/snyk/rest/orgs/o/packages/pkg:pypi/demo@1.0/issues").respond_with_json({}, 404)
    with pytest.raises(SourceError, match="404"):
        ask(httpserver, lambda client: SnykApi(client, "o").issues("demo", "1.0"))


def test_snyk_is_asked_by_purl_and_pages_are_followed(httpserver: HTTPServer) -> None:
    def page(request: Request) -> Response:
        assert request.path.endswith("/packages/pkg:pypi/demo@1.0/issues")
        first = "offset" not in request.args
        problems = [{"id": "CVE-2020-1000", "source": "CVE"}, {"id": "CWE-79", "source": "CWE"}]
        attributes = {"effective_severity_level": "medium", "problems": problems}
        row = {"id": f"SNYK-{1 if first else 2}", "attributes": attributes}
        return Response(
            json.dumps({"data": [row], "links": {"next": "x"} if first else {}}), content_type="application/json"
        )

    httpserver.expect_request("/snyk/rest/orgs/o/packages/pkg:pypi/demo@1.0/issues").respond_with_handler(page)
    found = ask(httpserver, lambda client: SnykApi(client, "o").issues("demo", "1.0"))
    assert [(issue.id, issue.severity, issue.cves) for issue in found] == [
        ("SNYK-1", Severity.MEDIUM, ("CVE-2020-1000",)),
        ("SNYK-2", Severity.MEDIUM, ("CVE-2020-1000",)),
    ]


def test_a_wrong_token_is_asked_with_once(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/snyk/rest/orgs/o/packages/pkg:pypi/demo@1.0/issues").respond_with_json({}, 401)

    async def many(client: HttpClient) -> list[Any]:
        api = SnykApi(client, "o")
        with pytest.raises(SourceRefused, match="SNYK_TOKEN"):
            await api.issues("demo", "1.0")
        return await asyncio.gather(*(api.issues("demo", "1.0") for _ in range(20)), return_exceptions=True)

    assert {type(error) for error in ask(httpserver, many)} == {SourceRefused}
    assert asked(httpserver) == 1
