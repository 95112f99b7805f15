"""The IOC scan as a Prefect flow: list, read in batches, match, report."""

import dataclasses
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from flows.ioc.keeping import settle
from flows.ioc.matching import Matched, match
from flows.ioc.merging import merge_findings
from flows.ioc.prepare import PreparedIoc, prepared_for
from flows.ioc.reading import Reading
from flows.ioc.record import IocRecord, recorded
from flows.ioc.request import IocRequest
from flows.opaque import opaque
from flows.scan.stopping import SignalStop
from flows.story.ioc_story import ioc_pieces, ioc_tags
from flows.story.progress import told_progress
from flows.story.publish import publish
from tasks.checkpoints.model import ScanState
from tasks.errors import SourceError
from tasks.github.model import Repository
from tasks.indicators.stored import StoredIndicators
from tasks.ioc.engine import IocEngine
from tasks.ioc.model import Candidate, RepositoryRecord, RepositoryStatus
from tasks.ioc.plan import Tree, candidates
from tasks.ioc_lookup import ioc_engine_for, list_files, list_repositories
from tasks.reports.findings import IocMetrics, IocResult, write_findings
from tasks.reports.sarif import write_sarif
from tasks.review.reviewer import utc_now

_CHUNK = 100
"""Repositories whose files one task run lists."""

_log = logging.getLogger(__name__)
_RUNNER: TaskRunner[PrefectFuture[Any]] = ThreadPoolTaskRunner(max_workers=64)  # type: ignore[assignment]  # invariant


@dataclass(slots=True)
class _Listed:
    """What there is to read."""

    trees: dict[str, Tree] = field(default_factory=dict)
    files: list[Candidate] = field(default_factory=list)
    repositories: list[RepositoryRecord] = field(default_factory=list)
    teams: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _run_name() -> str:
    request: IocRequest = flow_run.parameters["request"]
    return f"{request.org} {utc_now():%Y-%m-%d %H:%M:%S}"


@flow(name="ioc", flow_run_name=_run_name, task_runner=_RUNNER, persist_result=False)
def ioc(request: IocRequest) -> IocResult:
    """Find packages known to be malicious in the lockfiles of a GitHub organisation."""
    began, started_at = time.monotonic(), utc_now()
    prepared = prepared_for(request)
    engine = ioc_engine_for(prepared.terms)
    try:
        with noted_run():
            return _scan(prepared, engine, began, started_at)
    finally:
        ioc_engine_for.cache_clear()
        engine.close()
        prepared.indicators.close()


