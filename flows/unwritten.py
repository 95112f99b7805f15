"""A deployment's run that did not do what it is for fails: Prefect shows it, tells of it and tries it again.

From the command line the exit code says it.
"""

from collections.abc import Sequence

from flows.story.publish import is_deployed
from tasks.errors import MergeRefused, SourceError
from tasks.store.work import SourceReport


def fail_unwritten(problem: str | None) -> None:
    """MergeRefused in a deployment's run with a problem: why the workbook was not written."""
    if problem is not None and is_deployed():
        raise MergeRefused(f"The workbook was not written: {problem}. Finished batches are kept")


def fail_unsynced(reports: Sequence[SourceReport]) -> None:
    """SourceError in a deployment's run in which a source could not be synced."""
    failed = [f"{report.name}: {report.problem}" for report in reports if report.problem]
    if failed and is_deployed():
        raise SourceError(f"Not synced, what was held is kept: {'; '.join(failed)}")
