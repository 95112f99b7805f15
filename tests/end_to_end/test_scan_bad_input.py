"""Everything a user can get wrong: one line that says what, where and what to do; exit 2; nothing written."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from flows.scan.prepare import prepare
from flows.scan.request import ScanRequest
from tasks.errors import InputError
from tests.end_to_end.harness import Command, make_workbook
from tests.unprivileged import without_root


def _text(path: Path) -> None:
    path.write_text("name,version\nrequests,2.0\n")


def _old_excel(path: Path) -> None:
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000))


def _no_header(path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active["A1"] = "something else"
    book.save(path)


def _no_packages(path: Path) -> None:
    make_workbook(path, [])


def _truncated(path: Path) -> None:
    make_workbook(path, [("requests", "1.0")])
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize("make", [_text, _old_excel, _no_header, _no_packages, _truncated])
def test_a_workbook_that_cannot_be_used(command: Command, make: Callable[[Path], None]) -> None:
    book = command.folder / "r.xlsx"
    make(book)
    before = book.read_bytes()
    ran = command.run("--input", book)
    lines = ran.err.strip().splitlines()
    assert (ran.code, len(lines), book.read_bytes()) == (2, 1, before), ran.err
    assert "r.xlsx" in lines[0]
    assert not (command.data / "backups").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--input", "missing.xlsx"), "missing.xlsx"),
        (("--input", "{book}", "--output", "{folder}"), "--output"),
        (("--input", "{book}", "--config", "missing.yaml"), "missing.yaml"),
        (("--input", "{book}", "--batch-size", "0"), "--batch-size"),
        (("--input", "{book}", "--start-row", "900"), "900"),
        (("--input", "{book}", "--start-row", "5", "--end-row", "4"), "row"),
    ],
)
def test_words_that_do_not_fit(command: Command, words: tuple[str, ...], named: str) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    ran = command.run(*(word.format(book=book, folder=command.folder) for word in words))
    assert ran.code == 2, ran.err
    assert named in ran.err
    assert len(ran.err.strip().splitlines()) == 1, ran.err


def test_settings_out_of_range_are_refused_with_the_range(command: Command) -> None:
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0")])
    settings = command.folder / "s.yaml"
    settings.write_text("batch_processing: {max_batch_size: 100000}\n")
    ran = command.run("--input", book, "--config", settings)
    assert ran.code == 2
    assert "batch_processing.max_batch_size" in ran.err
    assert "1 to 1000" in ran.err


def test_a_read_only_workbook_is_refused_before_anything_is_looked_up(tmp_path: Path) -> None:
    book = make_workbook(tmp_path / "r.xlsx", [("requests", "2.19.1")])
    book.chmod(0o444)
    with without_root(book, tmp_path), pytest.raises(InputError, match="read-only"):
        prepare(ScanRequest(workbook=book, data_dir=tmp_path / "data"))


@pytest.mark.parametrize("words", [("--help",), ("--list-checkpoints", "--input", "x.xlsx"), ("--nonsense",)])
def test_quick_answers_import_no_prefect(project_root: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    watch = (
        "import sys, runpy, atexit\n"
        "atexit.register(lambda: print('prefect' in sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['flows.scan', '--data-dir', {str(tmp_path)!r}, *{list(words)!r}]\n"
        "runpy.run_module('flows.scan', run_name='__main__', alter_sys=True)\n"
    )
    began = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", watch], cwd=project_root, capture_output=True, text=True, check=False)
    assert ran.stderr.strip().splitlines()[-1] == "False", ran.stderr
    assert time.monotonic() - began < 60
