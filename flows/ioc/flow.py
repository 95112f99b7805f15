"""The IOC scan as a Prefect flow: list, read in batches, match, report."""

import dataclasses
import logging
import time
from datetime import datetime
from pathlib import Path

from prefect.runtime import flow_run

from blocks.results import ResultStorage
from flows.dead_runs import noted_run
from flows.ioc.keeping import settle
from flows.ioc.listing import Listed, list_all
from flows.ioc.matching import Matched, match
from flows.ioc.merging import merge_findings
from flows.ioc.prepare import PreparedIoc, prepared_for
from flows.ioc.reading import Reading
from flows.ioc.record import IocRecord, recorded
from flows.ioc.request import IocRequest
from flows.ioc.submitting import BatchSubmitter
from flows.notifying import notify_findings
from flows.opaque import opaque
from flows.run_flow import run_flow
from flows.runners.choice import runner_of
from flows.scan.stopping import SignalStop
from flows.story.ioc_story import ioc_pieces, ioc_tags
from flows.story.progress import told_progress
from flows.story.publish import is_retried, publish
from flows.unwritten import fail_unwritten
from tasks.checkpoints.model import ScanState
from tasks.engine.peak import peak_rss_mb
from tasks.exports.writing import write_ioc_exports
from tasks.http.redaction import guard_logs
from tasks.indicators.stored import StoredIndicators
from tasks.ioc.engine import IocEngine
from tasks.ioc_lookup import close_ioc_engine, ioc_engine_for
from tasks.notifying.news import ioc_news
from tasks.reports.findings import IocMetrics, IocResult, write_findings
from tasks.reports.sarif import write_sarif
from tasks.review.reviewer import utc_now
from tasks.settings.load import load_settings
from tasks.store.state import hours_since

_log = logging.getLogger(__name__)


def _run_name() -> str:
    request: IocRequest = flow_run.parameters["request"]
    return f"{request.org} {utc_now():%Y-%m-%d %H:%M:%S}"


@run_flow("ioc", _run_name)
def ioc(request: IocRequest) -> IocResult:
    """Find packages known to be malicious in the lockfiles of a GitHub organisation."""
    guard_logs()
    began, started_at = time.monotonic(), utc_now()
    if is_retried():  # it goes on from its own finished batches, also where it began anew
        request = request.model_copy(update={"start_fresh": False})
    prepared = prepared_for(request)
    engine = ioc_engine_for(prepared.terms)
    try:
        with noted_run():
            result = _scan(prepared, engine, began, started_at)
    finally:
        close_ioc_engine(prepared.terms)
        prepared.indicators.close()
    fail_unwritten(result.problem)
    return opaque(result)


def _scan(prepared: PreparedIoc, engine: IocEngine, began: float, started_at: datetime) -> IocResult:
    record = IocRecord(prepared)
    with recorded(record), told_progress(prepared.request.org) as note, SignalStop(_log.warning) as stop:
        listed = list_all(prepared)
        with runner_of(prepared.execution, prepared.terms.limits.batches) as runner:
            submit = BatchSubmitter(prepared, _storage(prepared), runner, engine)
            reading = Reading(
                prepared,
                listed.trees,
                engine.inventory,
                submit,
                record,
                lambda: _quota(engine),
                stop,
                note=note,
            )
            reading.run(listed.files)
            stop.leave()
        matched = match(prepared, listed.files, reading)
        metrics = _metrics(engine, reading, time.monotonic() - began)
        result = _result(prepared, listed, matched, metrics, started_at)
        result = _write(prepared, result)
    if reading.exhausted is not None:
        record.write(ScanState.INTERRUPTED)
    else:
        record.finish()
    if prepared.config.enable_performance_monitoring:
        _say_performance(reading)
    publish(ioc_pieces(result, _files(prepared.request)), ioc_tags(result))
    notifications = load_settings(prepared.request.config).settings.notifications
    notify_findings(notifications, prepared.request.data_dir, result.target, ioc_news(result))
    return result