def _scan(prepared: PreparedIoc, engine: IocEngine, began: float, started_at: datetime) -> IocResult:
    record = IocRecord(prepared)
    with recorded(record), told_progress(prepared.request.org) as note, SignalStop(_log.warning) as stop:
        listed = _list(prepared)
        storage = _storage(prepared)
        reading = Reading(
            prepared, listed.trees, engine.inventory, storage, record, lambda: _quota(engine), stop, note=note
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


def _list(prepared: PreparedIoc) -> _Listed:
    """Repositories, their files, and which of those are lockfiles."""
    request, listed = prepared.request, _Listed()
    repositories, of_team = _repositories(prepared)
    if request.team:
        listed.teams[request.team] = tuple(one.full_name for one in of_team)
    _log.info("%d repositories", len(repositories))
    for start in range(0, len(repositories), _CHUNK):
        part = repositories[start : start + _CHUNK]
        trees = list_files(opaque(part), opaque(prepared.terms), len(part))
        for repository, tree in zip(part, trees, strict=True):
            _note(listed, repository, tree, fast=request.fast)
    _log.info("%d lockfiles in %d repositories", len(listed.files), len(listed.trees))
    return listed


def _note(listed: _Listed, repository: Repository, tree: Tree | SourceError, *, fast: bool) -> None:
    name, commit, archived = repository.full_name, repository.commit, repository.archived
    if isinstance(tree, SourceError):
        _log.warning("%s could not be read: %s", name, tree)
        failed = RepositoryRecord(name, RepositoryStatus.FAILED, commit, 0, archived, str(tree))
        listed.repositories.append(failed)
        return
    found = candidates(tree, only_root=fast)
    status = RepositoryStatus.SCANNED if repository.revision else RepositoryStatus.EMPTY
    listed.trees[name] = tree
    listed.files += found
    listed.repositories.append(RepositoryRecord(name, status, commit, len(found), archived))


def _repositories(prepared: PreparedIoc) -> tuple[tuple[Repository, ...], tuple[Repository, ...]]:
    """What is to be read, in order, and which of it is the named team's."""
    request = prepared.request
    terms = opaque(prepared.terms)
    if request.team and not request.team_first_org:
        own = list_repositories(request.org, terms, request.team, (), request.include_archived)
        return own, own
    everything = list_repositories(request.org, terms, None, request.repositories, request.include_archived)
    if not request.team_first_org:
        return everything, ()
    first = list_repositories(request.org, terms, request.team, (), request.include_archived)
    return tuple({one.full_name: one for one in (*first, *everything)}.values()), first


def _storage(prepared: PreparedIoc) -> ResultStorage:
    """The folder of batch results as a block; Prefect wants it saved before a task may use it."""
    storage = ResultStorage(folder=str(prepared.results.resolve()))
    storage.save(name="ioc-results", overwrite=True)
    return storage


def _quota(engine: IocEngine) -> int | None:
    """Requests left by what GitHub said last; None where it has not said."""
    return min((state.remaining for state in engine.rates.values()), default=None)


def _metrics(engine: IocEngine, reading: Reading, wall_s: float) -> IocMetrics:
    memory = psutil.Process().memory_info()
    return IocMetrics(
        wall_s=round(wall_s, 2),
        batches=reading.batches,
        cached_batches=reading.cached,
        requests={"github": engine.requests},
        peak_rss_mb=round(getattr(memory, "peak_wset", memory.rss) / 1e6),
        waited_s=round(engine.waited_s, 2),
        timeline=tuple(reading.spans),
    )


def _result(
    prepared: PreparedIoc, listed: _Listed, matched: Matched, metrics: IocMetrics, started_at: datetime
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
        notes=(*prepared.warnings, *_not_held_against(prepared, matched)),
        indicators_from=tuple(_described(store) for store in prepared.indicators.stores),
    )


def _described(store: StoredIndicators) -> str:
    held = ", ".join(f"{name} {count}" for name, count in store.summary.records.items())
    return f"{store.path} ({held}; synced {(time.time() - store.summary.checked_at) / 3600:.1f} h ago)"


def _not_held_against(prepared: PreparedIoc, matched: Matched) -> Iterator[str]:
    """Where the store alone is asked, packages of ecosystems that it lacks were compared with nothing."""
    synced = {name for store in prepared.indicators.stores for name in store.ecosystems}
    lacking = matched.ecosystems - synced
    if synced and not prepared.request.indicators and lacking:
        note = f"the advisory store holds nothing of {', '.join(sorted(lacking))}: such packages were not compared"
        _log.warning("%s; run python -m flows.sync --sources osv --ecosystems NAME ...", note)
        yield note


def _write(prepared: PreparedIoc, result: IocResult) -> IocResult:
    """Write what was asked for; the result, with the problem where the workbook could not be written."""
    request = prepared.request
    problem = merge_findings(prepared, result) if request.output is not None else None
    result = settle(prepared, dataclasses.replace(result, problem=problem))
    if request.json_file is not None:
        write_findings(request.json_file, result)
    if request.sarif is not None:
        write_sarif(request.sarif, result)
    return result


def _files(request: IocRequest) -> dict[str, Path]:
    found = {"Workbook": request.output, "JSON": request.json_file, "SARIF": request.sarif}
    return {what: path.resolve() for what, path in found.items() if path is not None}
