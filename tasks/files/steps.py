"""The seam through which every durable step goes, so that a test can count the steps and fail any of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tasks.files import platform


class Steps(Protocol):
    """What changes or syncs files; every method raises OSError."""

    def create(self, path: Path, mode: int) -> int:
        """Open a new file for writing and return its descriptor; FileExistsError when the name is taken."""
        ...

    def write(self, fd: int, data: memoryview) -> int:
        """Write some of `data` and return how many bytes were taken; may be fewer than offered."""
        ...

    def sync_file(self, fd: int) -> None:
        """Bring the file's content to the medium."""
        ...

    def copy_metadata(self, source: Path, target: Path) -> None:
        """Give `target` the mode, owner, attributes and ACL of `source`."""
        ...

    def replace(self, temporary: Path, target: Path) -> None:
        """Put `temporary` in the place of `target`, in one step."""
        ...

    def sync_folder(self, folder: Path) -> None:
        """Make the folder's last renames and removals durable."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove a file; one that is gone already is no error."""
        ...

    def make_folder(self, folder: Path) -> None:
        """Make one folder; one that is there already is no error."""
        ...


class RealSteps:
    """The steps as the operating system does them."""

    def create(self, path: Path, mode: int) -> int:
        """See `Steps`."""
        return platform.create_new(path, mode)

    def write(self, fd: int, data: memoryview) -> int:
        """See `Steps`."""
        return os.write(fd, data)

    def sync_file(self, fd: int) -> None:
        """See `Steps`."""
        platform.sync_file(fd)

    def copy_metadata(self, source: Path, target: Path) -> None:
        """See `Steps`."""
        platform.copy_metadata(source, target)

    def replace(self, temporary: Path, target: Path) -> None:
        """See `Steps`."""
        platform.replace_file(temporary, target)

    def sync_folder(self, folder: Path) -> None:
        """See `Steps`."""
        platform.sync_folder(folder)

    def unlink(self, path: Path) -> None:
        """See `Steps`."""
        path.unlink(missing_ok=True)

    def make_folder(self, folder: Path) -> None:
        """See `Steps`."""
        folder.mkdir(exist_ok=True)


REAL_STEPS: Steps = RealSteps()


class HookedSteps:
    """Steps that first call `hook(number, name)`, numbers counting from 1: it may raise, kill the process or note.

    For tests of everything that is built on this folder.
    """

    def __init__(self, hook: Callable[[int, str], None], inner: Steps = REAL_STEPS) -> None:
        self._hook = hook
        self._inner = inner
        self.count = 0

    def _next(self, name: str) -> Steps:
        self.count += 1
        self._hook(self.count, name)
        return self._inner

    def create(self, path: Path, mode: int) -> int:
        """See `Steps`."""
        return self._next("create").create(path, mode)

    def write(self, fd: int, data: memoryview) -> int:
        """See `Steps`."""
        return self._next("write").write(fd, data)

    def sync_file(self, fd: int) -> None:
        """See `Steps`."""
        self._next("sync_file").sync_file(fd)

    def copy_metadata(self, source: Path, target: Path) -> None:
        """See `Steps`."""
        self._next("copy_metadata").copy_metadata(source, target)

    def replace(self, temporary: Path, target: Path) -> None:
        """See `Steps`."""
        self._next("replace").replace(temporary, target)

    def sync_folder(self, folder: Path) -> None:
        """See `Steps`."""
        self._next("sync_folder").sync_folder(folder)

    def unlink(self, path: Path) -> None:
        """See `Steps`."""
        self._next("unlink").unlink(path)

    def make_folder(self, folder: Path) -> None:
        """See `Steps`."""
        self._next("make_folder").make_folder(folder)
