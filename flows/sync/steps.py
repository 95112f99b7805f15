"""The steps of a sync, for the flow of its own and for a scan that syncs first."""

import logging
from collections.abc import Sequence
from pathlib import Path

from flows.opaque import opaque
from tasks.engine.lookup import LookupSettings
from tasks.errors import SourceError
from tasks.store.file import StoreFile
from tasks.store.state import NVD_FEED
from tasks.store.sync import NVD, SyncPlan, advisory_years, planned, store_states, swept
from tasks.store.work import SourceReport
from tasks.sync import sync_one

__all__ = ["line_of", "refresh_store", "sync_all"]

_log = logging.getLogger(__name__)


def sync_all(names: Sequence[str], plan: SyncPlan, lookup: LookupSettings) -> list[SourceReport]:
    """One task run per source, inside a flow run; a source that fails keeps what was held. StoreError as `swept`."""
    store = lookup.advisory_store
    assert store is not None  # noqa: S101  whoever syncs names a data folder
    if (aside := swept(store)) is not None:
        _log.warning("The advisory store %s was damaged; set aside as %s, a new one is begun", store, aside.name)
    reports = [_one(name, plan, lookup) for name in names if name != NVD]
    if NVD in names:
        reports += [_one(name, plan, lookup) for name in _years(store)]
    return reports


def refresh_store(lookup: LookupSettings) -> list[SourceReport]:
    """Sync OSV's advisories of PyPI, KEV, EPSS, Exploit-DB, and NVD's feeds where some are held."""
    store = lookup.advisory_store
    try:
        held = store_states(store) if store is not None and store.is_file() else ()
    except SourceError:
        held = ()
    nvd = any(state.name.startswith(NVD_FEED) for state in held)
    return sync_all(planned(["PyPI"], nvd=nvd), SyncPlan(), lookup)


def _one(name: str, plan: SyncPlan, lookup: LookupSettings) -> SourceReport:
    report = SourceReport(**sync_one(name, opaque(plan), opaque(lookup)))
    _log.log(logging.WARNING if report.problem else logging.INFO, "%s", line_of(report))
    return report


def _years(store: Path) -> tuple[str, ...]:
    """The feeds of the store's CVEs; none where it names no CVE yet."""
    if not store.is_file():
        return ()
    with StoreFile(store) as file:
        return advisory_years(file)


def line_of(report: SourceReport) -> str:
    """One source's report as a person reads it."""
    if report.problem:
        kept = f"{report.records} records are kept" if report.records else "what was held is kept"
        return f"{report.name}: failed, {kept} ({report.problem})"
    parts = [f"{report.records} records", report.outcome.value]
    if report.written or report.removed:
        parts.append(f"{report.written} written, {report.removed} removed")
    if report.received_bytes:
        parts.append(f"{report.received_bytes / 1e6:.1f} MB downloaded")
    return f"{report.name}: {', '.join(parts)}" + (f" ({report.note})" if report.note else "")
