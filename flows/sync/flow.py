"""The sync as a Prefect flow: one task run per source, each with a transaction of its own."""

import dataclasses
from typing import Any

from prefect.runtime import flow_run

from flows.dead_runs import noted_run
from flows.run_flow import run_flow
from flows.sync.lookup import sync_lookup
from flows.sync.request import SyncRequest
from flows.sync.steps import sync_all
from flows.unwritten import fail_unsynced
from tasks.http.redaction import guard_logs
from tasks.review.reviewer import utc_now
from tasks.store.sync import SyncPlan, planned


def _run_name() -> str:
    request: SyncRequest = flow_run.parameters["request"]
    return f"sync {request.data_dir} {utc_now():%Y-%m-%d %H:%M:%S}"


@run_flow("sync", _run_name)
def sync(request: SyncRequest) -> list[dict[str, Any]]:
    """Bring the advisory store up to date; one SourceReport as plain data per source. A failed one keeps its data."""
    guard_logs()
    lookup = sync_lookup(request)
    plan = SyncPlan(allow_shrink=request.allow_shrink, full=request.full, epss_file=request.epss_file)
    names = planned(request.ecosystems, nvd=request.nvd, only=[source.value for source in request.sources])
    with noted_run():
        reports = sync_all(names, plan, lookup)
    fail_unsynced(reports)
    return [dataclasses.asdict(report) for report in reports]
