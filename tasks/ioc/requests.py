"""One file asked for, and what came of it."""

from dataclasses import dataclass

from tasks.github.model import FileContent, Repository
from tasks.lockfiles.interface import LockedPackage

__all__ = ["BatchRequest", "BatchResult"]


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A file to read: higher priority earlier, estimated_size in bytes (0: not known), cache_key its blob's id."""

    repo: Repository
    file_path: str
    priority: int = 0
    estimated_size: int = 0
    cache_key: str | None = None

    @property
    def size(self) -> int:
        """Bytes, as far as known."""
        return self.estimated_size


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a request: content or why not (or why it is no lockfile), packages, processing_time in s."""

    request: BatchRequest
    content: FileContent | None = None
    error: Exception | None = None
    from_cache: bool = False
    processing_time: float = 0.0
    packages: tuple[LockedPackage, ...] = ()
