"""The scan as a Prefect flow: read, look up in batches, merge, report."""

import dataclasses
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from prefect import flow
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from blocks.results import ResultStorage
from flows.dead_runs import noted_run
from flows.scan.batches import BatchRun
from flows.scan.cleanup import clean_up
from flows.scan.enriching import enrich
from flows.scan.keeping import settle
from flows.scan.lookups import PrefectLookups
from flows.scan.merging import Merged, merge
from flows.scan.new_packages import NewPackage, resolve_new
from flows.scan.prepare import prepared_for
from flows.scan.prepared import PreparedScan, key_of
from flows.scan.progress_record import ProgressRecord, recorded
from flows.scan.renewing import note_renewed
from flows.scan.reporting import conflict_sentence, write_reports
from flows.scan.request import ScanRequest
from flows.scan.resume import scan_held, take_over_results
from flows.scan.stopping import SignalStop
from flows.story.progress import TellingDisplay, told_progress
from flows.story.publish import publish
from flows.story.scan_story import scan_pieces, scan_tags
from flows.sync.steps import refresh_store
from tasks.checkpoints.batches import identity
from tasks.checkpoints.model import ScanState
from tasks.checkpoints.statistics import RunStatistics
from tasks.engine.engine import engine_for
from tasks.progress.display import Narrator, make_display
from tasks.progress.tally import Tally
from tasks.reports.result import RunMetrics, ScanResult, write_result
from tasks.review.model import PackageReview
from tasks.review.reviewer import utc_now


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """How a scan ended: its result, why the workbook was not written, where it was not, and what the run cost."""

    result: ScanResult
    merge_problem: str | None = None
    performance: tuple[str, ...] = ()


_log = logging.getLogger(__name__)
_RUNNER: TaskRunner[PrefectFuture[Any]] = ThreadPoolTaskRunner(max_workers=64)  # type: ignore[assignment]  # invariant


def _run_name() -> str:
    request: ScanRequest = flow_run.parameters["request"]
    return f"{request.workbook.name} {utc_now():%Y-%m-%d %H:%M:%S}"


@flow(name="scan", flow_run_name=_run_name, task_runner=_RUNNER, persist_result=False)
def scan(request: ScanRequest) -> ScanOutcome:
    """Look up every package of a review workbook and write what was found back into it."""
    began, started_at = time.monotonic(), utc_now()
    prepared = prepared_for(request)
    if request.sync and not request.offline:
        refresh_store(prepared.lookup)
    try:
        with noted_run(), scan_held(prepared.folders.root, prepared.scan_id):
            return _scan(prepared, began, started_at)
    finally:
        engine_for(prepared.lookup).close()
        engine_for.cache_clear()


def _scan(prepared: PreparedScan, began: float, started_at: datetime) -> ScanOutcome:
    added = resolve_new(prepared)
    record = ProgressRecord(prepared, _statistics(prepared))
    with recorded(record):
        run, reviews, told = _look_up(prepared, added, record)
        record.write(ScanState.MERGING)
        merged = merge(prepared, added, run.reviews)
    metrics = _metrics(prepared, run, time.monotonic() - began)
    result = _result(prepared, reviews, merged, metrics, started_at)
    result = settle(prepared, dataclasses.replace(result, notes=(*result.notes, *told)), merged.problem)
    if prepared.request.json_file is not None:
        write_result(prepared.request.json_file, result)
    write_reports(prepared, merged, result)
    if merged.problem is None:
        if merged.report is not None:
            note_renewed(prepared, run.reviews)
        record.write(ScanState.DONE)
    clean_up(prepared, finished=merged.problem is None)
    publish(scan_pieces(result, merged.problem, _files(prepared, result)), scan_tags(result, merged.problem))
    return ScanOutcome(result, merged.problem, tuple(record.statistics.lines))


def _files(prepared: PreparedScan, result: ScanResult) -> dict[str, Path]:
    found = {"Report": result.page, "Workbook": result.workbook, "JSON": prepared.request.json_file}
    return {what: path.resolve() for what, path in found.items() if path is not None}


