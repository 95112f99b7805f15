"""The sync as a Prefect flow: one task run per source, each with a transaction of its own."""

import logging
from pathlib import Path
from typing import Any

from prefect import flow

from flows.opaque import opaque
from flows.sync.request import SyncRequest, SyncSource
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.errors import InputError, UsageError
from tasks.settings.load import load_settings
from tasks.store.file import StoreFile
from tasks.store.sync import SyncPlan, advisory_years, planned, swept
from tasks.store.work import SourceReport
from tasks.sync import sync_one

_log = logging.getLogger(__name__)


@flow(name="sync", flow_run_name="sync {request.data_dir}", persist_result=False)
def sync(request: SyncRequest) -> list[dict[str, Any]]:
    """Bring the advisory store up to date; one SourceReport as plain data per source. A failed one keeps its data."""
    lookup = sync_lookup(request)
    plan = SyncPlan(allow_shrink=request.allow_shrink, full=request.full, epss_file=request.epss_file)
    store = lookup.advisory_store
    assert store is not None  # noqa: S101  sync_lookup names it
    if (aside := swept(store)) is not None:
        _log.warning("The advisory store %s was damaged; set aside as %s, a new one is begun", store, aside.name)
    names = planned(request.ecosystems, nvd=request.nvd, only=[source.value for source in request.sources])
    reports = [_one(name, plan, lookup) for name in names if name != SyncSource.NVD]
    if SyncSource.NVD in names:
        reports += [_one(name, plan, lookup) for name in _years(store)]
    return reports


def _one(name: str, plan: SyncPlan, lookup: LookupSettings) -> dict[str, Any]:
    report = sync_one(name, opaque(plan), opaque(lookup))
    _log.info("%s", line_of(SourceReport(**report)))
    return report


def _years(store: Path) -> tuple[str, ...]:
    with StoreFile(store) as file:
        years = advisory_years(file)
    if not years:
        raise UsageError("nvd: the store names no CVE yet; sync osv first")
    return years


def sync_lookup(request: SyncRequest) -> LookupSettings:
    """The settings by which the services are asked; InputError and SettingsError for what is wrong."""
    if request.epss_file is not None and not request.epss_file.is_file():
        raise InputError(f"--epss-file {request.epss_file}: no such file")
    settings = load_settings(request.config).settings
    # The caches' name; the store lies beside them.
    return lookup_settings(settings, offline=False, store=request.data_dir / "store" / "advisories.sqlite")


def line_of(report: SourceReport) -> str:
    """One source's report as a person reads it."""
    if report.problem:
        kept = f"{report.records} records are kept" if report.records else "nothing is held"
        return f"{report.name}: failed, {kept} ({report.problem})"
    parts = [f"{report.records} records", report.outcome.value]
    if report.written or report.removed:
        parts.append(f"{report.written} written, {report.removed} removed")
    if report.received_bytes:
        parts.append(f"{report.received_bytes / 1e6:.1f} MB downloaded")
    return f"{report.name}: {', '.join(parts)}" + (f" ({report.note})" if report.note else "")
