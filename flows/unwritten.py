"""A deployment's run that could not write its workbook fails: Prefect shows it, tells of it and tries it again."""

from flows.story.publish import is_deployed
from tasks.errors import MergeRefused


def fail_unwritten(problem: str | None) -> None:
    """MergeRefused in a deployment's run with a problem; from the command line the exit code (4) says it."""
    if problem is not None and is_deployed():
        raise MergeRefused(f"The workbook was not written: {problem}. Finished batches are kept")
