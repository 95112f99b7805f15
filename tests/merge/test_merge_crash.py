"""A real merge, killed or failed by its disk at every durable step: old or new, whole, and the next run completes."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import MergeError
from tasks.files.journal import commit_merge
from tasks.files.steps import HookedSteps
from tasks.merge.commit import settle_interrupted, write_changes
from tests.end_to_end.harness import make_workbook
from tests.merge.crash_driver import plan_for, state_of

PACKAGES = [(f"pkg-{number}", "1.0") for number in range(5)]


@pytest.mark.skipif(sys.platform == "win32", reason="the driver forks")
def test_killed_at_every_step(tmp_path: Path, project_root: Path) -> None:
    book = make_workbook(tmp_path / "r.xlsx", PACKAGES)
    command = [sys.executable, "-m", "tests.merge.crash_driver", str(book)]
    ran = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True)
    kills = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {"replace", "sync_file", "sync_folder", "write"} <= {kill["name"] for kill in kills}
    assert {kill["after"] for kill in kills} == {"old", "new"}
    assert {kill["next"] for kill in kills} == {"new"}
    assert [kill for kill in kills if kill["left"]] == []
    assert {kill["settled"] for kill in kills} >= {"nothing", "finished", "undone"}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_disk_that_fails_at_any_step_leaves_the_old_or_the_new_workbook(tmp_path: Path, code: int) -> None:
    book = make_workbook(tmp_path / "r.xlsx", PACKAGES)
    old, problems = book.read_bytes(), []
    for number in range(1, 1000):
        book.write_bytes(old)
        steps, plan = _failing_at(number, code), plan_for(book)
        try:
            write_changes(plan, steps)
        except MergeError as error:
            problems.append(str(error))
        assert state_of(book, old) in {"old", "new"}
        settle_interrupted(book, plan.backups)
        if steps.count < number:
            break
        again = plan_for(book)
        write_changes(again)
        if again.journal.exists():
            commit_merge(again.journal)
        assert state_of(book, old) == "new"
    assert len(problems) > 10
    assert all(len(problem.splitlines()) == 1 for problem in problems)


def _failing_at(number: int, code: int) -> HookedSteps:
    def hook(count: int, _name: str) -> None:
        if count == number:
            raise OSError(code, "planted")

    return HookedSteps(hook)
