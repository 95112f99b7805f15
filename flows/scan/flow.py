"""The scan as a Prefect flow: read, look up in batches, merge, report."""

from dataclasses import dataclass
from pathlib import Path

from prefect.runtime import flow_run

from flows.dead_runs import noted_run
from flows.notifying import notify_findings, notify_problem
from flows.opaque import opaque
from flows.run_flow import run_flow
from flows.scan.cleanup import clean_up
from flows.scan.keeping import settle
from flows.scan.looking_up import look_up
from flows.scan.merging import merge
from flows.scan.new_packages import resolve_new
from flows.scan.prepare import prepared_for
from flows.scan.prepared import PreparedScan
from flows.scan.progress_record import ProgressRecord, recorded
from flows.scan.renewing import note_renewed
from flows.scan.reporting import write_files, write_reports
from flows.scan.request import ResumeMode, ScanRequest
from flows.scan.results import metrics_of, result_of, statistics
from flows.scan.resume import scan_held
from flows.story.publish import is_deployed, is_retried, publish
from flows.story.scan_story import scan_pieces, scan_tags
from flows.sync.steps import refresh_store
from flows.turns import own_turn
from flows.unwritten import fail_unwritten
from tasks.checkpoints.model import ScanState
from tasks.engine.engine import close_engine
from tasks.http.redaction import guard_logs
from tasks.notifying.news import scan_news
from tasks.reports.result import ScanResult
from tasks.review.reviewer import utc_now


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """How a scan ended: its result, why the workbook was not written, where it was not, and what the run cost."""

    result: ScanResult
    merge_problem: str | None = None
    performance: tuple[str, ...] = ()


def _run_name() -> str:
    request: ScanRequest = flow_run.parameters["request"]
    return f"{request.workbook.name} {utc_now():%Y-%m-%d %H:%M:%S}"


@run_flow("scan", _run_name)
def scan(request: ScanRequest) -> ScanOutcome:
    """Look up every package of a review workbook and write what was found back into it."""
    guard_logs()
    with own_turn(request.workbook):
        outcome = _scan_in_turn(request)
    fail_unwritten(outcome.merge_problem)
    return opaque(outcome)


def going_on(request: ScanRequest) -> ScanRequest:
    """The request of a run that is tried again: it goes on from its own finished batches, also where it began anew."""
    anew = request.resume is ResumeMode.FRESH and is_retried()
    return request.model_copy(update={"resume": ResumeMode.AUTO}) if anew else request


def _scan_in_turn(request: ScanRequest) -> ScanOutcome:
    prepared = prepared_for(going_on(request))
    if request.sync and not request.offline:
        refresh_store(prepared.lookup)
    try:
        with noted_run(), scan_held(prepared.folders.root, prepared.scan_id):
            return _scan(prepared)
    finally:
        close_engine(prepared.lookup)


def _scan(prepared: PreparedScan) -> ScanOutcome:
    added = resolve_new(prepared)
    record = ProgressRecord(prepared, statistics(prepared))
    with recorded(record):
        found = look_up(prepared, added, record)
        record.write(ScanState.MERGING)
        merged = merge(prepared, added, found.run.reviews)
    result = result_of(prepared, found, merged, metrics_of(prepared, found.run))
    result = settle(prepared, result, merged.problem)
    write_files(prepared.request, result)
    write_reports(prepared, merged, result)
    if merged.problem is None:
        if merged.report is not None:
            note_renewed(prepared, found.run.reviews)
        record.write(ScanState.DONE)
    clean_up(prepared, finished=merged.problem is None)
    publish(scan_pieces(result, merged.problem, _files(prepared, result)), scan_tags(result, merged.problem))
    _notify(prepared, result, merged.problem)
    return ScanOutcome(result, merged.problem, tuple(record.statistics.lines))


def _notify(prepared: PreparedScan, result: ScanResult, problem: str | None) -> None:
    settings, workbook = prepared.settings.notifications, prepared.request.workbook.resolve()
    if problem is not None and not is_deployed():
        notify_problem(settings, f"{workbook.name} was not written", problem)
    news = scan_news(result.packages, settings.severity)
    notify_findings(settings, prepared.folders.root, str(workbook), news)


def _files(prepared: PreparedScan, result: ScanResult) -> dict[str, Path]:
    request = prepared.request
    found = {"Report": result.page, "Workbook": result.workbook, "JSON": request.json_file}
    found |= {"VEX": request.vex_file, "CSV": request.csv_file}
    return {what: path.resolve() for what, path in found.items() if path is not None}
