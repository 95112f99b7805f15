"""Linux's and macOS' own calls; only `tasks.files.platform` uses this, and only there."""

import contextlib
import os
import shutil
import stat
import sys
from errno import EBADF, EINVAL, ENOTSUP
from pathlib import Path

if sys.platform != "win32":
    _CANNOT_SYNC = frozenset({EINVAL, ENOTSUP, EBADF})

    def sync_file(fd: int) -> None:
        """Sync content to the medium; on macOS past the drive's own cache (fsync(2), F_FULLFSYNC). Raises OSError."""
        if sys.platform == "darwin":
            import fcntl  # noqa: PLC0415

            # Network shares do not know it.
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
                return
        os.fsync(fd)

    def sync_folder(path: Path) -> None:
        """Sync a folder; nothing where it cannot be opened or its file system has no such thing. Raises OSError."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError:
            return
        try:
            sync_file(fd)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise
        finally:
            os.close(fd)

    def copy_metadata(source: Path, target: Path) -> None:
        """Copy mode, owner, extended attributes and ACL, but not the times. Raises OSError.

        On Linux a POSIX ACL is the extended attribute `system.posix_acl_access`, which `shutil.copystat` copies.
        """
        group_kept = _copy_owner(source, target)
        if sys.platform == "darwin":
            _copyfile(source, target)
        else:
            shutil.copystat(source, target)
        if not group_kept:
            _narrow_group(target)
        # The content is new: whoever looks at the modification time must see that.
        os.utime(target)

    def _copy_owner(source: Path, target: Path) -> bool:
        """Copy owner and group as far as this process may; False when the group stayed another one."""
        old, new = source.stat(), target.stat()
        if old.st_uid != new.st_uid and os.geteuid() == 0:
            os.chown(target, old.st_uid, old.st_gid)
        elif old.st_gid != new.st_gid:
            try:
                os.chown(target, -1, old.st_gid)
            except PermissionError:
                return False
        return True

    def _narrow_group(path: Path) -> None:
        # Permissions meant for one group must not fall to another: it gets no more than everybody has.
        mode = stat.S_IMODE(path.stat().st_mode)
        everybody = (mode & stat.S_IRWXO) << 3
        path.chmod((mode & ~stat.S_IRWXG) | (mode & everybody))

    def _copyfile(source: Path, target: Path) -> None:
        """macOS' copyfile(3) with COPYFILE_ACL, COPYFILE_STAT and COPYFILE_XATTR."""
        import ctypes  # noqa: PLC0415

        library = ctypes.CDLL(None, use_errno=True)
        if library.copyfile(os.fsencode(source), os.fsencode(target), None, 1 << 0 | 1 << 1 | 1 << 2) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(target))

    def user_tag() -> str:
        """This user's number."""
        return f"-{os.getuid()}"

    def is_private_folder(path: Path) -> bool:
        """Whether it is a real folder of this user and closed to all others. Raises OSError."""
        found = path.lstat()
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        return mine and not found.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
