"""The IOC scan as its user runs it: GitHub on loopback, the command in a process of its own."""

import json
import signal
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from flows.ioc.__main__ import main
from tests.end_to_end.harness import Command
from tests.end_to_end.processes import Running
from tests.github.fake import FakeGitHub

NPM = json.dumps(
    {
        "name": "app",
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "app"},
            "node_modules/left": {"version": "1.0.0"},
            "node_modules/left/node_modules/evil": {"version": "6.6.6"},
        },
    }
)
REQUIREMENTS = "-r base.txt\nFlask==2.0.0\n"
BASE = "Num2Words_x == 0.5.15\n"
LIST = [
    {"ecosystem": "npm", "name": "evil", "versions": ["6.6.6"], "source": "https://example.org/evil"},
    {"ecosystem": "PyPI", "name": "left", "versions": None},
]


@dataclass
class Ioc:
    """`python -m flows.ioc --org acme` against a GitHub on loopback."""

    command: Command
    github: FakeGitHub
    folder: Path

    def start(self, *words: str | Path) -> Running:
        environment = {"GITHUB_TOKEN": "token", "VETBOOK_SOURCES__GITHUB__BASE_URL": self.github.base_url}
        return self.command.start_module("flows.ioc", "--data-dir", self.folder / "data", *words, **environment)

    def run(self, *words: str | Path, org: str = "acme") -> tuple[int, str, dict[str, Any]]:
        result = self.folder / "found.json"
        result.unlink(missing_ok=True)
        process = self.start("--org", org, "--json", result, *words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out + err, json.loads(result.read_text()) if result.exists() else {}

    def list(self, entries: object, name: str = "list.json") -> Path:
        path = self.folder / name
        path.write_text(json.dumps(entries), "utf-8")
        return path


@pytest.fixture
def ioc(command: Command, httpserver: HTTPServer, tmp_path: Path) -> Ioc:
    github = FakeGitHub(httpserver)
    github.put("one", {"package-lock.json": NPM.encode(), "README.md": b"#"})
    github.put("two", {"web/package-lock.json": NPM.encode()})
    github.put("three", {"requirements.txt": REQUIREMENTS.encode(), "base.txt": BASE.encode()})
    github.put("old", {"package-lock.json": NPM.encode()}).archived = True
    return Ioc(command, github, tmp_path)


def test_findings_reports_and_a_second_run_that_asks_for_nothing(ioc: Ioc) -> None:
    outputs = {name: ioc.folder / name for name in ("f.sarif", "f.cdx.json", "inventory.jsonl", "findings.xlsx")}
    words = (
        *("--sarif", outputs["f.sarif"], "--inventory", outputs["inventory.jsonl"]),
        *("--cyclonedx", outputs["f.cdx.json"]),
        *("--output", outputs["findings.xlsx"]),
    )
    code, said, found = ioc.run("--indicators", ioc.list(LIST), *words)
    assert code == 1, said
    places = [(f["repository"], f["path"], f["name"], f["version"], f["source"]) for f in found["findings"]]
    assert places == [
        ("acme/one", "package-lock.json", "evil", "6.6.6", "https://example.org/evil"),
        ("acme/two", "web/package-lock.json", "evil", "6.6.6", "https://example.org/evil"),
    ]
    assert {f["status"] for f in found["files"]} == {"scanned"}
    assert ioc.github.calls["tree"] == 3

    sarif = json.loads(outputs["f.sarif"].read_text())
    assert [r["ruleId"] for r in sarif["runs"][0]["results"]] == ["list.json: evil"] * 2
    (entry,) = json.loads(outputs["f.cdx.json"].read_text())["vulnerabilities"]
    assert (entry["id"], entry["affects"]) == ("list.json: evil", [{"ref": "pkg:npm/evil@6.6.6"}])
    lines = [json.loads(line) for line in outputs["inventory.jsonl"].read_text().splitlines()]
    listed = {(line["repository"], line["path"], line["ecosystem"], line["version"]) for line in lines}
    assert ("acme/three", "requirements.txt", "PyPI", "0.5.15") in listed
    book = openpyxl.load_workbook(outputs["findings.xlsx"])
    assert [cell.value for cell in book["Findings"][2]][:5] == ["acme/one", "package-lock.json", "npm", "evil", "6.6.6"]
    book["Findings"]["L2"] = "ticket 7"
    book.save(outputs["findings.xlsx"])

    ioc.github.calls.clear()
    other = [{"ecosystem": "PyPI", "name": "num2words-x", "versions": ["0.5.15"]}, *LIST]
    code, said, found = ioc.run("--indicators", ioc.list(other), "--output", outputs["findings.xlsx"])
    assert code == 1, said
    assert {f["path"] for f in found["findings"]} == {
        "package-lock.json",
        "web/package-lock.json",
        "requirements.txt",
        *({"base.txt"} if any(f["path"] == "base.txt" for f in found["files"]) else ()),
    }
    assert {f["status"] for f in found["files"]} == {"cached"}
    assert not ioc.github.calls["tree"] + ioc.github.calls["blob"]
    assert ioc.github.calls["graphql"] == 1
    sheet = openpyxl.load_workbook(outputs["findings.xlsx"])["Findings"]
    assert [row[11].value for row in sheet.iter_rows(min_row=2) if row[0].value == "acme/one"] == ["ticket 7"]
    assert {row[8].value for row in sheet.iter_rows(min_row=2)} == {"found"}
    assert len(list((ioc.folder / "data/backups").glob("findings.backup_*.xlsx"))) == 1


def test_what_cannot_be_read_is_said_and_outweighs_nothing(ioc: Ioc) -> None:
    ioc.github.put("odd", {"package-lock.json": b"{ this is no JSON"})
    code, said, found = ioc.run("--indicators", ioc.list([]), "--include-archived")
    assert code == 3, said
    failed = [f for f in found["files"] if f["status"] == "failed"]
    assert [f["repository"] for f in failed] == ["acme/odd"]
    assert failed[0]["reason"]
    assert "acme/old" in {r["repository"] for r in found["repositories"]}


def test_a_repository_that_cannot_be_listed_leaves_the_others_read(ioc: Ioc) -> None:
    def deny(kind: str, request: Request) -> Response | None:
        denied = kind == "tree" and "/one/" in request.path
        return Response('{"message": "Not Found"}', 404, content_type="application/json") if denied else None

    ioc.github.before = deny
    code, said, found = ioc.run("--indicators", ioc.list(LIST))
    assert code == 1, said
    assert {f["repository"] for f in found["findings"]} == {"acme/two"}
    assert [r["repository"] for r in found["repositories"] if r["status"] == "failed"] == ["acme/one"]


def test_a_bad_token_ends_it_at_once_with_one_message(ioc: Ioc) -> None:
    ioc.github.before = lambda kind, request: Response('{"message": "Bad credentials"}', 401)
    ioc.command = replace(ioc.command, anew=True)
    code, said, found = ioc.run("--indicators", ioc.list(LIST))
    assert (code, found) == (2, {})
    assert [line for line in said.splitlines() if line.startswith("vetbook:")] == [
        "vetbook: GitHub does not accept the token (HTTP 401: missing, expired or revoked): set GITHUB_TOKEN."
    ]
    assert sum(ioc.github.calls.values()) == 1


def test_killed_and_run_again_no_finished_batch_is_repeated(ioc: Ioc) -> None:
    for number in range(6):
        lock = NPM.replace("1.0.0", f"1.0.{number}")
        ioc.github.put(f"more-{number}", {"package-lock.json": lock.encode()})
    words = ("--indicators", ioc.list(LIST), "--batch-strategy", "parallel", "--batch-size", "1", "--max-repos", "1")
    held = threading.Event()
    asked: list[str] = []

    def hold(kind: str, request: Request) -> Response | None:
        text = request.get_data(as_text=True)
        if kind == "graphql" and "package-lock" in text:
            asked.append(text)
            if len(asked) == 4:
                process.send_signal(signal.SIGKILL)
                held.wait(0.5)
        return None

    ioc.github.before = hold
    process = ioc.start("--org", "acme", "--json", ioc.folder / "never.json", *words)
    process.communicate(timeout=120)
    assert not (ioc.folder / "never.json").exists()
    before, asked[:] = list(asked[:3]), ["", "", "", "", ""]
    code, said, found = ioc.run(*words)
    assert code == 1, said
    assert not set(before) & set(asked)
    assert len(found["findings"]) == 8
    assert {f["status"] for f in found["files"]} == {"scanned", "cached"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "--org ORG is missing"),
        (("--org", "acme"), "--indicators PATH is missing"),
        (("--org", "acme", "--indicators", "nowhere.json"), "no such file"),
        (("--org", "acme", "--indicators", "LIST", "--max-concurrent", "51"), "allowed: 1 to 50"),
        (("--org", "acme", "--indicators", "LIST", "--team-first-org", "--repo", "one"), "leave --repo out"),
        (("--org", "acme", "--indicators", "LIST", "--output", "x.csv"), "must end in .xlsx"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_asked(
    words: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    (tmp_path / "list.json").write_text("[]")
    real = [str(tmp_path / "list.json") if word == "LIST" else word for word in words]
    assert main([*real, "--data-dir", str(tmp_path / "data")]) == 2
    assert reason in capsys.readouterr().err
