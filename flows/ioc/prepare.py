"""Everything an IOC scan needs before its first task: settings, indicators, identity. No Prefect, no network."""

import contextlib
import contextvars
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.command.targets import check_files, make_data_dir, read_files
from flows.ioc.request import IocRequest
from tasks.checkpoints.housekeeping import Keeping
from tasks.checkpoints.model import UNFINISHED
from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.records.places import check_place, records_at
from tasks.engine.lookup import lookup_settings
from tasks.errors import UsageError
from tasks.indicators.load import Indicators, load_indicators
from tasks.indicators.stored import StoredIndicators
from tasks.ioc.config import BatchConfig
from tasks.ioc.config_load import load_batch_config
from tasks.ioc.engine import credentials_of_environment
from tasks.ioc.terms import IocTerms
from tasks.settings.load import load_settings
from tasks.settings.running import ExecutionSettings
from tasks.store.file import STORE_NAME
from tasks.store.state import hours_since


@dataclass(frozen=True, slots=True)
class PreparedIoc:
    """An IOC scan ready to run; resumed says that an unfinished scan of the same target is gone on with."""

    request: IocRequest
    terms: IocTerms
    indicators: Indicators
    scan_id: str
    resumed: bool
    warnings: tuple[str, ...]
    execution: ExecutionSettings

    @property
    def config(self) -> BatchConfig:
        """The batch settings."""
        return self.terms.config

    @property
    def records(self) -> Records:
        """Where the results of batches lie, of all scans."""
        return records_at(self.execution.results or str(self.request.data_dir / "results"))


def prepare(request: IocRequest) -> PreparedIoc:
    """Load settings and indicators, decide which scan this is. UsageError for anything wrong."""
    _check(request)
    batch = load_batch_config(request.config, flags=_flags(request))
    # The same file may hold both: `batch:` is ours, the other sections are those of every flow.
    loaded = load_settings(request.config)
    others = tuple(line for line in loaded.warnings if not line.startswith("settings section batch "))
    indicators = load_indicators(request.indicators or (default_store(request.data_dir),), request.allow)
    lookup = lookup_settings(loaded.settings, offline=False, store=None)
    terms = IocTerms(
        lookup=lookup,
        config=batch.config,
        strategy=batch.config.default_strategy,
        max_wait_s=request.max_wait_s,
        store=request.data_dir / "store",
        org=request.org,
        github_block=request.github_block,
    )
    if terms.github_block is None:
        credentials_of_environment(terms)
    results = loaded.settings.execution.results
    check_place(results)
    unfinished = None if request.start_fresh else unfinished_scan(Keeping(request.data_dir, results), request.target)
    return PreparedIoc(
        request=request,
        terms=terms,
        indicators=indicators,
        scan_id=unfinished or secrets.token_hex(6),
        resumed=unfinished is not None,
        warnings=(
            *batch.warnings,
            *others,
            *indicators.warnings,
            *_empty(indicators),
            *old_stores(indicators.stores, lookup.store_max_age_hours, time.time()),
        ),
        execution=loaded.settings.execution,
    )


def default_store(data_dir: Path) -> Path:
    """The advisory store, where no list is named; UsageError where there is none."""
    path = data_dir / "store" / STORE_NAME
    if not path.is_file():
        raise UsageError(
            "--indicators PATH is missing: name a list of malicious packages, or fill the advisory store"
            f" {path} with: python -m flows.sync --sources osv --ecosystems npm PyPI --data-dir {data_dir}"
        )
    return path


def _empty(indicators: Indicators) -> Iterator[str]:
    if not indicators.count:
        yield "the lists of indicators hold no indicator: nothing can be found"


def old_stores(stores: Iterable[StoredIndicators], most_hours: float, now: float) -> Iterator[str]:
    """A sentence for each store that was synced longer ago than most_hours, or nobody knows when.

    now in seconds since the epoch.
    """
    for store in stores:
        hours = hours_since(store.summary.checked_at, now)
        if hours is None or hours > most_hours:
            when = "at a time that is still to come" if hours is None else f"{hours:.0f} h ago"
            yield (
                f"the advisory store {store.path} was synced {when} (limit {most_hours:g} h) and is used all"
                f" the same; run python -m flows.sync --sources osv --ecosystems {' '.join(store.ecosystems)}"
            )


def unfinished_scan(keeping: Keeping, target: str) -> str | None:
    """The id of the newest scan of this target, where it has not ended; None otherwise.

    A scan of which no checkpoint is here is known by its results, where machines share these. UsageError for one
    whose results lie in another place, ResultsUnreachable where they cannot be asked for.
    """
    heads = (head for head in keeping.store.heads() if head.workbook == target)
    newest = next((head for head in heads if not keeping.records.ended_elsewhere(head)), None)
    if newest is not None and newest.state in UNFINISHED and newest.results != keeping.results:
        raise UsageError(
            f"the results of the unfinished scan {newest.scan_id} of {target} lie in"
            f" {newest.results or 'the data folder'}: name that in execution.results, or give --start-fresh"
        )
    if newest is not None:
        return newest.scan_id if newest.state in UNFINISHED else None
    stored = [one for one in keeping.records if one.workbook == target and one.state in UNFINISHED]
    return max(stored, key=lambda one: one.created_at).scan_id if stored else None


def _flags(request: IocRequest) -> dict[str, object]:
    return {
        "default_strategy": request.batch_strategy,
        "default_batch_size": request.batch_size,
        "max_concurrent_requests": request.max_concurrent,
        "max_concurrent_repos": request.max_repos,
        "rate_limit_buffer": request.rate_limit_buffer,
        "enable_cross_repo_batching": request.cross_repo,
    }


def _check(request: IocRequest) -> None:
    if request.team_first_org and request.repositories:
        raise UsageError("--team-first-org is about the whole organisation; leave --repo out")
    read = read_files(request.config, *request.indicators, *request.allow)
    named = {"--json": request.json_file, "--sarif": request.sarif, "--cyclonedx": request.cyclonedx}
    check_files({**named, "--inventory": request.inventory, "--output": request.output}, read)
    if request.output is not None and request.output.suffix.lower() != ".xlsx":
        raise UsageError(f"--output {request.output} must end in .xlsx")
    make_data_dir(request.data_dir)


_handed_over: contextvars.ContextVar[PreparedIoc | None] = contextvars.ContextVar("prepared IOC scan", default=None)


@contextlib.contextmanager
def hand_over(prepared: PreparedIoc) -> Iterator[None]:
    """Let the flow called inside use this preparation: the command makes it while Prefect's server starts."""
    token = _handed_over.set(prepared)
    try:
        yield
    finally:
        _handed_over.reset(token)


def prepared_for(request: IocRequest) -> PreparedIoc:
    """The preparation handed over for exactly this request, else a new one."""
    given = _handed_over.get()
    return given if given is not None and given.request == request else prepare(request)
