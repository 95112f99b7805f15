"""What every content read so far holds, kept by blob id: a new list of indicators is matched without any request.

A row belongs to one content under one name (a parser is chosen by name), to the other files it was read with, and to
the parsers' own version; rows of older parsers are not found.
"""

import json
import zlib
from collections.abc import Callable, Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from tasks.ioc.model import Parsed
from tasks.lockfiles.interface import LockedPackage
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["Inventory", "packages_of", "parser_version", "plain_packages"]

SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS inventory (sha TEXT, place TEXT, parsers TEXT, siblings TEXT, reason TEXT,"
    " packages BLOB NOT NULL, PRIMARY KEY (sha, place, parsers, siblings)) WITHOUT ROWID",
)


@cache
def parser_version() -> str:
    """A digest of the parsers' own source: a changed parser reads every file again."""
    digest = sha256()
    for file in sorted(files("tasks.lockfiles").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".py"):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def plain_packages(packages: Iterable[LockedPackage]) -> list[list[str | None]]:
    """Packages as lists of texts, for JSON: ecosystem, name, version, and how the file writes the name."""
    return [[p.ecosystem, p.name, p.version, p.written_as] for p in packages]


def packages_of(plain: Iterable[list[str | None]]) -> tuple[LockedPackage, ...]:
    """Read back what `plain_packages` made; TypeError or ValueError where it is not that."""
    return tuple(LockedPackage(str(e), str(name), version, written) for e, name, version, written in plain)


class Inventory(InSqliteFile):
    """One SQLite file of what contents hold; damage costs requests. Blocking calls, from any thread."""

    def __init__(self, path: Path, parsers: str | None = None) -> None:
        self._file = SqliteFile(path, "inventory of lockfiles", SCHEMA, _TABLES)
        self._parsers = parser_version() if parsers is None else parsers

    def holds(self, sha: str, place: str, sibling: Callable[[str], str | None]) -> bool:
        """Whether a content is known; sibling answers the object id of a file by its path from the file's folder."""
        return self._row(sha, place, sibling) is not None

    def get(self, sha: str, place: str, sibling: Callable[[str], str | None]) -> Parsed | None:
        """What is known of a content, as `holds` asks for it."""
        row = self._row(sha, place, sibling)
        found = None if row is None else _unpacked(row[2])
        return None if row is None or found is None else Parsed(sha, place, row[0], found, row[1])

    def _row(
        self, sha: str, place: str, sibling: Callable[[str], str | None]
    ) -> tuple[tuple[tuple[str, str | None], ...], str | None, bytes] | None:
        rows: list[tuple[str, str | None, bytes]] = []
        with self._file.use("read") as connection:
            if connection is not None:
                rows = connection.execute(
                    "SELECT siblings, reason, packages FROM inventory WHERE sha = ? AND place = ? AND parsers = ?",
                    (sha, place, self._parsers),
                ).fetchall()
        for siblings, reason, packed in rows:
            known = tuple((path, held) for path, held in json.loads(siblings))
            if all(sibling(path) == held for path, held in known):
                return known, reason, packed
        return None

    def put(self, parsed: Iterable[Parsed]) -> None:
        """Keep what contents hold."""
        rows = [_row(one, self._parsers) for one in parsed]
        with self._file.write() as connection:
            if connection is not None:
                connection.executemany("INSERT OR REPLACE INTO inventory VALUES (?, ?, ?, ?, ?, ?)", rows)

    def forget_others(self) -> None:
        """Remove what other versions of the parsers read."""
        with self._file.write() as connection:
            if connection is not None:
                connection.execute("DELETE FROM inventory WHERE parsers <> ?", (self._parsers,))


def _row(parsed: Parsed, parsers: str) -> tuple[str, str, str, str, str | None, bytes]:
    packed = zlib.compress(json.dumps(plain_packages(parsed.packages)).encode(), 1)
    return parsed.sha, parsed.place, parsers, json.dumps(parsed.siblings), parsed.reason, packed


def _unpacked(packed: bytes) -> tuple[LockedPackage, ...] | None:
    try:
        return packages_of(json.loads(zlib.decompress(packed)))
    except (zlib.error, ValueError, TypeError):
        return None
