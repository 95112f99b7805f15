"""The Prefect task that writes the workbook, with the hooks that finish or undo it."""

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction

from tasks.errors import InputError, MergeError
from tasks.files.journal import commit_merge
from tasks.files.recovery import roll_back
from tasks.merge.commit import MergePlan, MergeReport, write_changes
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.reader import read_review

_log = logging.getLogger(__name__)

JOURNAL = "merge-journal"
"""The transaction's value that names the record of the open merge."""


@task(name="merge-workbook", task_run_name="merge into {plan.target.name}", persist_result=False, cache_policy=NO_CACHE)
def merge_workbook(plan: MergePlan) -> MergeReport:
    """Write all changes into the workbook in one replacement; the caller holds the workbook's lock."""
    return write_changes(plan)


@task(name="confirm-merge", task_run_name="confirm {plan.target.name}", persist_result=False, cache_policy=NO_CACHE)
def confirm_merge(plan: MergePlan, report: MergeReport) -> None:
    """Read the workbook in its place once more; MergeError, and with it the roll-back, when it cannot be read."""
    if not report.written:
        return
    layout = plan.layout
    try:
        read_review(plan.target, LayoutWanted(layout.sheet, layout.header_row, layout.data_start_row, layout.columns))
    except InputError as error:
        raise MergeError(f"{plan.target} cannot be read after the merge ({error}); it is put back as it was") from error


@merge_workbook.on_commit
def _finish(transaction: Transaction) -> None:
    # A commit hook that raises makes Prefect roll back: it does this one thing, and the backup stays.
    commit_merge(Path(str(transaction.get(JOURNAL))))


@merge_workbook.on_rollback
def _undo(transaction: Transaction) -> None:
    recovery = roll_back(Path(str(transaction.get(JOURNAL))))
    _log.warning(recovery.sentence)
