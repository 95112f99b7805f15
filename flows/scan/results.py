"""What a scan came to, for its reports: the result with its notes, and what the run cost."""

import dataclasses
from collections.abc import Iterator

from flows.scan.batches import BatchRun
from flows.scan.looking_up import LookedUp
from flows.scan.merging import Merged
from flows.scan.prepared import PreparedScan
from flows.scan.reporting import conflict_sentence
from tasks.checkpoints.statistics import RunStatistics
from tasks.engine.engine import engine_for
from tasks.engine.peak import peak_rss_mb
from tasks.reports.result import RunMetrics, ScanResult
from tasks.review.reviewer import utc_now
from tasks.review.upgrade_plan import upgrade_plan


def statistics(prepared: PreparedScan) -> RunStatistics:
    """Figures of the run as it goes, for its record."""
    return RunStatistics(lambda: prepared.began.seconds, peak_rss_mb, lambda: _requests(prepared))


def _requests(prepared: PreparedScan) -> dict[str, int]:
    services = engine_for(prepared.lookup).metrics()
    return {name.value: figures.requests for name, figures in services.items() if figures.requests}


def metrics_of(prepared: PreparedScan, run: BatchRun) -> RunMetrics:
    """What the run cost until now: seconds, memory in MB, requests by service."""
    services = {name.value: figures for name, figures in engine_for(prepared.lookup).metrics().items()}
    asked = {name: figures for name, figures in services.items() if figures.requests or figures.cache_hits}
    told = asked if prepared.settings.performance.enable_performance_monitoring else {}
    return RunMetrics(
        wall_s=round(prepared.began.seconds, 2),
        batches=run.batches,
        cached_batches=run.cached,
        requests={name: figures.requests for name, figures in asked.items()},
        peak_rss_mb=peak_rss_mb(),
        services={name: dataclasses.asdict(figures) for name, figures in told.items()},
        timeline=tuple(run.spans),
    )


def result_of(prepared: PreparedScan, found: LookedUp, merged: Merged, metrics: RunMetrics) -> ScanResult:
    """The result as it stands after the merge: every review, and notes on the run as a whole."""
    report = merged.report
    return ScanResult(
        scan_id=prepared.scan_id,
        input=prepared.request.workbook,
        started_at=prepared.began.at,
        finished_at=utc_now(),
        packages=found.reviews,
        metrics=metrics,
        workbook=report.target if report else None,
        backup=report.backup if report else None,
        changed_cells=report.changed_cells if report else 0,
        added_rows=len(merged.new_rows) if report else 0,
        notes=(*_notes(prepared, merged), *found.told),
        oldest_answers=found.oldest,
        decisions=found.decisions,
        upgrades=upgrade_plan(found.reviews, prepared.settings.upgrade.python),
    )


def _notes(prepared: PreparedScan, merged: Merged) -> Iterator[str]:
    """Sentences about the run as a whole: odd rows, settings without effect, what the merge left alone."""
    yield from prepared.warnings
    yield from prepared.told
    yield from (reason for _, reason in prepared.workbook.odd_rows)
    yield from (conflict_sentence(conflict) for conflict in merged.reconciled.conflicts)
    yield from (row.sentence for row in merged.reconciled.gone)
    yield from (row.sentence for row in merged.reconciled.replaced)
    yield from merged.report.warnings if merged.report else ()
