"""The small parts: packing, queries, what is kept, an App's tokens."""

import asyncio
import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SettingsError, SourceAnswerInvalid
from tasks.github.access import GitHubAccess
from tasks.github.api import GraphQLAnswer
from tasks.github.app import AppCredentials
from tasks.github.errors import AuthenticationFailed
from tasks.github.kept import KeptTree, KeptTrees
from tasks.github.model import Repository, TreeEntry
from tasks.github.query import FileQuestion, Need, blob_id, build, packed, read
from tasks.github.text import sendable
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, ServicePolicy

# Packing


@given(st.lists(st.integers(1, 900), max_size=80), st.integers(1, 20))
def test_every_file_is_in_one_group_that_fits(sizes: list[int], most: int) -> None:
    groups = packed(sizes, most, 1000)
    assert sorted(n for group in groups for n in group) == list(range(len(sizes)))
    assert all(len(group) <= most and sum(sizes[n] for n in group) <= 1000 for group in groups)
    # First fit never leaves two groups that could have been one, unless the number of files forbids it.
    halves = [group for group in groups if len(group) < most and 2 * sum(sizes[n] for n in group) <= 1000]
    assert len(halves) <= 1


def test_a_file_too_large_for_any_group_is_alone() -> None:
    assert packed([10, 5000, 10], 10, 1000) == [[1], [0, 2]]


# Queries


def question(path: str, sha: str | None = None, name: str = "a") -> FileQuestion:
    return FileQuestion("acme", name, "c0ffee", path, sha)


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_no_path_can_become_syntax(path: str) -> None:
    query = build([question(path)])
    start = query.index("expression: ") + len("expression: ")
    text, end = json.JSONDecoder().raw_decode(query, start)
    assert text == f"c0ffee:{path}"
    assert query[end:] == ") { ... on Blob { oid byteSize isBinary isTruncated text } } } }"


def test_files_of_one_repository_share_its_alias() -> None:
    query = build([question("x"), question("y", name="b"), question("z")])
    assert query.count("repository(") == 2
    assert query.index("f0:") < query.index("f2:") < query.index("r1:") < query.index("f1:")


def blob(text: str | None, **more: Any) -> dict[str, Any]:
    content = (text or "").encode()
    return {
        "oid": blob_id(content, ""),
        "byteSize": len(content),
        "isBinary": False,
        "isTruncated": False,
        "text": text,
    } | more


def answer(files: Any, *errors: dict[str, Any]) -> GraphQLAnswer:
    return GraphQLAnswer({"r0": files}, errors)


NOT_FOUND = {"type": "NOT_FOUND", "path": ["r0"]}
VAGUE = {"message": "Something went wrong", "path": ["r0", "f0"]}
ANSWERS = {
    "given": (answer({"f0": blob("é\r\n")}), "é\r\n".encode()),
    "empty": (answer({"f0": blob("")}), b""),
    "cut": (answer({"f0": blob("x", isTruncated=True)}), Need.RAW),
    "binary": (answer({"f0": blob(None, isBinary=True)}), Need.RAW),
    "repaired": (answer({"f0": blob("�", oid="0" * 40)}), Need.RAW),
    "no such path": (answer({"f0": None}), Need.RAW),
    "no such repository": (answer(None, NOT_FOUND), Need.RAW),
    "too much": (answer({"f0": None}, VAGUE), Need.AGAIN),
    "too much, elsewhere": (answer({"f0": None}, {**VAGUE, "path": ["r0", "f9"]}), Need.RAW),
    "too much, all": (answer({"f0": None}, {"message": "Resource limits for this query exceeded"}), Need.AGAIN),
    "no data": (GraphQLAnswer({}), Need.AGAIN),
    "given up": (GraphQLAnswer({}, (), overtaxed=True), Need.AGAIN),
}


