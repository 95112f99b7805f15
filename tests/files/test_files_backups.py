"""Dated copies: their names, and how long they are kept."""

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.files.backups import backup_path, list_backups, prune
from tasks.files.steps import HookedSteps

NOW = datetime.fromisoformat("2026-11-22T17:08:09")


def make(folder: Path, workbook: str, *days_ago: float) -> list[Path]:
    made = []
    for days in days_ago:
        path = backup_path(folder, Path(workbook), NOW - timedelta(days=days))
        path.write_bytes(b"x" * 10)
        made.append(path)
    return made


def test_names_carry_the_time_and_the_workbooks_own_suffix(tmp_path: Path) -> None:
    first = backup_path(tmp_path, Path("user/packages.v2.xlsm"), NOW)
    assert first == tmp_path / "packages.v2.backup_20261122_170809.xlsm"
    first.touch()
    second = backup_path(tmp_path, Path("user/packages.v2.xlsm"), NOW)
    assert second.name == "packages.v2.backup_20261122_170809_2.xlsm"
    second.symlink_to(tmp_path / "nowhere")
    assert backup_path(tmp_path, Path("packages.v2.xlsm"), NOW).name.endswith("_170809_3.xlsm")


def test_a_very_long_name_still_makes_a_file(tmp_path: Path) -> None:
    path = backup_path(tmp_path, Path("ä" * 120 + ".xlsx"), NOW)
    path.touch()
    assert list_backups(tmp_path)[0].taken_at == NOW


def test_only_our_own_files_count(tmp_path: Path) -> None:
    for name in (
        "packages.xlsx",
        "packages.backup_20261122.xlsx",
        "packages.backup_20261399_250000.xlsx",
        "packages.backup_20261122_170809.xlsx.part",
        ".backup_20261122_170809.xlsx",
        "packages.merge.json",
    ):
        (tmp_path / name).touch()
    (tmp_path / "dir.backup_20261122_170809.xlsx").mkdir()
    (tmp_path / "link.backup_20261122_170809.xlsx").symlink_to(tmp_path / "packages.xlsx")
    (ours,) = make(tmp_path, "packages.xlsx", 3)
    assert [backup.path for backup in list_backups(tmp_path)] == [ours]
    assert list_backups(tmp_path / "none") == ()


def test_by_count_the_oldest_of_each_workbook_go(tmp_path: Path) -> None:
    first = make(tmp_path, "a.xlsx", 0, 1, 2, 3)
    second = make(tmp_path, "b.xlsx", 0, 1)
    gone = prune(tmp_path, keep_count=2, keep_days=99, free_bytes_wanted=0, now=NOW)
    assert set(gone.removed) == set(first[2:])
    assert all(path.exists() for path in (*first[:2], *second))


def test_by_age_all_but_the_newest_go(tmp_path: Path) -> None:
    old = make(tmp_path, "a.xlsx", 40, 50, 60)
    mixed = make(tmp_path, "b.xlsx", 29, 31)
    gone = prune(tmp_path, keep_count=9, keep_days=30, free_bytes_wanted=0, now=NOW)
    assert set(gone.removed) == {*old[1:], mixed[1]}
    assert old[0].exists()


def test_two_of_one_second_are_ordered_by_their_number(tmp_path: Path) -> None:
    paths = make(tmp_path, "a.xlsx", *[0] * 11)
    gone = prune(tmp_path, keep_count=2, keep_days=9, free_bytes_wanted=0, now=NOW)
    assert set(gone.removed) == set(paths[:9])


def test_a_short_disk_takes_the_oldest_until_there_is_room(tmp_path: Path) -> None:
    first, second = make(tmp_path, "a.xlsx", 0, 2, 4), make(tmp_path, "b.xlsx", 1, 3, 5)

    def free(folder: Path) -> int:
        return 80 - 10 * len(list(folder.iterdir()))

    gone = prune(tmp_path, keep_count=9, keep_days=99, free_bytes_wanted=50, now=NOW, free=free)
    assert gone.removed == (second[2], first[2], second[1])
    gone = prune(tmp_path, keep_count=9, keep_days=99, free_bytes_wanted=10**6, now=NOW, free=free)
    assert gone.removed == (first[1],)
    assert sorted(tmp_path.iterdir()) == sorted((first[0], second[0]))


def test_what_cannot_be_removed_is_told(tmp_path: Path) -> None:
    paths = make(tmp_path, "a.xlsx", 0, 1, 2)

    def stuck(number: int, name: str) -> None:
        if number == 1:
            raise PermissionError(13, "Permission denied")

    gone = prune(tmp_path, keep_count=1, keep_days=9, free_bytes_wanted=0, now=NOW, steps=HookedSteps(stuck))
    assert gone.failed == ((paths[1], "Permission denied"),)
    assert gone.removed == (paths[2],)


@settings(max_examples=50, deadline=None)
@given(
    ages=st.lists(st.tuples(st.sampled_from(["a.xlsx", "a.xlsm", "b c.xlsx"]), st.integers(0, 60)), max_size=12),
    keep_count=st.integers(0, 5),
    keep_days=st.integers(0, 60),
    wanted=st.integers(0, 200),
)
def test_the_newest_of_each_workbook_and_strangers_files_always_stay(
    ages: list[tuple[str, int]], keep_count: int, keep_days: int, wanted: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stranger = folder / "a.xlsx"
        stranger.touch()
        for workbook, days in ages:
            make(folder, workbook, days)
        before = list_backups(folder)
        newest = {workbook: min(days for name, days in ages if name == workbook) for workbook, _ in ages}
        gone = prune(
            folder, keep_count=keep_count, keep_days=keep_days, free_bytes_wanted=wanted, now=NOW, free=lambda _: 100
        )
        after = list_backups(folder)
        kept = {backup.workbook: backup.taken_at for backup in reversed(after)}
        assert kept == {workbook: NOW - timedelta(days=days) for workbook, days in newest.items()}
        per_workbook = Counter(backup.workbook for backup in after)
        assert all(number <= max(1, keep_count) for number in per_workbook.values())
        assert wanted <= 100 or all(number == 1 for number in per_workbook.values())
        assert {backup.path for backup in before} == {backup.path for backup in after} | set(gone.removed)
        assert stranger.exists()
