"""The reports of a scan, under the data folder's `output/`: what changed, and what the format check found."""

from datetime import datetime

from flows.scan.merging import Merged
from flows.scan.prepared import PreparedScan
from flows.scan.request import ScanRequest
from tasks.exports.writing import write_review_exports
from tasks.merge.reconciled import Conflict, Decision
from tasks.reports.changes import ChangesReport, changes_document, changes_lines, differences_of, differences_of_new
from tasks.reports.files import write_report
from tasks.reports.formats import FormatReport, formats_document, formats_lines
from tasks.reports.result import ScanResult, write_result
from tasks.review.model import ReviewStatus


def write_files(request: ScanRequest, result: ScanResult) -> None:
    """Write the result as the files that were asked for; CheckpointError at the first that cannot be written."""
    if request.json_file is not None:
        write_result(request.json_file, result)
    write_review_exports(result, vex=request.vex_file, csv=request.csv_file)


def write_reports(prepared: PreparedScan, merged: Merged, result: ScanResult) -> None:
    """Write the reports of a merge; one that cannot be written is a warning: the workbook is what counts."""
    if merged.report is None:
        return
    folder, now = prepared.folders.output, datetime.now()  # noqa: DTZ005  reports carry the reviewer's own time
    changes = _changes_report(prepared, merged, result, now)
    write_report(folder, "changes_report", now, changes_lines(changes), changes_document(changes, lazy=True))
    if prepared.request.format_check:
        formats = FormatReport(now, prepared.target, len(prepared.workbook.rows), merged.issues, fixed=True)
        write_report(folder, "format_check_report", now, formats_lines(formats), formats_document(formats))


def _changes_report(prepared: PreparedScan, merged: Merged, result: ScanResult, now: datetime) -> ChangesReport:
    layout = prepared.workbook.layout
    return ChangesReport(
        generated=now,
        original=prepared.request.workbook,
        output=prepared.target,
        differences=(
            *differences_of(merged.reconciled.changes),
            *differences_of_new(merged.new_rows, merged.after_row, layout),
        ),
        merge=merged.reconciled,
        processed=len(result.packages),
        failed=sum(1 for review in result.packages if review.status is ReviewStatus.FAILED),
    )


def conflict_sentence(conflict: Conflict) -> str:
    """One conflict for the summary: what, where, and who won."""
    winner = "the scan's text was written" if conflict.decided is Decision.OURS else "your text stays"
    place = f"{conflict.package}, {conflict.field} ({conflict.column}{conflict.row})"
    return f"Conflict: {place} was changed while the scan ran; {winner} (--merge-strategy decides)"
