"""The advisory store in an engine: whether it is used, what is said of its age, and which sources it stands for.

Where the store holds OSV's advisories a scan asks nobody but PyPI: what the store lacks (NVD's feeds, say) is "not
consulted" and comes with the next sync.
"""

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable

from tasks.engine.enrichers import CveSources
from tasks.engine.lookup import LookupSettings
from tasks.errors import StoreError
from tasks.sources.nvd import NvdApi
from tasks.store.advisories import AdvisoryStore
from tasks.store.facts import StoreEpss, StoreExploits, StoreKev, StoreNvd
from tasks.store.nvd_kept import NvdWithKept
from tasks.store.state import EPSS, EXPLOITDB, KEV, SourceState, hours_since, osv_name, read_states

__all__ = ["age_warning", "stored_cve_sources", "synced_advisories"]

_USED = frozenset({osv_name("PyPI"), KEV, EPSS, EXPLOITDB})

_log = logging.getLogger(__name__)


def synced_advisories(lookup: LookupSettings, clock: Callable[[], float] = time.time) -> AdvisoryStore | None:
    """The store's advisories, however old, with a word on their age; None where there are none or a snapshot answers.

    SettingsError where the store is of a newer version. One that cannot be read is a warning, and the services are
    asked.
    """
    path = lookup.advisory_store
    if path is None or not path.is_file() or (lookup.offline and lookup.snapshot is not None):
        return None
    try:
        found = AdvisoryStore(path)
        with found.file.read() as connection:
            states = read_states(connection)
    except StoreError as error:
        _log.warning("The advisory store is not used: %s", error)
        return None
    _log.info("Advisories from the store %s, synced %.1f h ago", path, found.age_hours(clock()))
    warning = age_warning(states, lookup.store_max_age_hours, clock())
    if warning is not None:
        _log.warning(warning)
    return found


def age_warning(states: Iterable[SourceState], most_hours: float, now: float) -> str | None:
    """One sentence naming what was synced longer ago than most_hours, or nobody knows when; None where nothing was.

    now in seconds since the epoch.
    """
    ages = {state.name: hours_since(state.checked_at, now) for state in states if state.name in _USED}
    old = {name: hours for name, hours in ages.items() if hours is None or hours > most_hours}
    if not old:
        return None
    known = ((name, "synced in the future" if hours is None else f"{hours:.0f} h") for name, hours in old.items())
    named = ", ".join(f"{name} {age}" for name, age in known)
    return (
        f"The advisory store is older than {most_hours:g} h ({named}) and used all the same; "
        "run python -m flows.sync, or scan with --sync"
    )


def stored_cve_sources(store: AdvisoryStore, live: CveSources) -> CveSources:
    """The sources by CVE id out of the store; the CVE list, which it never holds, stays as it is.

    What earlier scans asked NVD for serves beside the store's feeds.
    """
    file = store.file
    stored = StoreNvd(file)
    nvd = NvdWithKept(stored, live.nvd.kept) if isinstance(live.nvd, NvdApi) else stored
    return dataclasses.replace(live, nvd=nvd, kev=StoreKev(file), epss=StoreEpss(file), exploits=StoreExploits(file))
