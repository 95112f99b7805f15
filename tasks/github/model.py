"""Repositories, the entries of their trees, references to blobs, and the state of GitHub's rate limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["EVERY_PATH", "BlobRef", "FileContent", "PathFilter", "RateState", "Repository", "TreeEntry"]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as the listing shows it.

    commit is the object id of the default branch's commit (or of its tree, where only that is known); None for a
    repository without commits, or where it has not been asked for: then default_branch names what to read.
    pushed_at is aware UTC; size_kb is GitHub's own figure for the repository on disk, None where not given.
    problem says why the repository cannot be read, where already the listing did.
    """

    owner: str
    name: str
    default_branch: str | None
    commit: str | None
    archived: bool = False
    pushed_at: datetime | None = None
    size_kb: int | None = None
    problem: str | None = None

    @property
    def full_name(self) -> str:
        """OWNER/NAME."""
        return f"{self.owner}/{self.name}"

    @property
    def revision(self) -> str | None:
        """What names the state to read: the commit, else the default branch; None: there is nothing to read."""
        return self.commit or self.default_branch


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file of a tree: path from the root, git object id of the blob, size in bytes (None where not given)."""

    path: str
    sha: str
    size: int | None


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A file to read: where it lies, its blob's object id, size in bytes (0 or less: not known)."""

    repository: Repository
    path: str
    sha: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class FileContent:
    """A file that was read: bytes, object id of the blob, size in bytes."""

    content: bytes
    sha: str
    size: int

    @property
    def text(self) -> str:
        """The content as UTF-8, what is none replaced by U+FFFD."""
        return self.content.decode("utf-8-sig", "replace")


@dataclass(frozen=True, slots=True)
class RateState:
    """One bucket of the primary rate limit (core, graphql ...): requests or points, renewed at reset_at (epoch s)."""

    resource: str
    limit: int
    remaining: int
    reset_at: float

    @property
    def renewed(self) -> datetime:
        """reset_at as aware UTC."""
        return datetime.fromtimestamp(self.reset_at, UTC)


@dataclass(frozen=True, slots=True)
class PathFilter:
    """Which paths of a tree matter; name tells filters apart in what is kept, so change it with what it accepts."""

    name: str
    accepts: Callable[[str], bool]


EVERY_PATH = PathFilter("", lambda _: True)
