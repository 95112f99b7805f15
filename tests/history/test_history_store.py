"""Kept results: found again by id, word and file; damaged ones are named and left out; the oldest go."""

import dataclasses
import gzip
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tasks.checkpoints.seal import seal
from tasks.errors import CheckpointError, InputError, UsageError
from tasks.history.choose import choose
from tasks.history.model import DocumentKind
from tasks.history.scanmodel import ScanDocument, Scope
from tasks.history.store import History, Label, document_of, load
from tests.history.history_samples import ioc_plain, package, scan_plain, vulnerability

TARGET = "/books/packages.xlsx"


def label(scan_id: str, day: int, *, target: str = TARGET, **scope: bool) -> Label:
    finished = datetime.fromisoformat(f"2026-03-{day:02}T05:06:07+00:00")
    return Label(DocumentKind.SCAN, scan_id, target, finished, Scope(**scope), {"packages": 1})


def pieces(plain: dict[str, Any]) -> Iterator[str]:
    yield json.dumps(plain)


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "history")
    for day, scan_id in ((1, "aaaa11"), (2, "aaaa22"), (3, "bbbb33")):
        plain = scan_plain(package("demo", f"{day}.0", vulnerability("A")), scan_id=scan_id, day=day)
        made.keep(label(scan_id, day), pieces(plain), 10)
    return made


def test_what_is_kept_comes_back_as_it_was(history: History) -> None:
    newest = history.scans()[0]
    document = load(newest)
    assert isinstance(document, ScanDocument)
    assert [(one.name, one.version) for one in document.packages] == [("demo", "3.0")]
    plain = scan_plain(package("demo", "3.0", vulnerability("A")), scan_id="bbbb33", day=3)
    assert json.loads(document_of(newest.path)) == plain


@pytest.mark.parametrize(("word", "found"), [("last", "bbbb33"), ("previous", "aaaa22"), ("b", "bbbb33")])
def test_words_mean_scans(history: History, word: str, found: str) -> None:
    assert choose(history, word).document.scan_id == found


@pytest.mark.parametrize(("word", "said"), [("aaaa", "aaaa22, aaaa11"), ("zz", "no kept scan"), ("", "more than one")])
def test_a_word_that_means_no_single_scan_is_refused(history: History, word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose(history, word)


def test_last_is_of_the_workbook_that_was_named(history: History) -> None:
    history.keep(label("cccc44", 4, target="/books/other.xlsx"), pieces(scan_plain(scan_id="cccc44", day=4)), 10)
    assert choose(history, "last").document.scan_id == "cccc44"
    assert choose(history, "last", TARGET).document.scan_id == "bbbb33"
    with pytest.raises(UsageError, match="only one scan is kept"):
        choose(history, "previous")


def test_dry_runs_are_kept_and_passed_over(history: History) -> None:
    history.keep(label("dddd44", 4, dry_run=True), pieces(scan_plain(scan_id="dddd44", day=4)), 10)
    assert [kept.label.scan_id for kept in history.scans()][:2] == ["dddd44", "bbbb33"]
    assert choose(history, "last").document.scan_id == "bbbb33"
    before = history.before(label("eeee55", 5))
    assert before is not None
    assert before.label.scan_id == "bbbb33"


def test_a_scan_of_the_whole_workbook_goes_before_a_later_one_of_some_rows(history: History) -> None:
    history.keep(label("dddd44", 4, whole=False), pieces(scan_plain(scan_id="dddd44", day=4)), 10)
    before = history.before(label("eeee55", 5))
    assert before is not None
    assert before.label.scan_id == "bbbb33"


def test_the_oldest_go_and_a_scan_is_kept_once(history: History) -> None:
    history.keep(label("bbbb33", 4), pieces(scan_plain(scan_id="bbbb33", day=4)), 2)
    assert [(kept.label.scan_id, kept.label.finished_at.day) for kept in history.scans()] == [
        ("bbbb33", 4),
        ("aaaa22", 2),
    ]


@pytest.mark.parametrize("spoil", [lambda c: c[:-7], lambda c: c[:90] + b"x" + c[91:], lambda _: b"", lambda _: b"{}"])
def test_a_damaged_file_is_named_and_left_out(history: History, spoil: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = history.scans()[0].path
    path.write_bytes(spoil(path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert [kept.label.scan_id for kept in history.scans()] == ["aaaa22", "aaaa11"]
    assert path.name in caplog.text
    with pytest.raises(CheckpointError, match=path.name):
        document_of(path)


def test_a_sealed_file_of_another_shape_is_named_and_left_out(history: History) -> None:
    path = history.scans()[0].path
    path.write_bytes(seal(gzip.compress(b'{"kind": "other"}\n{}')))
    assert len(history.scans()) == 2


def test_no_token_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret-token-1")
    plain = scan_plain(package("demo", status="failed", reason="refused secret-token-1"))
    path = History(tmp_path).keep(label("aaaa11", 1), pieces(plain), 5)
    assert b"secret-token-1" not in document_of(path)


def test_a_value_that_is_too_short_for_a_token_tears_nothing_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "t")
    history = History(tmp_path)
    history.keep(label("aaaa11", 1), pieces(scan_plain(package("demo"))), 5)
    assert load(history.scans()[0]).scan_id == "aaaa"


def test_results_of_json_files_are_read_by_what_they_hold(tmp_path: Path, history: History) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(scan_plain(package("demo"))), encoding="utf-8")
    assert choose(history, str(path)).document.kind is DocumentKind.SCAN
    path.write_text(json.dumps(ioc_plain()), encoding="utf-8")
    assert choose(history, str(path)).document.kind is DocumentKind.IOC


@pytest.mark.parametrize(
    "text", ["", "nonsense", "[]", '{"schema": 2}', '{"packages": 7}', json.dumps({**scan_plain(), "schema": 2})]
)
def test_a_file_that_is_no_result_is_refused_in_one_line(tmp_path: Path, history: History, text: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        choose(history, str(path))
    assert "result.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_organisations_are_found_by_name_whatever_was_asked_of_them(tmp_path: Path) -> None:
    history = History(tmp_path)
    kind = dataclasses.replace(label("aaaa11", 1, target="github:acme team=x"), kind=DocumentKind.IOC)
    history.keep(kind, pieces(ioc_plain(scan_id="aaaa11")), 5)
    assert [len(history.scans(target=name)) for name in ("github:acme", "github:acm", "github:other")] == [1, 0, 0]
