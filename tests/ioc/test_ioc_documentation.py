"""Every example of docs/ioc.md is executed, and every setting and flag in it exists."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from flows.ioc.arguments import parser
from tasks.github.access import GitHubAccess, open_organisation
from tasks.github.model import Repository
from tasks.ioc.api import BatchResult
from tasks.ioc.config import BatchConfig, BatchStrategy
from tasks.ioc.inventory import Inventory
from tests.github.fake import FakeGitHub

LOCK = b'{"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": {"version": "1.0.0"}}}'


@pytest.fixture
def examples(project_root: Path) -> dict[str, Callable[..., Any]]:
    """The functions that the document's examples define."""
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", (project_root / "docs/ioc.md").read_text("utf-8"), re.DOTALL):
        exec(compile(code, "docs/ioc.md", "exec"), names)  # noqa: S102  our own document
    return names


@pytest.fixture
def github(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> FakeGitHub:
    made = FakeGitHub(httpserver)
    made.put("one", {"package-lock.json": LOCK, "package.json": b"{}", "requirements.txt": b"flask==1.0\n"})
    made.put("two", {"web/package-lock.json": LOCK})
    monkeypatch.setenv("VETBOOK_SOURCES__GITHUB__BASE_URL", made.base_url)
    monkeypatch.setenv("GITHUB_TOKEN", "token")
    return made


def test_repositories(
    examples: dict[str, Any], github: FakeGitHub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> dict[str, list[BatchResult]]:
        async with open_organisation(GitHubAccess.from_environment()) as client:
            repositories = await client.repositories("acme")
            found: dict[str, list[BatchResult]] = {}
            for _ in range(2):
                found = await examples["scan"](client, Inventory(tmp_path / "i.sqlite"), repositories)
            return found

    found = asyncio.run(run())
    assert {name: len(results) for name, results in found.items()} == {"acme/one": 2, "acme/two": 1}
    assert all(result.error is None and result.packages and result.from_cache for r in found.values() for result in r)
    assert capsys.readouterr().out.splitlines()[-1] == "Cache hit rate: 100.00%"


def test_files_named_ones_first(
    examples: dict[str, Any], github: FakeGitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    async def run() -> dict[str, BatchResult]:
        async with open_organisation(GitHubAccess.from_environment()) as client:
            (repository,) = await client.repositories("acme", only=["one"])
            paths = ["package-lock.json", "package.json", "requirements.txt", "gone.txt"]
            found: dict[str, BatchResult] = await examples["files"](client, repository, paths)
            return found

    found = asyncio.run(run())
    assert next(iter(found)) == "requirements.txt"
    assert set(found) == {"package-lock.json", "package.json", "requirements.txt", "gone.txt"}
    content = found["package-lock.json"].content
    assert content is not None
    assert content.content == LOCK
    assert found["gone.txt"].error is not None
    assert "Success rate: 100.00%" in capsys.readouterr().out


def test_reading_single_files(examples: dict[str, Any], github: FakeGitHub) -> None:
    contents, size = asyncio.run(examples["read"](["package-lock.json", "package.json"]))
    assert contents["package-lock.json"].content == LOCK
    assert size == len(LOCK)
    asyncio.run(examples["read"](["package-lock.json"], "another"))
    tokens = {request.headers["Authorization"] for request in github.seen}
    assert tokens == {"Bearer token", "Bearer another"}


def test_planning(examples: dict[str, Any]) -> None:
    repository = Repository("acme", "one", "main", "c")
    sizes = {"package.json": 100, "package-lock.json": 7_000_000, "yarn.lock": 2_000_000}
    size, first, batches = examples["plan"](repository, sizes)
    assert (size, first) == (2, ["package-lock.json", "yarn.lock", "package.json"])
    assert batches == []


def test_every_field_flag_and_strategy_is_documented(project_root: Path) -> None:
    text = (project_root / "docs/ioc.md").read_text("utf-8")
    assert [name for name in BatchConfig.model_fields if f"`{name}`" not in text] == []
    assert [one for one in BatchStrategy if f"\n| {one.value} |" not in text] == []
    known = {option for action in parser()._actions for option in action.option_strings}
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= known
