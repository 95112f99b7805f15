"""Temporary files beside the file they will replace: their names, their use, and sweeping up after killed runs.

A name is `.NAME.HOST-PID-RANDOM.tmp`: hidden, in the same folder (a rename across file systems is a copy),
and it says which process made it, so that another run can tell a left-over from one in use.
"""

import contextlib
import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.files import platform
from tasks.files.steps import REAL_STEPS, Steps

OTHER_HOST_SECONDS = 86_400.0
"""A left-over of another machine (a share, a container) counts as abandoned after a day without a change."""

_LONGEST_LABEL_BYTES = 180
_OWNER = re.compile(r"(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})-[0-9a-f]{12}\.tmp(?P<aside>\.old)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Owner:
    host: str
    pid: int
    aside: bool


def temporary_for(target: Path) -> Path:
    """A new unused name for a temporary file beside `target`."""
    return target.with_name(f"{_prefix(target)}{_host_tag()}-{os.getpid()}-{secrets.token_hex(6)}.tmp")


def is_temporary_of(name: str, target: Path) -> bool:
    """Whether a file name is one that `temporary_for(target)` makes."""
    owner = _owner_of(name, target)
    return owner is not None and not owner.aside


@contextlib.contextmanager
def temporary_beside(target: Path, steps: Steps = REAL_STEPS) -> Iterator[Path]:
    """Yield an unused name beside `target`; what stands there at the end is removed, unless it was renamed away."""
    path = temporary_for(target)
    try:
        yield path
    finally:
        discard(path, steps)


def discard(path: Path, steps: Steps) -> None:
    """Remove a temporary file if it is there; one that cannot be removed now is left to the next run's sweep."""
    # A left-over costs room only; raising here would hide the error that led here.
    with contextlib.suppress(OSError):
        if os.path.lexists(path):
            steps.unlink(path)


def remove_stale_temporaries(
    target: Path, *, lock_held: bool = False, now: float | None = None, steps: Steps = REAL_STEPS
) -> tuple[Path, ...]:
    """Remove what killed runs left beside `target` and return it; raises OSError when the folder cannot be read.

    Only files whose owner is dead go, or all of this machine's when the caller holds the workbook's lock.
    Those of other machines go after `OTHER_HOST_SECONDS`. `now` is a POSIX time in seconds.
    """
    real = Path(os.path.realpath(target))
    moment = time.time() if now is None else now
    with os.scandir(real.parent) as entries:
        stale = [Path(entry.path) for entry in entries if _is_stale(entry, real, lock_held=lock_held, now=moment)]
    for path in stale:
        discard(path, steps)
    return tuple(path for path in stale if not os.path.lexists(path))


def _is_stale(entry: os.DirEntry[str], target: Path, *, lock_held: bool, now: float) -> bool:
    owner = _owner_of(entry.name, target)
    if owner is None or not entry.is_file(follow_symlinks=False):
        return False
    if owner.aside and not target.exists():
        # Windows was stopped in the middle of the swap: this is the workbook itself.
        return False
    if owner.host != _host_tag():
        return now - entry.stat(follow_symlinks=False).st_mtime > OTHER_HOST_SECONDS
    return lock_held or not platform.process_alive(owner.pid)


def _owner_of(name: str, target: Path) -> _Owner | None:
    prefix = _prefix(target)
    match = _OWNER.fullmatch(name, len(prefix)) if name.startswith(prefix) else None
    return _Owner(match["host"], int(match["pid"]), match["aside"] is not None) if match else None


def _prefix(target: Path) -> str:
    encoded = os.fsencode(target.name)
    if len(encoded) <= _LONGEST_LABEL_BYTES:
        return f".{target.name}."
    # File names end at 255 bytes; the digest keeps two long names apart.
    start = encoded[: _LONGEST_LABEL_BYTES - 9].decode(errors="ignore")
    return f".{start}-{hashlib.sha256(encoded).hexdigest()[:8]}."


def _host_tag() -> str:
    return hashlib.sha256(socket.gethostname().encode(errors="replace")).hexdigest()[:8]
