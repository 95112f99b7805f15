"""Names of temporary files, and sweeping up after killed runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.files.atomic import write_atomically
from tasks.files.temporaries import (
    OTHER_HOST_SECONDS,
    is_temporary_of,
    remove_stale_temporaries,
    sweep_folder,
    temporary_for,
)


def of_process(target: Path, pid: int, host: str | None = None) -> Path:
    """A left-over of another process beside `target`."""
    own = temporary_for(target)
    ours, _, random = own.name.removeprefix(f".{target.name}.").split("-")
    path = own.with_name(f".{target.name}.{host or ours}-{pid}-{random}")
    path.write_bytes(b"half")
    return path


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "packages.xlsx"
    path.write_bytes(b"whole")
    return path


def test_only_dead_processes_files_are_removed(target: Path, dead_pid: int) -> None:
    dead, own = of_process(target, dead_pid), of_process(target, os.getpid())
    foreign = [target.with_name(name) for name in (".packages.xlsx.swp", ".packages.xlsx.tmp", "~$packages.xlsx")]
    other = of_process(target.with_name("packages2.xlsx"), dead_pid)
    for path in foreign:
        path.touch()
    assert remove_stale_temporaries(target) == (dead,)
    assert all(path.exists() for path in (target, own, other, *foreign))


def test_with_the_lock_held_all_of_this_machine_go(target: Path, dead_pid: int) -> None:
    both = {of_process(target, dead_pid), of_process(target, os.getpid())}
    assert set(remove_stale_temporaries(target, lock_held=True)) == both


def test_another_machines_files_go_after_a_day(target: Path, dead_pid: int) -> None:
    other = of_process(target, dead_pid, host="00000000")
    touched = other.stat().st_mtime
    assert remove_stale_temporaries(target, lock_held=True, now=touched + OTHER_HOST_SECONDS - 1) == ()
    assert remove_stale_temporaries(target, now=touched + OTHER_HOST_SECONDS + 1) == (other,)


def test_a_file_windows_moved_aside_stays_while_the_workbook_is_missing(target: Path, dead_pid: int) -> None:
    left_over = of_process(target, dead_pid)
    aside = left_over.rename(left_over.with_name(left_over.name + ".old"))
    target.unlink()
    assert remove_stale_temporaries(target, lock_held=True) == ()
    target.write_bytes(b"whole")
    assert remove_stale_temporaries(target) == (aside,)


def test_the_sweep_follows_a_link_to_the_real_folder(target: Path, tmp_path: Path, dead_pid: int) -> None:
    left_over = of_process(target, dead_pid)
    link = tmp_path / "elsewhere" / "link.xlsx"
    link.parent.mkdir()
    link.symlink_to(target)
    assert remove_stale_temporaries(link) == (left_over,)


def test_a_folder_of_our_own_is_swept_whatever_the_names(target: Path, dead_pid: int) -> None:
    dead = {of_process(target.with_name(name), dead_pid) for name in ("a.json", "b.c.xlsx")}
    own = of_process(target.with_name("a.json"), os.getpid())
    assert set(sweep_folder(target.parent)) == dead
    assert sorted(target.parent.iterdir()) == sorted((target, own))


@pytest.mark.parametrize("name", ["x" * 250 + ".xlsx", "ä" * 120 + ".xlsx", "長" * 80 + ".xlsx"])
def test_the_longest_names_work(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    write_atomically(target, b"whole")
    assert target.read_bytes() == b"whole"
    assert is_temporary_of(temporary_for(target).name, target)
    assert not is_temporary_of(temporary_for(target).name, target.with_name("y" + name[1:]))


file_names = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=60).filter(
    lambda name: name not in {".", ".."}
)


@settings(deadline=None)
@given(file_names, file_names)
def test_a_temporary_belongs_to_exactly_one_name(first: str, second: str) -> None:
    target = Path("folder") / first
    name = temporary_for(target).name
    assert name.startswith(".")
    assert len(os.fsencode(name)) <= 255
    assert is_temporary_of(name, target)
    assert is_temporary_of(name, target.with_name(second)) == (first == second)
