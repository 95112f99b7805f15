"""How severe each finding was when its decision was first honoured, in one SQLite file: what "grew worse" means."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tasks.advisories.model import Severity
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["Baselines", "Known"]

SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS first_seen (decision TEXT PRIMARY KEY, severity TEXT NOT NULL,"
    " exploited INTEGER NOT NULL) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of a finding: its severity, and whether it was known to be exploited."""

    severity: Severity
    exploited: bool


class Baselines(InSqliteFile):
    """First sights by `Decision.key`; a lost file costs the comparison with earlier scans, never an answer."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, "record of decisions", SCHEMA, _TABLES)

    def read(self) -> dict[str, Known]:
        """Everything that earlier scans saw."""
        rows: list[tuple[str, str, int]] = []
        with self._file.use("read") as connection:
            if connection is not None:
                with closing(connection.execute("SELECT decision, severity, exploited FROM first_seen")) as cursor:
                    rows.extend(cursor)
        known = set(Severity)
        return {key: Known(Severity(severity), bool(kev)) for key, severity, kev in rows if severity in known}

    def note(self, seen: Mapping[str, Known]) -> None:
        """Remember first sights; what is remembered already stays."""
        rows = [(key, known.severity.value, int(known.exploited)) for key, known in seen.items()]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR IGNORE INTO first_seen VALUES (?, ?, ?)", rows)
