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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.files import platform
from tasks.files.steps import REAL_STEPS, Steps

OTHER_HOST_SECONDS = 86_400.0
"""A left-over of another machine (a share, a container) counts as abandoned after a day without a change."""

_LONGEST_LABEL_BYTES = 180
_OWNER = re.compile(
    r"\.(?P<label>.+)\.(?P<host>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})-[0-9a-f]{12}\.tmp(?P<aside>\.old)?", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Owner:
    label: str
    host: str
    pid: int
    aside: bool


def temporary_for(target: Path) -> Path:
    """A new unused name for a temporary file beside `target`."""
    return target.with_name(f".{_label(target)}.{_host_tag()}-{os.getpid()}-{secrets.token_hex(6)}.tmp")


def is_temporary_of(name: str, target: Path) -> bool:
    """Whether a file name is one that `temporary_for(target)` makes."""
    owner = _owner_of(name)
    return owner is not None and owner.label == _label(target) and not owner.aside


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
    label = _label(real)
    return _sweep(real.parent, lambda owner: owner.label == label, lock_held=lock_held, now=now, steps=steps)


def sweep_folder(folder: Path, *, now: float | None = None, steps: Steps = REAL_STEPS) -> tuple[Path, ...]:
    """The same for every temporary file in a folder of the product's own, such as that of the backups."""
    return _sweep(folder, lambda _: True, lock_held=False, now=now, steps=steps)


def _sweep(
    folder: Path, wanted: Callable[[_Owner], bool], *, lock_held: bool, now: float | None, steps: Steps
) -> tuple[Path, ...]:
    moment = time.time() if now is None else now
    stale = []
    with os.scandir(folder) as entries:
        for entry in entries:
            owner = _owner_of(entry.name)
            if owner and wanted(owner) and _is_stale(entry, owner, lock_held=lock_held, now=moment):
                stale.append(Path(entry.path))
    for path in stale:
        discard(path, steps)
    return tuple(path for path in stale if not os.path.lexists(path))


def _is_stale(entry: os.DirEntry[str], owner: _Owner, *, lock_held: bool, now: float) -> bool:
    if not entry.is_file(follow_symlinks=False):
        return False
    if owner.aside and not Path(entry.path).with_name(owner.label).exists():
        # Windows was stopped in the middle of the swap: this is the file itself.
        return False
    if owner.host != _host_tag():
        return now - entry.stat(follow_symlinks=False).st_mtime > OTHER_HOST_SECONDS
    return lock_held or not platform.process_alive(owner.pid)


def _owner_of(name: str) -> _Owner | None:
    match = _OWNER.fullmatch(name)
    return _Owner(match["label"], match["host"], int(match["pid"]), match["aside"] is not None) if match else None


def _label(target: Path) -> str:
    encoded = os.fsencode(target.name)
    if len(encoded) <= _LONGEST_LABEL_BYTES:
        return target.name
    # File names end at 255 bytes; the digest keeps two long names apart.
    start = encoded[: _LONGEST_LABEL_BYTES - 9].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def _host_tag() -> str:
    return hashlib.sha256(socket.gethostname().encode(errors="replace")).hexdigest()[:8]
