"""What an operating system's error means for a person, and what to do about it."""

import errno
from pathlib import Path

from tasks.files.disk import free_bytes

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run again",
    errno.EDQUOT: "the disk quota is used up; free some space and run again",
    errno.EACCES: "no permission; allow this user to write there and run again",
    errno.EPERM: "the system does not permit it; check owner, flags and locks of the file and run again",
    errno.EROFS: "the file system is read-only; move the file or mount it writable, then run again",
    errno.EIO: "the disk reported an error; check the disk, then run again",
    errno.EXDEV: "the file is mounted apart from its folder; mount the whole folder, then run again",
    errno.EBUSY: "the file is in use or mounted by itself; close it, or mount its whole folder, then run again",
    errno.ETXTBSY: "the file is in use; close it and run again",
    errno.ENAMETOOLONG: "the name is too long for the file system; shorten it and run again",
    errno.ENOENT: "a file or folder is missing; check the path and run again",
    errno.ENOTDIR: "a part of the path is not a folder; check the path and run again",
    errno.EISDIR: "it is a folder, not a file; name a file and run again",
    errno.ELOOP: "its symbolic links lead in a circle; mend them and run again",
    errno.ESTALE: "the network share was lost; connect it again, then run again",
}
_WINDOWS_SHARING = frozenset({5, 32, 33})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def explain(error: OSError, place: Path) -> str:
    """Say in one line why a file operation failed and what to do; `place` is what was being written."""
    if getattr(error, "winerror", None) in _WINDOWS_SHARING:
        return "another program has it open, or it may not be written; close it there and run again"
    known = _REASONS.get(error.errno or 0)
    if known is None:
        return f"{error.strerror or type(error).__name__}; mend that and run again"
    return f"{known}{_room(place)}" if error.errno in _FULL else known


def _room(place: Path) -> str:
    try:
        return f" ({free_bytes(place) / 1_000_000:.1f} MB are free there)"
    except OSError:
        return ""