def _say_performance(reading: Reading) -> None:
    metrics = reading.collector.metrics()
    if metrics.total_requests:
        _log.info(
            "Batches: %.1f files each, %d requests fewer than one a file",
            metrics.average_batch_size,
            metrics.api_calls_saved,
        )
    for line in reading.collector.identify_optimization_opportunities():
        _log.info("%s", line)


def _storage(prepared: PreparedIoc) -> ResultStorage:
    """The place of batch results as a block; Prefect wants it saved before a task may use it."""
    storage = ResultStorage(address=prepared.records.address)
    storage.save(name="ioc-results", overwrite=True)
    return storage


def _quota(engine: IocEngine) -> int | None:
    """Requests left by what GitHub said last; None where it has not said."""
    return min((state.remaining for state in engine.rates.values()), default=None)


def _metrics(engine: IocEngine, reading: Reading, wall_s: float) -> IocMetrics:
    return IocMetrics(
        wall_s=round(wall_s, 2),
        batches=reading.batches,
        cached_batches=reading.cached,
        requests={"github": engine.requests},
        peak_rss_mb=peak_rss_mb(),
        waited_s=round(engine.waited_s, 2),
        timeline=tuple(reading.spans),
    )


def _result(
    prepared: PreparedIoc, listed: Listed, matched: Matched, metrics: IocMetrics, started_at: datetime
) -> IocResult:
    return IocResult(
        scan_id=prepared.scan_id,
        target=prepared.request.target,
        started_at=started_at,
        finished_at=utc_now(),
        findings=matched.findings,
        possible=matched.possible,
        files=matched.files,
        repositories=tuple(listed.repositories),
        metrics=metrics,
        teams=listed.teams,
        indicators=prepared.indicators.count,
        withdrawn=prepared.indicators.withdrawn,
        indicators_digest=prepared.indicators.digest,
        notes=prepared.warnings,
        uncompared=uncompared(prepared, matched),
        indicators_from=tuple(_described(store) for store in prepared.indicators.stores),
    )


def _described(store: StoredIndicators) -> str:
    held = ", ".join(f"{name} {count}" for name, count in store.summary.records.items())
    hours = hours_since(store.summary.checked_at, time.time())
    return f"{store.path} ({held}; synced {'at a time still to come' if hours is None else f'{hours:.1f} h ago'})"


def uncompared(prepared: PreparedIoc, matched: Matched) -> tuple[str, ...]:
    """Ecosystems whose packages were held against nothing: empty lists, or a store alone that has none."""
    if not prepared.indicators.count:
        return tuple(sorted(matched.ecosystems))
    synced = {name for store in prepared.indicators.stores for name in store.ecosystems}
    lacking = matched.ecosystems - synced
    if not (synced and not prepared.request.indicators and lacking):
        return ()
    names = " ".join(sorted(lacking))
    _log.warning("Not compared: packages of %s; run python -m flows.sync --sources osv --ecosystems %s", names, names)
    return tuple(sorted(lacking))


def _write(prepared: PreparedIoc, result: IocResult) -> IocResult:
    """Write what was asked for; the result, with the problem where the workbook could not be written."""
    request = prepared.request
    problem = merge_findings(prepared, result) if request.output is not None else None
    result = settle(prepared, dataclasses.replace(result, problem=problem))
    if request.json_file is not None:
        write_findings(request.json_file, result)
    if request.sarif is not None:
        write_sarif(request.sarif, result)
    write_ioc_exports(result, cyclonedx=request.cyclonedx)
    return result


def _files(request: IocRequest) -> dict[str, Path]:
    found = {"Workbook": request.output, "JSON": request.json_file, "SARIF": request.sarif}
    found |= {"CycloneDX": request.cyclonedx}
    return {what: path.resolve() for what, path in found.items() if path is not None}
