"""Whole files or none: a file is written beside its target, synced, and takes its place in one step.

`write_atomically` is for the product's own files (checkpoints, results, reports, backups); workbooks,
which are somebody else's, are replaced by `tasks.files.replacement`.
"""

import hashlib
import io
import os
import stat
from collections.abc import Callable
from errno import EIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tasks.errors import CheckpointError, MergeError, VetbookError
from tasks.files.disk import CHUNK_BYTES
from tasks.files.reasons import explain
from tasks.files.steps import REAL_STEPS, Steps
from tasks.files.temporaries import temporary_beside

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

Content = bytes | Callable[[BinaryIO], None]
"""A file's bytes, or a function that writes them to an open file."""

PRIVATE = 0o600
PUBLIC = 0o666
"""Narrowed by the umask, as for any file a program makes."""


class StepsFile(io.RawIOBase):
    """A descriptor as a raw binary file whose writes go through `Steps`; does not own the descriptor."""

    def __init__(self, fd: int, steps: Steps) -> None:
        super().__init__()
        self._fd = fd
        self._steps = steps

    def writable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always: a zip writer goes back to fill in sizes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position, as `os.lseek`."""
        return os.lseek(self._fd, offset, whence)

    def truncate(self, size: int | None = None, /) -> int:
        """Cut the file to `size` bytes, or at the current position."""
        length = self.tell() if size is None else size
        os.ftruncate(self._fd, length)
        return length

    def write(self, data: "ReadableBuffer", /) -> int:
        """Write some of the bytes and return how many; OSError (EIO) rather than no progress at all."""
        view = memoryview(data).cast("B")
        written = self._steps.write(self._fd, view)
        if written <= 0 < len(view):
            raise OSError(EIO, "the file takes no more bytes")
        return written


def write_atomically(
    target: Path,
    data: Content,
    *,
    like: Path | None = None,
    failure: type[VetbookError] = CheckpointError,
    steps: Steps = REAL_STEPS,
) -> None:
    """Write a whole file, durably, or leave what was there.

    Missing folders are made. A symbolic link is followed. Mode, owner and attributes come from `like`,
    else from the file replaced, else a new file gets the umask's mode. Short writes are continued.
    Raises `failure` (one line: what, where, what to do) when the file could not be written or synced;
    whatever `data` itself raises passes through, except OSError. The temporary file is removed.
    """
    try:
        real = Path(os.path.realpath(target))
        _refuse_other_than_plain_file(real, failure)
        make_folders(real.parent, steps)
        with temporary_beside(real, steps) as temporary:
            _write_synced(temporary, data, like or (real if real.exists() else None), steps)
            steps.replace(temporary, real)
        steps.sync_folder(real.parent)
    except OSError as error:
        raise failure(f"Cannot write {target}: {explain(error, target)}.") from error


def copy_atomically(
    source: Path, target: Path, *, failure: type[VetbookError] = MergeError, steps: Steps = REAL_STEPS
) -> str:
    """Copy a file with its metadata, durably, in chunks of bounded memory; return the SHA-256 of what was copied.

    Raises `failure` as `write_atomically` does, also when `target` exists: a backup is never overwritten.
    """
    if os.path.lexists(target):
        raise failure(f"Cannot copy {source} to {target}: that file exists already; choose another name.")
    digests: list[str] = []
    write_atomically(target, lambda out: digests.append(pour(source, out)), like=source, failure=failure, steps=steps)
    return digests[0]


def pour(source: Path, out: BinaryIO) -> str:
    """Write a file's bytes to an open file in chunks; return their SHA-256. Raises OSError."""
    digest = hashlib.sha256()
    with source.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def make_folders(folder: Path, steps: Steps = REAL_STEPS) -> None:
    """Make a folder and its missing parents, each synced into the one above; raises OSError."""
    if folder.is_dir():
        return
    make_folders(folder.parent, steps)
    steps.make_folder(folder)
    steps.sync_folder(folder.parent)


def _refuse_other_than_plain_file(target: Path, failure: type[VetbookError]) -> None:
    try:
        found = target.stat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise failure(f"Cannot write {target}: it is not an ordinary file; name another.")
    if not os.access(target, os.W_OK):
        raise failure(f"Cannot write {target}: the file is read-only; make it writable or name another.")


def _write_synced(temporary: Path, data: Content, like: Path | None, steps: Steps) -> None:
    fd = steps.create(temporary, PRIVATE if like else PUBLIC)
    try:
        with io.BufferedWriter(StepsFile(fd, steps), CHUNK_BYTES) as out:
            if isinstance(data, bytes):
                out.write(data)
            else:
                data(out)
        if like:
            steps.copy_metadata(like, temporary)
        steps.sync_file(fd)
    finally:
        os.close(fd)
