"""`python -m flows.report` on kept scans and on result files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.report.__main__ import main
from tasks.history.store import History, ioc_label, scan_label
from tests.history.history_samples import finding, ioc_plain, package, scan_plain, vulnerability

FIRST = scan_plain(package("demo", "1.0", vulnerability("PYSEC-1")), scan_id="aaaa11", day=1)
SECOND = scan_plain(package("demo", "1.0", vulnerability("PYSEC-2", kev=True)), scan_id="bbbb22", day=2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    history = History(tmp_path / "data" / "history")
    for plain in (FIRST, SECOND):
        figures = {"packages": 1, "vulnerabilities": 1, "affected_packages": 1, "could_not_check": [], "scope": {}}
        label = scan_label(tmp_path / "packages.xlsx", {**plain, "summary": figures})
        history.keep(label, [json.dumps(plain)], 10)
    return tmp_path / "data"


def run(data: Path, *words: object) -> int:
    return main(["--data-dir", str(data), *map(str, words)])


def test_the_list_is_newest_first(data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(data, "--list", "--json", tmp_path / "list.json") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["bbbb22", "aaaa11"]
    assert [one["scan_id"] for one in json.loads((tmp_path / "list.json").read_text())["scans"]] == ["bbbb22", "aaaa11"]


@pytest.mark.parametrize("pair", [("previous", "last"), ("aaaa", "bbbb22")])
def test_two_scans_are_compared(
    data: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer, page = tmp_path / "c.json", tmp_path / "c.html"
    assert run(data, "--compare", *pair, "--json", answer, "--html", page) == 0
    text = capsys.readouterr().out
    assert "NEW (1)" in text
    assert "FIXED (1)" in text
    found = json.loads(answer.read_text())
    assert [[one["ids"] for one in found[key]] for key in ("new", "fixed", "newly_exploited", "not_checked")] == [
        [["PYSEC-2"]],
        [["PYSEC-1"]],
        [["PYSEC-2"]],
        [],
    ]
    assert "Since the last scan" in page.read_text("utf-8")


def test_the_reports_of_a_kept_scan_are_made_again(
    data: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer, page = tmp_path / "r.json", tmp_path / "r.html"
    assert run(data, "--latest", "--json", answer, "--html", page) == 0
    assert "Since the last scan (2026-03-01 05:06 UTC): 1 new, 1 fixed" in capsys.readouterr().out
    assert json.loads(answer.read_text()) == SECOND
    assert "PYSEC-2" in page.read_text("utf-8")


def test_files_are_compared_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, plain in (("a", FIRST), ("b", SECOND)):
        (tmp_path / name).write_text(json.dumps(plain), encoding="utf-8")
    assert run(tmp_path, "--compare", tmp_path / "a", tmp_path / "b") == 0
    assert "FIXED (1)" in capsys.readouterr().out


def test_ioc_scans_are_reported_and_compared(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(data / "history")
    for day, name in ((3, "evil"), (4, "worse")):
        plain = ioc_plain(finding(name=name), scan_id=f"cc{day}", day=day)
        history.keep(ioc_label(plain), [json.dumps(plain)], 10)
    assert run(data, "--org", "acme", "--compare", "previous", "last") == 0
    assert "acme/one: yarn.lock: worse 1.0.0 [MAL-2026-1]" in capsys.readouterr().out
    assert run(data, "--org", "acme") == 0
    assert "IOC SCAN REPORT" in capsys.readouterr().out
    assert run(data, "--compare", "aaaa", "cc4") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nothing",), "no kept scan has an id that begins so"),
        (("--list", "--latest"), "give one of them"),
        (("--input", "other.xlsx"), "no scan is kept there of"),
        (("--compare", "last", "elsewhere"), "no kept scan"),
    ],
)
def test_wrong_words_are_one_line(
    data: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(data, *words) == 2
    answer = capsys.readouterr().err
    assert said in answer
    assert answer.count("\n") == 1


def test_help_imports_nothing_slow(project_root: Path) -> None:
    code = "import sys; sys.argv=['x']; import flows.report.__main__ as m; m.parser().format_help();"
    code += "print([n for n in ('prefect','pydantic','jinja2','httpx') if n in sys.modules])"
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, cwd=project_root, env=dict(os.environ), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
