"""What the IOC scan deals in: files to read, what came of each, and what was found."""

from dataclasses import dataclass
from enum import StrEnum

from tasks.github.model import Repository, TreeEntry
from tasks.lockfiles.interface import LockedPackage

__all__ = ["Candidate", "FileRecord", "FileStatus", "Finding", "Parsed", "RepositoryRecord", "RepositoryStatus"]


class FileStatus(StrEnum):
    """What came of a file: read in this run, known by its content from an earlier one, or not readable."""

    SCANNED = "scanned"
    CACHED = "cached"
    FAILED = "failed"


class RepositoryStatus(StrEnum):
    """What came of a repository; EMPTY: it has no commit."""

    SCANNED = "scanned"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lockfile of a repository: path, object id of the blob and size in bytes (None: not known)."""

    repository: Repository
    entry: TreeEntry

    @property
    def size(self) -> int:
        """Bytes; 0 where not known."""
        return self.entry.size or 0

    @property
    def place(self) -> str:
        """File name and the folder it lies in: what tells a parser which format it is."""
        return "/".join(self.entry.path.rsplit("/", 2)[-2:])


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one content holds. siblings are (path from the file's folder, object id or None) of the files read with it.

    reason: why it is no lockfile of its kind, then packages is empty.
    """

    sha: str
    place: str
    siblings: tuple[tuple[str, str | None], ...]
    packages: tuple[LockedPackage, ...]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One file of the result; repository is OWNER/NAME."""

    repository: str
    path: str
    sha: str
    status: FileStatus
    reason: str | None = None
    packages: int = 0


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """One repository of the result."""

    repository: str
    status: RepositoryStatus
    commit: str | None
    files: int = 0
    archived: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A package that an indicator names. certain is false where its version cannot be compared with the range."""

    repository: str
    path: str
    ecosystem: str
    name: str
    version: str | None
    indicator: str
    source: str
    purl: str = ""
    note: str = ""
    sha: str = ""
    certain: bool = True
