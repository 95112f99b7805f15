"""Windows' own calls, by ctypes; only `tasks.files.platform` imports this, and only on Windows."""

import ctypes
import sys
from pathlib import Path

if sys.platform == "win32":
    _IGNORE_MERGE_ERRORS = 0x2
    _GENERIC_READ = 0x80000000
    _OPEN_EXISTING = 3
    _SHARING_VIOLATION = 32

    def replace_file(temporary: Path, target: Path, aside: Path) -> None:
        """Swap `temporary` for `target` by ReplaceFileW; OSError (WinError) when Windows does not.

        The target passes through the name `aside`: without such a name error 1176 can leave no target at
        all; with it only error 1177 does, and the target is then put back
        (learn.microsoft.com, "ReplaceFileW function", return value).
        """
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        paths = [ctypes.c_wchar_p(str(path)) for path in (target, temporary, aside)]
        if kernel.ReplaceFileW(*paths, _IGNORE_MERGE_ERRORS, None, None):
            aside.unlink(missing_ok=True)
            return
        error = ctypes.WinError(ctypes.get_last_error())
        if aside.exists() and not target.exists():
            aside.replace(target)
        raise error

    def held_open(path: Path) -> bool | None:
        """Whether an open that shares nothing is refused for a sharing violation; None when it fails otherwise."""
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.CreateFileW.restype = ctypes.c_void_p
        name = ctypes.c_wchar_p(str(path))
        handle = kernel.CreateFileW(name, _GENERIC_READ, 0, None, _OPEN_EXISTING, 0, None)
        if handle != ctypes.c_void_p(-1).value:
            kernel.CloseHandle(ctypes.c_void_p(handle))
            return False
        return True if ctypes.get_last_error() == _SHARING_VIOLATION else None