def _look_up(
    prepared: PreparedScan, added: tuple[NewPackage, ...], record: ProgressRecord
) -> tuple[BatchRun, tuple[PackageReview, ...], tuple[str, ...]]:
    """Review every chosen row and every added package; one review a row, in sheet order, added ones last.

    The last value says which sources could not tell what they know.
    """
    keys = [*prepared.keys, *(package.key for package in added)]
    storage = _result_storage(prepared)
    display = make_display(prepared.request.display, len(keys), _log.info)
    record.begin()
    take_over_results(prepared)
    tally = Tally(len(keys), time.monotonic)
    with (
        told_progress(prepared.request.workbook.name) as note,
        Narrator(tally, TellingDisplay(display, note)) as narrator,
        SignalStop(_log.warning) as stop,
    ):
        lookups = PrefectLookups(storage, prepared.lookup)
        ahead = engine_for(prepared.lookup).expect_projects
        run = BatchRun(prepared, lookups, narrator, record, _log.warning, stop, look_ahead=ahead)
        run.review(keys)
        stop.leave()
    enrichment = enrich(prepared, run)
    rows = [(row.row, key_of(row)) for row in prepared.selection.rows]
    rows += [(package.row, package.key) for package in added]
    reviews = tuple(
        run.reviews[identity(key)].model_copy(update={"row": number, "name": key.name}) for number, key in rows
    )
    return run, reviews, tuple(enrichment.sentences())


def _statistics(prepared: PreparedScan) -> RunStatistics:
    return RunStatistics(time.monotonic, _peak_rss_mb, lambda: _requests(prepared))


def _requests(prepared: PreparedScan) -> dict[str, int]:
    services = engine_for(prepared.lookup).metrics()
    return {name.value: figures.requests for name, figures in services.items() if figures.requests}


def _result_storage(prepared: PreparedScan) -> ResultStorage:
    """The folder of batch results as a block; Prefect wants it saved before a task may use it."""
    folder = str(prepared.folders.results.resolve())
    storage = ResultStorage(folder=folder)
    storage.save(name="scan-results", overwrite=True)
    return storage


def _metrics(prepared: PreparedScan, run: BatchRun, wall_s: float) -> RunMetrics:
    services = {name.value: figures for name, figures in engine_for(prepared.lookup).metrics().items()}
    asked = {name: figures for name, figures in services.items() if figures.requests or figures.cache_hits}
    told = asked if prepared.settings.performance.enable_performance_monitoring else {}
    return RunMetrics(
        wall_s=round(wall_s, 2),
        batches=run.batches,
        cached_batches=run.cached,
        requests={name: figures.requests for name, figures in asked.items()},
        peak_rss_mb=_peak_rss_mb(),
        services={name: dataclasses.asdict(figures) for name, figures in told.items()},
        timeline=tuple(run.spans),
    )


def _peak_rss_mb() -> int:
    memory = psutil.Process().memory_info()
    return round(getattr(memory, "peak_wset", memory.rss) / 1e6)


def _result(
    prepared: PreparedScan,
    reviews: tuple[PackageReview, ...],
    merged: Merged,
    metrics: RunMetrics,
    started_at: datetime,
) -> ScanResult:
    report = merged.report
    return ScanResult(
        scan_id=prepared.scan_id,
        input=prepared.request.workbook,
        started_at=started_at,
        finished_at=utc_now(),
        packages=reviews,
        metrics=metrics,
        workbook=report.target if report else None,
        backup=report.backup if report else None,
        changed_cells=report.changed_cells if report else 0,
        notes=tuple(_notes(prepared, merged)),
    )


def _notes(prepared: PreparedScan, merged: Merged) -> Iterator[str]:
    """Sentences about the run as a whole: odd rows, settings without effect, what the merge left alone."""
    yield from prepared.warnings
    yield from (reason for _, reason in prepared.workbook.odd_rows)
    yield from (conflict_sentence(conflict) for conflict in merged.reconciled.conflicts)
    yield from (row.sentence for row in merged.reconciled.gone)
    yield from (row.sentence for row in merged.reconciled.replaced)
    yield from merged.report.warnings if merged.report else ()
