"""What the store knows of each source: how many records, since when, and how to ask whether there are newer ones."""

import sqlite3
from dataclasses import dataclass

from tasks.http.message import Validators

__all__ = [
    "EPSS",
    "EXPLOITDB",
    "KEV",
    "NVD_FEED",
    "SourceState",
    "hours_since",
    "osv_name",
    "read_state",
    "read_states",
    "save_state",
]

KEV, EPSS, EXPLOITDB = "kev", "epss", "exploitdb"
NVD_FEED = "nvd/"
"""Begins the name of each of NVD's year feeds."""


_CLOCKS_DIFFER_S = 3600


def hours_since(then: float, now: float) -> float | None:
    """Hours from one time to another, both in seconds since the epoch, at least 0.

    None where `then` is over an hour ahead: the clock has been set back since, and nobody knows how old it is.
    """
    return None if then - now > _CLOCKS_DIFFER_S else max(0.0, now - then) / 3600


def osv_name(ecosystem: str) -> str:
    """The name under which one ecosystem's advisories are kept."""
    return f"osv/{ecosystem}"


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source in the store; checked_at is when it was last found current, changed_at when it last changed.

    Times in seconds since the epoch; address is the service's base URL without credentials; note is a remark for
    people, such as EPSS's date or how many records could not be read.
    """

    name: str
    records: int
    checked_at: float
    changed_at: float
    address: str
    etag: str | None = None
    last_modified: str | None = None
    note: str = ""

    def validators(self, address: str) -> Validators:
        """What to ask with whether it is still current; nothing where it came from another address."""
        return Validators(self.etag, self.last_modified) if self.address == address else Validators()


_COLUMNS = "name, records, checked_at, changed_at, address, etag, last_modified, note"


def read_state(connection: sqlite3.Connection, name: str) -> SourceState | None:
    """One source's state; None where it was never synced."""
    row = connection.execute(f"SELECT {_COLUMNS} FROM sources WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return None if row is None else SourceState(*row)


def read_states(connection: sqlite3.Connection) -> tuple[SourceState, ...]:
    """Every source that was synced, by name."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM sources ORDER BY name")  # noqa: S608 - constant
    return tuple(SourceState(*row) for row in rows.fetchall())


def save_state(connection: sqlite3.Connection, state: SourceState) -> None:
    """Put the state in place of an older one, within the caller's transaction."""
    values = (state.name, state.records, state.checked_at, state.changed_at, state.address)
    more = (state.etag, state.last_modified, state.note)
    connection.execute("INSERT OR REPLACE INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*values, *more))
