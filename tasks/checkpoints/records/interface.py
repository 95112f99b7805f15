"""What a place for sealed records can do. One file of this folder implements each kind of place."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol, TypeVar

from tasks.errors import CheckpointError

Answer = TypeVar("Answer")

DAMAGED = ".damaged"
"""What the name of a record ends in that was set aside."""


class Records(Protocol):
    """Records by key, `SCAN_ID/NAME`, each whole or absent; their content is the caller's business.

    Every method raises ResultsUnreachable when the place as a whole does not answer or refuses to: that is never
    the same as "no record". CheckpointError for a key that would lead out of the place.
    """

    @property
    def address(self) -> str:
        """The place, as a setting names it and a person reads it; holds no secret."""
        ...

    def check(self) -> None:
        """Find out that records can be listed, written and removed there."""
        ...

    def read(self, key: str) -> bytes | None:
        """A record; None when there is none. CheckpointError for one that is there and cannot be read."""
        ...

    def head(self, key: str, size: int) -> bytes | None:
        """The first `size` bytes (or fewer) of a record; None when there is none, or it is empty or not readable."""
        ...

    def write(self, key: str, record: bytes) -> None:
        """Store a record durably in place of a former one, whole or not at all; CheckpointError where it cannot be."""
        ...

    def set_aside(self, key: str, record: bytes) -> str:
        """Keep a damaged record, as it was read, under another name; where it is then, for a person."""
        ...

    def keys(self, scan_id: str, kind: str) -> list[str]:
        """The keys of a scan's records of one kind, in order: `SCAN_ID/KIND-...`, none that was set aside."""
        ...

    def scan_ids(self) -> list[str]:
        """Every scan of which something is there, in order."""
        ...

    def changed(self, scan_id: str) -> datetime:
        """When something of a scan was last written, naive UTC; the earliest time there is where nothing is there."""
        ...

    def remove(self, scan_id: str) -> None:
        """Remove what is there of a scan, its batches first, as far as possible."""
        ...

    def sweep(self) -> None:
        """Remove the half-written records of killed runs."""
        ...

    def each(self, keys: Iterable[str], ask: Callable[[str], Answer]) -> Iterator[Answer]:
        """`ask` of each key, in order; at the same time where answers take long, and never all of them in memory."""
        ...


def checked(key: str) -> str:
    """The key; CheckpointError for one that would lead out of the place."""
    parts = PurePosixPath(key).parts
    if key != "/".join(parts) or not parts or any(part == ".." or set(part) & set("\\:/") for part in parts):
        raise CheckpointError(f"result key {key!r} lies outside the results")
    return key
