"""The merge task and its hooks in a real Prefect transaction."""

from datetime import datetime
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.schemas import TaskRun
from prefect.transactions import transaction

from flows.opaque import opaque
from tasks.errors import MergeError
from tasks.files.journal import journal_path
from tasks.merge.changes import CellChange
from tasks.merge.commit import MergePlan
from tasks.review.meaning import Meaning
from tasks.workbook.model import CellUpdate, Field
from tasks.workbook.reader import read_review
from tasks.write_back import JOURNAL, confirm_merge, merge_workbook
from tests.end_to_end.harness import make_workbook

pytestmark = pytest.mark.usefixtures("prefect_server")


def _plan(folder: Path) -> MergePlan:
    book = make_workbook(folder / "r.xlsx", [("alpha", "1.0")])
    read = read_review(book)
    update = CellUpdate(4, "F", "2.0", Meaning.VERSION_UPDATE.style)
    change = CellChange(4, "F", Field.LATEST_VERSION, "alpha", "", "2.0", Meaning.VERSION_UPDATE, update)
    return MergePlan(
        source=book,
        target=book,
        layout=read.layout,
        expected=read.fingerprint,
        changes=(change,),
        new_rows=(),
        after_row=4,
        backups=folder / "backups",
        scan_id="s",
        now=datetime(2026, 1, 1),  # noqa: DTZ001  file names carry local time
    )


@flow
def _merging(plan: MergePlan, *, fail: bool) -> None:
    with transaction() as running:
        running.set(JOURNAL, str(plan.journal))
        report = merge_workbook(opaque(plan))
        confirm_merge(opaque(plan), opaque(report))
        if fail:
            raise MergeError("a later step of the merge failed")


def test_a_merge_that_goes_well_leaves_a_backup_and_no_record(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    before = plan.target.read_bytes()
    _merging(opaque(plan), fail=False)
    assert read_review(plan.target).rows[0].cells[Field.LATEST_VERSION] == "2.0"
    assert [backup.read_bytes() for backup in plan.backups.glob("*.xlsx")] == [before]
    assert not journal_path(plan.backups, plan.target).exists()


def test_the_steps_of_a_merge_name_the_workbook(tmp_path: Path) -> None:
    plan, names = _plan(tmp_path), list[str]()

    def note(_task: object, run: TaskRun, _state: object) -> None:
        names.append(run.name)

    @flow
    def merging() -> None:
        with transaction() as running:
            running.set(JOURNAL, str(plan.journal))
            report = merge_workbook.with_options(on_completion=[note])(opaque(plan))
            confirm_merge.with_options(on_completion=[note])(opaque(plan), opaque(report))

    merging()
    assert names == ["merge into r.xlsx", "confirm r.xlsx"]


def test_a_later_failure_puts_the_workbook_back(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    before = plan.target.read_bytes()
    with pytest.raises(MergeError, match="later step"):
        _merging(opaque(plan), fail=True)
    assert plan.target.read_bytes() == before
    assert not journal_path(plan.backups, plan.target).exists()
