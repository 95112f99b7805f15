"""Trees that earlier runs read, kept by repository with the commit they belong to: an unchanged one costs nothing."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from tasks.github.model import Repository, TreeEntry
from tasks.sources.sqlite_file import InSqliteFile, SqliteFile

__all__ = ["KeptTree", "KeptTrees"]

SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS trees (address TEXT, repository TEXT, filter TEXT, revision TEXT NOT NULL,"
    " etag TEXT, entries BLOB NOT NULL, PRIMARY KEY (address, repository, filter)) WITHOUT ROWID",
)


@dataclass(frozen=True, slots=True)
class KeptTree:
    """A tree: what it was asked by (commit or branch), its ETag where GitHub gave one, and its entries."""

    revision: str
    etag: str | None
    entries: tuple[TreeEntry, ...]


class KeptTrees(InSqliteFile):
    """One SQLite file of trees, one per repository and path filter, the latest only; damage costs requests.

    address tells several GitHubs apart. Blocking calls of under a millisecond for a usual tree.
    """

    def __init__(self, path: Path, address: str, filter_name: str = "") -> None:
        self._file = SqliteFile(path, "cache of trees", SCHEMA, _TABLES)
        self._address = address
        self._filter = filter_name

    def get(self, repository: Repository) -> KeptTree | None:
        """What is kept of the repository, of whatever commit; None where that is nothing or not readable."""
        row = None
        with self._file.use("read") as connection:
            if connection is not None:
                row = connection.execute(
                    "SELECT revision, etag, entries FROM trees WHERE address = ? AND repository = ? AND filter = ?",
                    self._key(repository),
                ).fetchone()
        return None if row is None else _tree(*row)

    def put(self, repository: Repository, tree: KeptTree) -> None:
        """Keep the tree instead of the one kept before."""
        packed = zlib.compress(json.dumps([[e.path, e.sha, e.size] for e in tree.entries]).encode(), 1)
        with self._file.write() as connection:
            if connection is not None:
                connection.execute(
                    "INSERT OR REPLACE INTO trees VALUES (?, ?, ?, ?, ?, ?)",
                    (*self._key(repository), tree.revision, tree.etag, packed),
                )

    def _key(self, repository: Repository) -> tuple[str, str, str]:
        return self._address, repository.full_name.lower(), self._filter


def _tree(revision: str, etag: str | None, packed: bytes) -> KeptTree | None:
    try:
        entries = tuple(TreeEntry(path, sha, size) for path, sha, size in json.loads(zlib.decompress(packed)))
    except (zlib.error, ValueError, TypeError):
        return None
    return KeptTree(revision, etag, entries)
