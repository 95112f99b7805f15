"""From a scan's outcome to the exit code."""

from flows.scan.flow import ScanOutcome
from tasks.advisories.model import Severity
from tasks.errors import ExitCode
from tasks.review.model import PackageReview, ReviewStatus


def exit_code(outcome: ScanOutcome, fail_on: str | None) -> ExitCode:
    """The code of the contract; a merge that failed outweighs findings, findings outweigh gaps."""
    reviews = outcome.result.packages
    if outcome.merge_problem is not None:
        return ExitCode.MERGE_FAILED
    if fail_on is not None and any(_reaches(review, Severity(fail_on.upper())) for review in reviews):
        return ExitCode.FINDINGS
    if any(review.status is ReviewStatus.FAILED or review.gaps for review in reviews):
        return ExitCode.INCOMPLETE
    return ExitCode.DONE


def _reaches(review: PackageReview, limit: Severity) -> bool:
    """Whether a finding counts at the gate; one of unknown severity does: a missing score must not hide it.

    So does a package that is reported as malicious where no version could be compared. What a decision in force is
    about does not.
    """
    return bool(review.reported_malicious) or any(
        v.malicious or v.severity is Severity.UNKNOWN or v.severity.rank >= limit.rank
        for v in review.open_vulnerabilities
    )
