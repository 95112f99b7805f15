"""Which files are kept of a tree, and in which order repositories come."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.ioc.prepare import prepare
from flows.ioc.request import IocRequest
from tasks.github.model import Repository
from tasks.ioc.engine import IocEngine
from tasks.ioc.model import Finding
from tasks.ioc.plan import FILTER, teams_first
from tasks.lockfiles.registry import siblings_of
from tasks.reports.findings import IocMetrics, IocResult
from tests.github.fake import FakeGitHub


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("a/go.mod", b"module m\ngo 1.16\n"),
        ("a/go.mod", b"module m\n"),
        ("a/requirements.txt", b"-r base.in\n-c constraints.txt\n"),
        ("requirements.txt", b"-r deps.req\n-r base\n-c constraints.ci\n-r requirements.v2\n"),
        ("a/pom.xml", b"<project><parent><groupId>g</groupId><artifactId>a</artifactId></parent></project>"),
        ("a/yarn.lock", b"__metadata:\n  version: 8\n"),
    ],
)
def test_what_a_lockfile_wants_beside_it_is_kept_of_the_tree(path: str, content: bytes) -> None:
    wanted = siblings_of(path, content)
    assert all(FILTER.accepts(one) for one in wanted)
    assert wanted or path.endswith("yarn.lock")


def test_the_repositories_of_teams_come_first_and_none_twice() -> None:
    every = [Repository("acme", name, "main", None) for name in ("a", "b", "c", "d")]
    ordered, teams = teams_first(every, {"core": ("acme/c", "acme/archived"), "web": ("acme/b", "acme/c")})
    assert [one.name for one in ordered] == ["c", "b", "a", "d"]
    assert teams == {"core": ("acme/c",), "web": ("acme/b", "acme/c")}


@pytest.mark.parametrize("team", [None, "web"])
def test_teams_are_asked_for_by_name_or_all(
    team: str | None, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    github = FakeGitHub(httpserver)
    of_teams = {"core": ["one"], "web": ["two", "three"]}

    def answer(_: str, request: Request) -> Response | None:
        parts = request.path.strip("/").split("/")
        if parts[:3] != ["orgs", "acme", "teams"]:
            return None
        items = [{"slug": slug} for slug in of_teams] if len(parts) == 3 else None
        items = items or [{"full_name": f"acme/{name}"} for name in of_teams[parts[3]]]
        return Response(json.dumps(items), content_type="application/json")

    github.before = answer
    monkeypatch.setenv("VETBOOK_SOURCES__GITHUB__BASE_URL", github.base_url)
    (tmp_path / "list.json").write_text("[]")
    request = IocRequest(org="acme", indicators=(tmp_path / "list.json",), data_dir=tmp_path, team_first_org=True)
    engine = IocEngine(prepare(request).terms)
    try:
        found = engine.teams("acme", team)
    finally:
        engine.close()
    expected = {slug: tuple(f"acme/{name}" for name in names) for slug, names in of_teams.items()}
    assert found == (expected if team is None else {team: expected[team]})


def test_findings_are_summed_up_team_by_team_then_the_rest() -> None:
    now = datetime(2026, 1, 1)  # noqa: DTZ001  naive UTC by contract
    findings = tuple(Finding(f"acme/{name}", "f", "npm", "evil", "1", "i", "s") for name in ("a", "b", "b", "d"))
    teams = {"core": ("acme/b", "acme/c"), "web": ("acme/a",)}
    result = IocResult("s", "t", now, now, findings, (), (), (), IocMetrics(), 1, teams=teams)
    assert [line for line in result.summary_lines() if "team" in line] == [
        "team core: 2 findings in 1 of 2 repositories",
        "team web: 1 finding in 1 of 1 repository",
    ]
