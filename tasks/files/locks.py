"""One scan at a time per workbook, by a lock of the operating system that a killed process cannot leave behind.

The lock's file is not beside the workbook, where it would litter the reviewer's folder, nor under `--data-dir`,
since two scans with different data folders must exclude each other too. It is in a private folder of this user
under the system's folder for temporary files, named by a digest of the workbook's real path. Scans of other users
or other machines are not excluded; against those stands the look at the workbook just before it is replaced.
Where that folder cannot be made or is not private, the scan is refused: without the lock it would not be safe.
"""

import contextlib
import hashlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from tasks.errors import MergeError, WorkbookLocked
from tasks.files import platform
from tasks.files.reasons import explain

_LARGEST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LockHolder:
    """Which process holds a workbook's lock: its number, its machine and the scan it runs."""

    pid: int
    host: str
    scan_id: str

    def __str__(self) -> str:
        """As in "scan s1 (process 17 on desk-7)"."""
        return f"scan {self.scan_id} (process {self.pid} on {self.host})"


def default_lock_folder() -> Path:
    """This user's private folder for locks, made if missing; MergeError when it cannot be made or is not private."""
    folder = Path(tempfile.gettempdir()) / f"vetbook-locks{platform.user_tag()}"
    return private_folder(folder)


def private_folder(folder: Path) -> Path:
    """Make `folder` for this user only, or check that it is so; MergeError otherwise."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        private = platform.is_private_folder(folder)
    except OSError as error:
        raise MergeError(f"Cannot lock workbooks in {folder}: {explain(error, folder)}.") from error
    if not private:
        raise MergeError(
            f"Cannot lock workbooks in {folder}: it is not this user's alone; remove it or take others' access away."
        )
    return folder


class WorkbookLock:
    """The lock of one workbook; every way to write its path means the same lock, whether the file exists or not."""

    def __init__(self, target: Path, *, scan_id: str, folder: Path | None = None) -> None:
        self._target = target
        self._folder = folder
        self._own = LockHolder(os.getpid(), socket.gethostname(), scan_id)
        self._name = hashlib.sha256(platform.path_key(target).encode(errors="surrogateescape")).hexdigest()

    @contextlib.contextmanager
    def acquire(
        self,
        timeout_seconds: float = 0.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        poll_seconds: float = 0.25,
    ) -> Iterator[None]:
        """Hold the lock inside the `with`; the system frees it if the process dies.

        Raises WorkbookLocked naming the holder when it is not free after `timeout_seconds` (0: one try),
        MergeError when the place for locks cannot be used. Clock and sleep are in seconds.
        """
        folder = default_lock_folder() if self._folder is None else private_folder(self._folder)
        lock: BaseFileLock = FileLock(folder / f"{self._name}.lock", mode=0o600, thread_local=False)
        deadline = clock() + timeout_seconds
        while not self._try(lock):
            left = deadline - clock()
            if left <= 0:
                raise WorkbookLocked(
                    f"{self._target} is in use by {self._holder_text(folder)}; let it end and run again."
                )
            sleep(min(poll_seconds, left))
        try:
            self._note_holder(folder)
            yield
        finally:
            # The note is only for messages: failing to remove it must not keep the lock.
            with contextlib.suppress(OSError):
                self._holder_file(folder).unlink(missing_ok=True)
            lock.release()

    def _try(self, lock: BaseFileLock) -> bool:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            return False
        except OSError as error:
            place = Path(lock.lock_file)
            raise MergeError(f"Cannot lock {self._target} by {place}: {explain(error, place)}.") from error
        if isinstance(lock, SoftFileLock):
            # filelock's way out where the file system has no locks; a killed process would leave that one behind.
            lock.release()
            raise MergeError(f"Cannot lock {self._target}: the file system of {lock.lock_file} has no locks.")
        return True

    def _holder_text(self, folder: Path) -> str:
        found = _read_holder(self._holder_file(folder))
        if found is None or (found.host == self._own.host and not platform.process_alive(found.pid)):
            return "another scan (its process is not known)"
        return str(found)

    def _holder_file(self, folder: Path) -> Path:
        return folder / f"{self._name}.json"

    def _note_holder(self, folder: Path) -> None:
        # Only for the message to others: the lock itself is held, so a note that cannot be written is no failure.
        with contextlib.suppress(OSError):
            self._holder_file(folder).write_text(json.dumps(asdict(self._own)), encoding="utf-8")


def _read_holder(path: Path) -> LockHolder | None:
    try:
        with path.open("rb") as file:
            plain = json.loads(file.read(_LARGEST_BYTES))
        return LockHolder(int(plain["pid"]), str(plain["host"])[:64], str(plain["scan_id"])[:64])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        # A torn or missing note means only that the holder's name is not known.
        return None
