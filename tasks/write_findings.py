"""The Prefect task that looks at the findings workbook in its place, before the merge is committed."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.errors import InputError, MergeError
from tasks.merge.commit import MergePlan, MergeReport
from tasks.workbook.reader import read_sheets


@task(name="confirm-findings", task_run_name="confirm {plan.target.name}", persist_result=False, cache_policy=NO_CACHE)
def confirm_findings(plan: MergePlan, report: MergeReport) -> None:
    """Read the workbook once more; MergeError, and with it the roll-back, when it cannot be read."""
    if not report.written:
        return
    try:
        read_sheets(plan.target, {edits.sheet for edits in plan.sheets})
    except InputError as error:
        raise MergeError(f"{plan.target} cannot be read after the merge ({error}); it is put back as it was") from error
