"""GitHub and Snyk over real sockets: what they read, how few questions they ask, how they fail."""

import asyncio
import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.advisories.model import Severity
from tasks.errors import SourceAnswerInvalid, SourceError, SourceRefused
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.github_advisories import GithubAdvisories, GithubRecord, records_of
from tasks.sources.kept import KeptDocuments
from tasks.sources.snyk import SnykApi
from tests.sources.services import DAY, ask, asked

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
        None,
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
        ("< 1.4-beta.x", "1.0", None),
        ("< 1.4-beta.x, > 2.0", "1.0", False),
        ("< 1.4", "?", None),
    ],
)
def test_githubs_way_of_writing_ranges(text: str, version: str, affected: bool | None) -> None:
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
