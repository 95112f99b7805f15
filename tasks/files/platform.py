"""The one module that knows operating systems: syncing, replacing, metadata, processes.

Every other module of this folder is the same on Linux, macOS and Windows. What exists on one system only is
in `posix` and `windows`, which this module alone uses.
"""

import os
import sys
import unicodedata
from pathlib import Path

from tasks.files import posix, windows

_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)
_PROCESS_NUMBERS = 2**31


def create_new(path: Path, mode: int) -> int:
    """Open a file that must not exist yet, for writing bytes; the umask narrows `mode`. Raises OSError."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BINARY, mode)


def open_to_sync(path: Path) -> int:
    """Open an existing file so that it can be synced; Windows flushes only handles that may write. Raises OSError."""
    return os.open(path, (os.O_RDWR if sys.platform == "win32" else os.O_RDONLY) | _BINARY)


def sync_file(fd: int) -> None:
    """Bring a file's content to the medium; raises OSError."""
    if sys.platform == "win32":
        os.fsync(fd)
    else:
        posix.sync_file(fd)


def sync_folder(path: Path) -> None:
    """Make renames in a folder durable, where the system has a way to (Windows has none); raises OSError."""
    if sys.platform != "win32":
        posix.sync_folder(path)


def aside_of(temporary: Path) -> Path:
    """Where Windows keeps the replaced file while `temporary` takes its place."""
    return temporary.with_name(temporary.name + ".old")


def replace_file(temporary: Path, target: Path) -> None:
    """Put `temporary` in the place of `target`, which may be missing; both in one folder. Raises OSError.

    POSIX renames in one step. Windows swaps by ReplaceFileW, which keeps the target's ACLs, creation time
    and encryption (learn.microsoft.com, "ReplaceFileW function").
    """
    if sys.platform == "win32" and target.exists():
        windows.replace_file(temporary, target, aside_of(temporary))
    else:
        temporary.replace(target)


def copy_metadata(source: Path, target: Path) -> None:
    """Give `target` the mode, owner, extended attributes and ACL of `source`, but not its times; raises OSError.

    Owner only for root. A group that this process may not give loses what everybody does not have. Nothing to
    do on Windows: `replace_file` keeps them.
    """
    if sys.platform != "win32":
        posix.copy_metadata(source, target)


def path_key(path: Path) -> str:
    """A text that is the same for every way to write the same file's path; links are followed.

    Where file systems ignore case (macOS, Windows) so does the key.
    """
    real = os.path.realpath(path)
    folds_case = sys.platform in {"darwin", "win32"}
    return unicodedata.normalize("NFC", os.path.normcase(real)).casefold() if folds_case else real


def user_tag() -> str:
    """What tells users' folders in a shared temporary folder apart; empty where that folder is the user's own."""
    tag = ""
    if sys.platform != "win32":
        tag = posix.user_tag()
    return tag


def is_private_folder(path: Path) -> bool:
    """Whether a folder is a real one (no link), of this user and closed to others; on Windows whether it is one."""
    private = path.is_dir()
    if sys.platform != "win32":
        private = posix.is_private_folder(path)
    return private


def process_alive(pid: int) -> bool:
    """Whether a process with this number runs on this machine."""
    # os.kill(pid, 0) would end the process on Windows.
    import psutil  # noqa: PLC0415

    return 0 < pid < _PROCESS_NUMBERS and psutil.pid_exists(pid)


def held_open(path: Path) -> bool | None:
    """Whether another program has the file open, on Windows; None where the system cannot tell.

    POSIX systems let everybody open everything; only an office program's own lock file tells there.
    """
    answer: bool | None = None
    if sys.platform == "win32":
        answer = windows.held_open(path)
    return answer
