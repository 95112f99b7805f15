"""Old reports go, the newest few of each workbook stay, and nothing of another name is touched."""

import json
from pathlib import Path

import pytest

from tasks.reports.retention import prune_reports


def _report(folder: Path, second: int, target: str | None = "a.xlsx", kind: str = "scan", key: str = "input") -> str:
    name = f"{kind}_report_20260304_0506{second:02}"
    for suffix in (".txt", ".html"):
        (folder / f"{name}{suffix}").write_text("words")
    document = {"schema": 1, **({key: target} if target else {}), "packages": [{"input": "no target"}]}
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
    return name


def _left(folder: Path) -> set[str]:
    return {path.stem for path in folder.iterdir()}


def test_the_newest_reports_of_each_workbook_stay(tmp_path: Path) -> None:
    names = [_report(tmp_path, second) for second in range(5)]
    other = _report(tmp_path, 0, "b.xlsx", kind="changes", key="original")
    gone = prune_reports(tmp_path, 2)
    assert _left(tmp_path) == {*names[3:], other}
    assert len(gone) == 9, "text, JSON and page of three"
    assert prune_reports(tmp_path, 2) == ()


def test_the_newest_of_a_workbook_stays_however_many_came_after_it(tmp_path: Path) -> None:
    first = _report(tmp_path, 0, 'odd "name"\\.xlsx')
    later = [_report(tmp_path, second) for second in range(1, 4)]
    prune_reports(tmp_path, 1)
    assert _left(tmp_path) == {first, later[-1]}


@pytest.mark.parametrize("kind", ["scan", "ioc", "changes", "review", "format_check"])
def test_reports_whose_target_is_not_told_are_of_one_kind(tmp_path: Path, kind: str) -> None:
    names = [_report(tmp_path, second, None, kind) for second in range(3)]
    (tmp_path / f"{names[2]}.json").write_bytes(b"\xff damaged")
    prune_reports(tmp_path, 2)
    assert _left(tmp_path) == set(names[1:])


def test_files_of_other_names_stay(tmp_path: Path) -> None:
    _report(tmp_path, 0)
    newest = _report(tmp_path, 1)
    names = [
        "scan_report_20260304_050600 copy.html",
        "my_scan_report_20260304_050600.html",
        "scan_report_20260304.html",
        "scan_report_20260304_050600.xlsx",
        "scan_report_20260304_050600.html.bak",
    ]
    for name in names:
        (tmp_path / name).write_text("mine")
    (tmp_path / "ioc_report_20260304_050600.json").mkdir()
    prune_reports(tmp_path, 1)
    kept = {path.name for path in tmp_path.iterdir() if not path.name.startswith(newest)}
    assert kept == {*names, "ioc_report_20260304_050600.json"}


def test_a_link_is_not_followed_or_removed(tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.html", tmp_path / "output"
    folder.mkdir()
    outside.write_text("mine")
    link = folder / "scan_report_20200101_000000.html"
    link.symlink_to(outside)
    _report(folder, 1, None)
    prune_reports(folder, 1)
    assert link.is_symlink()
    assert outside.exists()


def test_without_a_folder_there_is_nothing_to_remove(tmp_path: Path) -> None:
    assert prune_reports(tmp_path / "missing", 1) == ()