@pytest.mark.parametrize(("found", "wanted"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_an_answer_says_of_a_file(found: GraphQLAnswer, wanted: bytes | Need) -> None:
    assert read([question("x")], found) == [wanted]


def test_a_folder_is_no_file() -> None:
    (found,) = read([question("x")], answer({"f0": {}}))
    assert isinstance(found, SourceAnswerInvalid)


def test_object_ids_are_git_s() -> None:
    # git hash-object, and git init --object-format=sha256.
    assert blob_id(b"", "") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert blob_id(b"", "0" * 64) == "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"


def test_a_path_in_another_encoding_is_not_sent() -> None:
    assert sendable("é/☃")
    assert not sendable("caf\udce9")


# Kept trees

ONE = Repository("acme", "a", "main", "c1")
TREE = KeptTree("c1", '"tag"', (TreeEntry("d/é", "0" * 40, 3), TreeEntry("x", "1" * 40, None)))


def test_the_latest_tree_is_kept_by_repository_and_filter(tmp_path: Path) -> None:
    kept = KeptTrees(tmp_path / "k" / "trees.sqlite", "https://a", "locks")
    kept.put(ONE, KeptTree("c0", None, ()))
    kept.put(ONE, TREE)
    kept.close()
    again = KeptTrees(tmp_path / "k" / "trees.sqlite", "https://a", "locks")
    assert again.get(ONE) == TREE
    assert again.get(Repository("ACME", "A", None, None)) == TREE
    assert again.get(Repository("acme", "b", None, None)) is None
    again.close()
    for address, name in (("https://b", "locks"), ("https://a", "other")):
        other = KeptTrees(tmp_path / "k" / "trees.sqlite", address, name)
        assert other.get(ONE) is None
        other.close()


def test_a_damaged_tree_is_asked_for_again(tmp_path: Path) -> None:
    kept = KeptTrees(tmp_path / "trees.sqlite", "https://a")
    kept.put(ONE, TREE)
    with sqlite3.connect(tmp_path / "trees.sqlite") as connection:
        connection.execute("UPDATE trees SET entries = x'00'")
    connection.close()
    assert kept.get(ONE) is None
    kept.close()


# Access


def test_access_comes_from_the_environment_and_hides_the_token() -> None:
    environment = {"GITHUB_TOKEN": " s3cret-token ", "VETBOOK_SOURCES__GITHUB__BASE_URL": "https://ghe/api/v3"}
    access = GitHubAccess.from_environment(environment)
    assert "s3cret" not in repr(access)
    policy = access.policy()
    assert policy.address == "https://ghe/api/v3"
    assert policy.request_headers()["Authorization"] == "Bearer s3cret-token"
    assert GitHubAccess.from_environment({}).policy().address == "https://api.github.com"


# An App

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> SecretStr:
    return SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claim_of(request: Request) -> dict[str, Any]:
    """The claim in the request, its signature checked."""
    head, claim, signature = request.headers["Authorization"].removeprefix("Bearer ").split(".")
    KEY.public_key().verify(decoded(signature), f"{head}.{claim}".encode(), PKCS1v15(), SHA256())
    value: dict[str, Any] = json.loads(decoded(claim))
    return value


def test_an_app_s_token_is_asked_for_once_an_hour(httpserver: HTTPServer) -> None:
    now = [1_767_225_600.0]
    grants: list[dict[str, Any]] = []

    def grant(request: Request) -> Response:
        grants.append(claim_of(request))
        # 2026-01-01T00:00:00Z is the clock's start.
        value = {"token": f"ghs_{len(grants)}", "expires_at": f"2026-01-01T0{len(grants)}:00:00Z"}
        return Response(json.dumps(value), 201)

    httpserver.expect_request("/orgs/acme/installation").respond_with_json({"id": 42})
    httpserver.expect_request("/app/installations/42/access_tokens", method="POST").respond_with_handler(grant)

    async def run() -> list[str]:
        async with HttpClient({ServiceName.GITHUB: ServicePolicy(httpserver.url_for(""))}) as client:
            app = AppCredentials("7", pem(KEY), org="acme", wall=lambda: now[0])
            together = await asyncio.gather(*(app.token(client) for _ in range(5)))
            now[0] += 3600 - 299
            return [*together, await app.token(client)]

    assert asyncio.run(run()) == ["ghs_1"] * 5 + ["ghs_2"]
    first = grants[0]
    assert (first["iss"], first["iat"] <= 1_767_225_600, first["exp"] - first["iat"] <= 600) == ("7", True, True)


def test_an_app_that_github_does_not_know_fails_at_once(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/app/installations/1/access_tokens").respond_with_json({}, status=401)

    async def run() -> None:
        async with HttpClient({ServiceName.GITHUB: ServicePolicy(httpserver.url_for(""))}) as client:
            await AppCredentials("7", pem(KEY), installation_id=1).token(client)

    with pytest.raises(AuthenticationFailed, match="App 7"):
        asyncio.run(run())
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("key", [SecretStr("s3cret nonsense"), pem(ec.generate_private_key(ec.SECP256R1()))])
def test_a_key_that_is_none_is_refused_without_showing_it(key: SecretStr) -> None:
    with pytest.raises(SettingsError) as caught:
        AppCredentials("7", key, installation_id=1)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_app_needs_to_know_where_it_is_installed() -> None:
    with pytest.raises(SettingsError):
        AppCredentials("7", pem(KEY))
