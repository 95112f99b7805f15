"""What is installed in an environment, asked of its interpreter within bounds."""

import os
import sys
import venv
from pathlib import Path

import pytest

from tasks.errors import InputError
from tasks.inputs.environment import read_environment

posix = pytest.mark.skipif(os.name == "nt", reason="writes shell scripts")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("env")
    venv.create(folder, with_pip=False)
    site = next(folder.glob("[lL]ib*/**/site-packages"))
    for name, metadata in {
        "Jinja2-2.11.2": "Name: Jinja2\nVersion: 2.11.2\n",
        "six-1.17.0": "Name: six\nVersion: 1.17.0\n",
        "broken-1": "Version: 1\n",
    }.items():
        (site / f"{name}.dist-info").mkdir()
        (site / f"{name}.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\n{metadata}")
    return folder


def _script(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_folder_or_the_interpreter_lists_what_is_installed(environment: Path) -> None:
    interpreter = next(
        path for path in (environment / "bin" / "python", environment / "Scripts" / "python.exe") if path.exists()
    )
    for place in (environment, interpreter):
        found = read_environment(place)
        assert [(key.name, key.version) for key in found.packages] == [("Jinja2", "2.11.2"), ("six", "1.17.0")]
        assert found.notes == (f"{place}: 1 distribution without a name left out: its metadata is damaged",)


@posix
def test_neither_the_current_folder_nor_the_caller_s_secrets_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_sesame")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "json.py").write_text("raise SystemExit('executed')")
    seen = tmp_path / "seen"
    read_environment(_script(tmp_path, f'env > {seen}; exec {sys.executable} "$@"'))

    assert "sesame" not in seen.read_text()
    assert "PYTHON" not in seen.read_text()


@posix
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exec sleep 60", "gave no answer within 0.2 s"),
        ("exec yes 0123456789", "said more than 10,000 bytes"),
        ("echo 'no such option' >&2; exit 3", r"ended with code 3 \(no such option\)"),
        ("echo hello", "did not list its packages"),
        ("echo 'vetbook-distributions:[1]'", "did not list its packages"),
        ("echo 'vetbook-distributions:[]'", "names no Python package"),
    ],
)
def test_what_is_no_interpreter_is_refused_in_bounds(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_environment(_script(tmp_path, text), timeout_s=0.2 if "sleep" in text else 30, most_bytes=10_000)


def test_a_place_without_an_interpreter_is_named(tmp_path: Path) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("x")
    for place, said in ((tmp_path, "no Python interpreter in it"), (tmp_path / "gone", "not an interpreter")):
        with pytest.raises(InputError, match=said):
            read_environment(place)
    if os.name != "nt":
        with pytest.raises(InputError, match="not an interpreter that can be started"):
            read_environment(plain)
