"""The Prefect task that writes the workbook, with the hooks that finish or undo it."""

import logging
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.transactions import Transaction

from tasks.files.journal import commit_merge
from tasks.files.recovery import roll_back
from tasks.merge.commit import MergePlan, MergeReport, write_changes

_log = logging.getLogger(__name__)

JOURNAL = "merge-journal"
"""The transaction's value that names the record of the open merge."""


@task(name="merge-workbook", persist_result=False, cache_policy=NO_CACHE)
def merge_workbook(plan: MergePlan) -> MergeReport:
    """Write all changes into the workbook in one replacement; the caller holds the workbook's lock."""
    return write_changes(plan)


@merge_workbook.on_commit
def _finish(transaction: Transaction) -> None:
    # A commit hook that raises makes Prefect roll back: it does this one thing, and the backup stays.
    commit_merge(Path(str(transaction.get(JOURNAL))))


@merge_workbook.on_rollback
def _undo(transaction: Transaction) -> None:
    recovery = roll_back(Path(str(transaction.get(JOURNAL))))
    _log.warning(recovery.sentence)
