"""One sync: the store opened, what is left of interrupted ones swept up, each source by itself."""

import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from tasks.errors import SourceError, StoreError
from tasks.http.client import HttpClient
from tasks.store.bulk_file import sync_file
from tasks.store.epss import load_epss_file, sync_epss
from tasks.store.exploitdb import EXPLOITDB_FILE
from tasks.store.file import StoreFile, set_aside
from tasks.store.kev import KEV_FILE
from tasks.store.nvd import feed_year, nvd_feed
from tasks.store.osv import sync_osv
from tasks.store.state import EPSS, EXPLOITDB, KEV, NVD_FEED, SourceState, osv_name, read_states
from tasks.store.work import Outcome, SourceReport, Work

__all__ = ["NVD", "SyncPlan", "advisory_years", "failed", "planned", "store_states", "swept", "sync_source", "syncing"]

NVD = "nvd"
_DOWNLOADS = ".sync-"


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """How to sync; epss_file is read in place of asking for EPSS's scores."""

    allow_shrink: bool = False
    full: bool = False
    epss_file: Path | None = None


def planned(ecosystems: Sequence[str], *, nvd: bool, only: Sequence[str] = ()) -> tuple[str, ...]:
    """The sources by name, in the order in which they need each other: only some of them, by their first word.

    "nvd" stands for every year that the store's advisories name.
    """
    names = [*(osv_name(ecosystem) for ecosystem in dict.fromkeys(ecosystems)), KEV, EXPLOITDB, EPSS]
    if only:
        return tuple(name for name in [*names, NVD] if name.partition("/")[0] in only or (name == NVD and nvd))
    return (*names, NVD) if nvd else tuple(names)


def swept(store: Path) -> Path | None:
    """Before a sync: set a damaged store aside; its new name, or None. StoreError where that fails."""
    try:
        return set_aside(store)
    except OSError as error:
        raise StoreError(f"{store} is damaged and cannot be set aside ({error}); remove it") from error


@contextmanager
def syncing(store: Path) -> Iterator[tuple[StoreFile, Path]]:
    """The open store and a folder for downloads beside it, for one sync at a time.

    StoreError where another sync is at work or nothing can be written there.
    """
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(store.with_name(f"{store.name}.lock"), timeout=0):
            for left in store.parent.glob(f"{_DOWNLOADS}*"):
                shutil.rmtree(left, ignore_errors=True)
            with (
                tempfile.TemporaryDirectory(prefix=_DOWNLOADS, dir=store.parent) as folder,
                StoreFile(store, create=True) as file,
            ):
                yield file, Path(folder)
    except Timeout as error:
        raise StoreError(f"another sync of {store} is at work; wait for it to end") from error
    except OSError as error:
        raise StoreError(f"{store.parent} cannot be written ({error}); what was held is kept") from error


async def sync_source(client: HttpClient, file: StoreFile, folder: Path, name: str, plan: SyncPlan) -> SourceReport:
    """Bring one source up to date; a failure is a report of its own, with what is held kept."""
    work = Work(client, file, folder, plan.allow_shrink, plan.full)
    try:
        report = await _loader(name, plan)(work)
        file.tidy()
    except (SourceError, OSError) as error:
        return failed(name, error, _held(work, name))
    return report


def failed(name: str, error: Exception, records: int = 0) -> SourceReport:
    """The report of a source that could not be synced; records are those held."""
    return SourceReport(name, Outcome.FAILED, records, problem=" ".join(str(error).split()))


def _held(work: Work, name: str) -> int:
    try:
        held = work.state(name)
    except SourceError:
        return 0
    return held.records if held is not None else 0


def _loader(name: str, plan: SyncPlan) -> Callable[[Work], Awaitable[SourceReport]]:
    kind, _, rest = name.partition("/")
    if kind == "osv":
        return lambda work: sync_osv(work, rest)
    if name == EPSS:
        path = plan.epss_file
        return sync_epss if path is None else lambda work: _from_file(work, path)
    files = {KEV: KEV_FILE, EXPLOITDB: EXPLOITDB_FILE}
    source = files[name] if name in files else nvd_feed(int(rest))
    return lambda work: sync_file(work, source)


async def _from_file(work: Work, path: Path) -> SourceReport:
    return load_epss_file(work, path)


def advisory_years(file: StoreFile) -> tuple[str, ...]:
    """NVD's year feeds that hold the CVEs of the store's advisories, as source names."""
    with file.read() as connection:
        cves = connection.execute("SELECT DISTINCT cve FROM cves").fetchall()
    return tuple(f"{NVD_FEED}{year}" for year in sorted({feed_year(cve) for (cve,) in cves}))


def store_states(store: Path) -> tuple[SourceState, ...]:
    """What a store holds; StoreError where there is none or it is damaged."""
    with StoreFile(store) as file, file.read() as connection:
        return read_states(connection)
