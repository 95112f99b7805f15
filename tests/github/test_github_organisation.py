"""An organisation over real sockets: what is found, in how many requests, and what goes wrong how."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SourceAnswerInvalid, SourceError, SourceUnavailable
from tasks.github.access import GitHubAccess, open_organisation
from tasks.github.blobs import BlobLimits
from tasks.github.errors import AuthenticationFailed, RepositoryInaccessible
from tasks.github.model import EVERY_PATH, BlobRef, FileContent, PathFilter, Repository
from tasks.github.organisation import GitHubOrganisation
from tests.github.fake import FakeGitHub, js, missing, sha


@pytest.fixture
def github(httpserver: HTTPServer) -> FakeGitHub:
    return FakeGitHub(httpserver)


async def no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def ask(
    github: FakeGitHub,
    question: Callable[[GitHubOrganisation], Awaitable[Any]],
    folder: Path | None = None,
    wanted: PathFilter = EVERY_PATH,
    **access: Any,
) -> Any:
    async def run() -> Any:
        terms = GitHubAccess(token=SecretStr("t0ken-secret"), base_url=github.base_url, attempts=2, **access)
        async with open_organisation(terms, folder=folder, wanted=wanted, sleep=no_sleep) as organisation:
            return await question(organisation)

    return asyncio.run(run())


async def listing(organisation: GitHubOrganisation) -> tuple[Repository, ...]:
    return await organisation.repositories("acme")


async def paths(organisation: GitHubOrganisation) -> dict[str, list[str]]:
    repositories = await organisation.repositories("acme")
    return {one.name: [entry.path for entry in await organisation.tree(one)] for one in repositories}


async def contents(organisation: GitHubOrganisation) -> dict[str, bytes | SourceError]:
    """Every file of the organisation by OWNER/NAME/PATH."""
    refs = await every_ref(organisation)
    found = await organisation.blobs(refs)
    return {f"{ref.repository.name}/{ref.path}": found[ref.sha] for ref in refs}


async def every_ref(organisation: GitHubOrganisation) -> list[BlobRef]:
    return [
        BlobRef(one, entry.path, entry.sha, entry.size or 0)
        for one in await organisation.repositories("acme")
        for entry in await organisation.tree(one)
    ]


def files_of(github: FakeGitHub) -> dict[str, bytes]:
    return {
        f"{name}/{path}": content for name, one in github.repositories.items() for path, content in one.files.items()
    }


# Listing


def test_the_listing_pages_and_leaves_archived_repositories_out(github: FakeGitHub) -> None:
    github.page = 2
    for name in "abcde":
        github.add(name)
    github.repositories["b"].archived = True
    found = ask(github, listing)
    assert [one.name for one in found] == ["a", "c", "d", "e"]
    first = found[0]
    assert (first.owner, first.default_branch, first.commit) == ("acme", "main", github.repositories["a"].commit)
    assert (first.pushed_at, first.size_kb) == (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 7)
    assert github.calls == {"rate_limit": 1, "graphql": 3}
    assert len(ask(github, lambda gh: gh.repositories("acme", include_archived=True))) == 5


def test_named_repositories_cost_one_request_each_and_may_be_archived(github: FakeGitHub) -> None:
    for name in "abc":
        github.add(name, f="x").archived = True
    found = ask(github, lambda gh: gh.repositories("acme", only=["c", "acme/a", "c"]))
    assert [(one.name, one.commit) for one in found] == [(n, github.repositories[n].commit) for n in "ca"]
    assert github.calls == {"rate_limit": 1, "repo": 2, "graphql": 1}
    with pytest.raises(RepositoryInaccessible, match="The repository acme/nope is not there, or the token"):
        ask(github, lambda gh: gh.repositories("acme", only=["nope"]))


def test_a_team_s_repositories_come_with_their_commits(github: FakeGitHub) -> None:
    github.add("a", f="x")
    github.add("b", f="x").archived = True
    found = ask(github, lambda gh: gh.repositories("acme", team="the team"))
    assert [(one.name, one.commit) for one in found] == [("a", github.repositories["a"].commit)]
    assert [r.path for r in github.seen][1] == "/orgs/acme/teams/the team/repos"


def test_an_unknown_owner_is_named(github: FakeGitHub) -> None:
    none = {"data": {"organization": None, "repositoryOwner": None}, "errors": [{"type": "NOT_FOUND", "message": "no"}]}
    github.before = lambda kind, request: js(none) if kind == "graphql" else None
    with pytest.raises(RepositoryInaccessible, match="The organisation acme is not there"):
        ask(github, listing)


def test_a_listing_that_may_not_be_seen_is_no_empty_one(github: FakeGitHub) -> None:
    refused = {"data": {"organization": None}, "errors": [{"type": "FORBIDDEN", "message": "SAML enforcement"}]}
    github.before = lambda kind, request: js(refused) if kind == "graphql" else None
    with pytest.raises(SourceAnswerInvalid, match="SAML enforcement"):
        ask(github, listing)


def on_pages(github: FakeGitHub, change: Callable[[list[Any]], list[dict[str, Any]]]) -> None:
    """Let change alter the nodes of each page of the listing, and answer the errors beside them."""

    def before(kind: str, request: Request) -> Response | None:
        payload = request.get_json() if kind == "graphql" else {}
        if "organization(" not in payload.get("query", ""):
            return None
        answer = json.loads(github.graphql(payload).data)
        errors = change(answer["data"]["organization"]["repositories"]["nodes"])
        return js({**answer, "errors": errors})

    github.before = before


def test_a_repository_that_the_listing_does_not_name_is_one_that_cannot_be_read(github: FakeGitHub) -> None:
    for name in "ab":
        github.add(name, f="x")

    def hide(nodes: list[Any]) -> list[dict[str, Any]]:
        nodes[0] = None
        return [{"path": ["organization", "repositories", "nodes", 0], "type": "FORBIDDEN", "message": "SAML"}]

    on_pages(github, hide)
    hidden, named = ask(github, listing)
    assert (hidden.full_name, named.full_name) == ("acme/(unnamed 1)", "acme/b")
    with pytest.raises(RepositoryInaccessible, match=r"does not name \(SAML\)"):
        ask(github, lambda gh: gh.tree(hidden))


def test_a_branch_that_an_error_took_away_makes_no_empty_repository(github: FakeGitHub) -> None:
    github.add("a", **{"yarn.lock": "x"})
    github.add("b").commit = None

    def hide(nodes: list[Any]) -> list[dict[str, Any]]:
        nodes[0]["defaultBranchRef"] = None
        return [{"path": ["organization", "repositories", "nodes", 0, "defaultBranchRef"], "message": "wrong"}]

    on_pages(github, hide)
    found = ask(github, listing)
    assert [one.revision for one in found] == ["HEAD", None]
    assert [entry.path for entry in ask(github, lambda gh: gh.tree(found[0]))] == ["yarn.lock"]


def test_a_repository_on_two_pages_is_one(github: FakeGitHub) -> None:
    github.page = 1
    for name in "ab":
        github.add(name)

    def repeat(nodes: list[Any]) -> list[dict[str, Any]]:
        nodes.append({**nodes[0], "nameWithOwner": "acme/a"})
        return []

    on_pages(github, repeat)
    assert [one.name for one in ask(github, listing)] == ["a", "b"]


# Trees


def test_a_tree_holds_files_only(github: FakeGitHub) -> None:
    one = github.put("a", {"x/yarn.lock": b"1", "b": b""})
    one.extra = [
        {"path": "link", "mode": "120000", "type": "blob", "sha": "0" * 40, "size": 3},
        {"path": "module", "mode": "160000", "type": "commit", "sha": "0" * 40},
        {"path": "x", "mode": "040000", "type": "tree", "sha": "0" * 40},
    ]
    assert ask(github, paths) == {"a": ["b", "x/yarn.lock"]}


def test_a_repository_without_commits_is_empty(github: FakeGitHub) -> None:
    github.add("a").commit = None
    assert ask(github, paths) == {"a": []}
    branch = Repository("acme", "a", "main", None)
    assert ask(github, lambda gh: gh.tree(branch)) == ()


DEEP = {f"d{n % 3}/e{n % 2}/f{n}": b"%d" % n for n in range(40)} | {"z/yarn.lock": b"last"}


def test_a_truncated_tree_is_walked(github: FakeGitHub) -> None:
    github.put("a", DEEP).truncated = True
    assert ask(github, paths) == {"a": sorted(DEEP)}
    # The cut answer, then one query per level.
    assert (github.calls["tree"], github.calls["graphql"]) == (1, 1 + 3)


def test_a_huge_truncated_tree_is_asked_for_by_subtree(github: FakeGitHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.github.trees.LARGE", 5)
    github.put("a", DEEP).truncated = True
    assert ask(github, paths) == {"a": sorted(DEEP)}
    # The cut answer, the root's level, and its four directories.
    assert (github.calls["tree"], github.calls["graphql"]) == (6, 1)


def test_where_levels_cannot_be_asked_for_subtrees_are(github: FakeGitHub) -> None:
    github.put("a", DEEP).truncated = True
    partial = js({"data": {"r0": None}, "errors": [{"type": "FORBIDDEN", "message": "no"}]})
    github.before = lambda kind, request: (
        partial if kind == "graphql" and "Tree" in request.get_json()["query"] else None
    )
    assert ask(github, paths) == {"a": sorted(DEEP)}


def test_an_unchanged_tree_costs_nothing(github: FakeGitHub, tmp_path: Path) -> None:
    for name in "abc":
        github.put(name, {f"{name}/yarn.lock": b"1", "README.md": b"2"})
    locks = PathFilter("locks", lambda path: path.endswith(".lock"))
    first = ask(github, paths, tmp_path, locks)
    assert first == {name: [f"{name}/yarn.lock"] for name in "abc"}
    github.calls.clear()
    assert ask(github, paths, tmp_path, locks) == first
    assert github.calls == {"rate_limit": 1, "graphql": 1}
    github.put("b", {"new.lock": b"3"}).commit = "d" * 40
    assert ask(github, paths, tmp_path, locks) == first | {"b": ["new.lock"]}
    assert github.calls["tree"] == 1
    # Another filter is another question.
    assert ask(github, paths, tmp_path)["a"] == ["README.md", "a/yarn.lock"]


def test_a_branch_s_tree_is_asked_for_by_its_etag(github: FakeGitHub, tmp_path: Path) -> None:
    github.put("a", {"x": b"1"})
    branch = Repository("acme", "a", "main", None)
    first = ask(github, lambda gh: gh.tree(branch), tmp_path)
    assert ask(github, lambda gh: gh.tree(branch), tmp_path) == first
    assert "If-None-Match" in github.seen[-1].headers
    github.repositories["a"].files["x"] = b"2"
    (entry,) = ask(github, lambda gh: gh.tree(branch), tmp_path)
    assert entry.sha == sha(b"2")


@pytest.mark.parametrize(
    "answer", [js({"tree": "no"}), js([]), js({"tree": [{"path": "x"}]})], ids=["no list", "no object", "no type"]
)
def test_what_is_no_tree_is_never_an_empty_one(github: FakeGitHub, answer: Response) -> None:
    github.add("a")
    github.before = lambda kind, request: answer if kind == "tree" else None
    with pytest.raises(SourceAnswerInvalid):
        ask(github, paths)


@pytest.mark.parametrize("status", [403, 404, 451])
def test_a_repository_that_cannot_be_read_is_named_and_the_others_go_on(github: FakeGitHub, status: int) -> None:
    github.add("a", f="1")
    github.add("b", f="2")
    github.before = lambda kind, r: js({}, status) if kind == "tree" and "/acme/a/" in r.path else None

    async def both(organisation: GitHubOrganisation) -> list[Any]:
        found = await organisation.repositories("acme")
        return await asyncio.gather(*(organisation.tree(one) for one in found), return_exceptions=True)

    failed, tree = ask(github, both)
    assert isinstance(failed, RepositoryInaccessible)
    assert "acme/a" in str(failed)
    assert str(status) in str(failed)
    assert [entry.path for entry in tree] == ["f"]


# Blobs


def test_files_of_many_repositories_come_in_one_query_and_copies_once(github: FakeGitHub) -> None:
    for n in range(20):
        github.put(
            f"r{n}", {"yarn.lock": b"lock %d" % (n // 2), 'odd "na\\me" é/requirements.txt': b"r %d" % n, "e": b""}
        )
    assert ask(github, contents) == files_of(github)
    assert github.calls == {"rate_limit": 1, "tree": 20, "graphql": 2}
    assert len([r for r in github.seen if b"byteSize" in r.data and r.data.count(b"object(") == 31]) == 1


def test_what_graphql_cannot_give_comes_raw(github: FakeGitHub) -> None:
    github.text_bytes = 100
    latin = "caf\xe9".encode("latin-1")
    github.put("a", {"cut": b"x" * 101, "binary": b"a\0b", "latin": latin, "bom": b"\xef\xbb\xbfx\r\n", "plain": b"p"})
    github.put("b", {"large": b"y" * 512_001})
    assert ask(github, contents) == files_of(github)
    # cut, binary, latin and, without asking by GraphQL, large.
    assert (github.calls["blob"], github.calls["graphql"]) == (4, 2)
    assert all(r.headers["Accept"] == "application/vnd.github.raw+json" for r in github.seen if "/blobs/" in r.path)


def test_large_files_arrive_on_disk_and_are_what_their_ids_say(
    github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = b"y" * 600_000
    github.put("a", {"large": large, "small": b"x"})
    wrong = [Response(b"z" * 600_000)]
    github.before = lambda kind, _: wrong.pop() if kind == "blob" and wrong else None
    limits = BlobLimits(stream_bytes=100_000)
    assert ask(github, contents, limits=limits) == files_of(github)
    assert github.calls["blob"] == 2
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at-all")
    found = ask(github, contents, limits=limits)
    assert found["a/small"] == b"x"
    assert "cannot hold it" in str(found["a/large"])


def too_much(most: int, answer: Callable[[], Response]) -> Callable[[str, Request], Response | None]:
    """Queries for more than that many files are answered so."""

    def before(kind: str, request: Request) -> Response | None:
        return answer() if kind == "graphql" and request.data.count(b"byteSize") > most else None

    return before


TOO_MUCH = {
    "502": lambda: Response("", 502),
    "resource limits": lambda: js({"data": None, "errors": [{"message": "Resource limits for this query exceeded."}]}),
    "partial": lambda: js({"data": {"r0": {}}, "errors": [{"message": "Something went wrong", "path": ["r0"]}]}),
}


@pytest.mark.parametrize("answer", TOO_MUCH.values(), ids=TOO_MUCH.keys())
def test_too_large_a_query_is_halved(github: FakeGitHub, answer: Callable[[], Response]) -> None:
    github.put("a", {f"f{n}": b"%d" % n for n in range(16)})
    github.before = too_much(4, answer)
    assert ask(github, contents) == files_of(github)
    assert github.calls["blob"] == 0


def test_where_graphql_never_answers_files_come_raw(github: FakeGitHub) -> None:
    github.put("a", {f"f{n}": b"%d" % n for n in range(4)})
    github.before = too_much(0, TOO_MUCH["resource limits"])
    assert ask(github, contents) == files_of(github)
    assert github.calls["blob"] == 4


def test_one_file_that_is_gone_fails_alone(github: FakeGitHub) -> None:
    github.put("a", {"x": b"1", "y": b"2"})

    async def late(organisation: GitHubOrganisation) -> Any:
        refs = await every_ref(organisation)
        del github.repositories["a"].files["x"]
        return await organisation.blobs(refs)

    found = ask(github, late)
    assert found[sha(b"2")] == b"2"
    assert isinstance(found[sha(b"1")], RepositoryInaccessible)
    assert "acme/a: x" in str(found[sha(b"1")])


def test_a_copy_elsewhere_serves_where_the_first_cannot_be_read(github: FakeGitHub) -> None:
    github.put("a", {"x": b"same"})
    github.put("b", {"y": b"same"})

    async def late(organisation: GitHubOrganisation) -> Any:
        refs = await every_ref(organisation)
        del github.repositories["a"]
        return await organisation.blobs(refs)

    assert ask(github, late) == {sha(b"same"): b"same"}


def test_content_that_is_not_what_its_id_says_is_never_given(github: FakeGitHub) -> None:
    github.put("a", {"x": b"\0 right"})
    github.before = lambda kind, request: Response(b"wrong") if kind == "blob" else None
    found = ask(github, contents)
    assert isinstance(found["a/x"], SourceAnswerInvalid)
    assert "not what its object id says" in str(found["a/x"])


def test_one_file_a_query_reads_one_by_one(github: FakeGitHub) -> None:
    github.put("a", {f"f{n}": b"%d" % n for n in range(5)})
    assert ask(github, contents, limits=BlobLimits(files=1)) == files_of(github)
    assert github.calls["graphql"] == 1 + 5


# By path


def test_files_are_read_by_path_in_parallel(github: FakeGitHub) -> None:
    github.put("a", {"x": b"caf\xc3\xa9", "d/bin": b"\0"})
    found = ask(github, lambda gh: gh.get_multiple_file_contents_parallel("acme/a", ["x", "d/bin", "d", "no"], 5))
    assert found["x"] == FileContent(b"caf\xc3\xa9", sha(b"caf\xc3\xa9"), 5)
    assert found["x"].text == "café"
    assert found["d/bin"].content == b"\0"
    assert str(found["d"]) == "acme/a: d is no file."
    assert isinstance(found["no"], RepositoryInaccessible)
    assert list(found) == ["x", "d/bin", "d", "no"]


def test_a_large_file_is_streamed(github: FakeGitHub) -> None:
    content = bytes(range(256)) * 5000
    github.put("a", {"big file.json": content})

    async def chunks(organisation: GitHubOrganisation) -> list[bytes]:
        repository = Repository("acme", "a", "main", "f00d")
        return [chunk async for chunk in organisation.stream_large_file_content(repository, "big file.json", 1000)]

    found = ask(github, chunks)
    assert b"".join(found) == content
    assert {len(chunk) for chunk in found} == {1000}
    assert github.seen[-1].args["ref"] == "f00d"


def test_streaming_a_file_that_is_not_there_yields_nothing(github: FakeGitHub) -> None:
    github.add("a")

    async def chunks(organisation: GitHubOrganisation) -> list[bytes]:
        return [chunk async for chunk in organisation.stream_large_file_content("acme/a", "no")]

    with pytest.raises(RepositoryInaccessible, match="acme/a: no is not there"):
        ask(github, chunks)


# Failure


def test_a_bad_token_fails_at_once_and_for_good(github: FakeGitHub) -> None:
    github.before = lambda kind, request: js({"message": "Bad credentials"}, 401)

    async def twice(organisation: GitHubOrganisation) -> list[Any]:
        first = await asyncio.gather(organisation.repositories("acme"), return_exceptions=True)
        return [*first, *await asyncio.gather(organisation.repositories("acme"), return_exceptions=True)]

    found = ask(github, twice)
    assert [type(error) for error in found] == [AuthenticationFailed] * 2
    assert "set GITHUB_TOKEN" in str(found[0])
    assert "t0ken-secret" not in str(found[0])
    assert len(github.seen) == 1


def test_a_failing_request_is_asked_again(github: FakeGitHub) -> None:
    github.put("a", {"x": b"1"})
    failed: set[str] = set()

    def once(kind: str, request: Request) -> Response | None:
        if request.path in failed:
            return None
        failed.add(request.path)
        return Response("", 502)

    github.before = once
    assert ask(github, contents) == {"a/x": b"1"}


def test_a_dead_service_is_unavailable_not_empty(github: FakeGitHub) -> None:
    github.before = lambda kind, request: Response("", 503)
    with pytest.raises(SourceUnavailable):
        ask(github, listing)


def test_a_server_without_rate_limits_is_fine(github: FakeGitHub) -> None:
    github.add("a")
    github.before = lambda kind, request: missing() if kind == "rate_limit" else None
    assert len(ask(github, listing)) == 1


def test_an_enterprise_server_has_its_graphql_beside_the_rest(github: FakeGitHub) -> None:
    github.add("a")
    seen: list[str] = []

    def note(kind: str, request: Request) -> Response | None:
        seen.append(request.path)
        return js({"data": {"organization": {"repositories": {"nodes": []}}}}) if "graphql" in request.path else None

    github.before = note
    github.base_url += "/api/v3"
    assert ask(github, listing) == ()
    assert seen == ["/api/v3/rate_limit", "/api/graphql"]


def test_revision_is_the_commit_or_the_branch() -> None:
    one = Repository("o", "n", "main", "c0ffee")
    assert (one.revision, replace(one, commit=None).revision, one.full_name) == ("c0ffee", "main", "o/n")
