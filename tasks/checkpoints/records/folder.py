"""Records as files of a folder, one folder a scan."""

import contextlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from tasks.checkpoints.records.interface import DAMAGED, Answer, checked
from tasks.errors import CheckpointError, ResultsUnreachable
from tasks.files.atomic import write_atomically
from tasks.files.reasons import explain
from tasks.files.temporaries import sweep_folder


@dataclass(frozen=True, slots=True)
class FolderRecords:
    """The records below a folder, which need not exist yet. What cannot be listed there counts as not there."""

    folder: Path

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.folder)

    def check(self) -> None:
        """Nothing to find out: who makes the data folder has looked."""

    def path_of(self, key: str) -> Path:
        """The file of a record; CheckpointError for a key that would leave the folder."""
        return self.folder / checked(key)

    def read(self, key: str) -> bytes | None:
        """A record; None when there is none. CheckpointError for a file that cannot be read."""
        path = self.path_of(key)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error

    def head(self, key: str, size: int) -> bytes | None:
        """The first bytes of a record; None when there is none, or it is empty or not readable."""
        try:
            with self.path_of(key).open("rb") as file:
                return file.read(size) or None
        except OSError:
            return None

    def write(self, key: str, record: bytes) -> None:
        """Write a record beside its place, sync and rename it; CheckpointError where that fails."""
        write_atomically(self.path_of(key), record)

    def set_aside(self, key: str, record: bytes) -> str:  # noqa: ARG002  the file itself is kept
        """Rename a damaged record; where it is then. CheckpointError where that fails."""
        path = self.path_of(key)
        aside = path.with_name(path.name + DAMAGED)
        try:
            path.replace(aside)
        except OSError as error:
            raise CheckpointError(f"{path}: damaged, and cannot be renamed ({explain(error, path)})") from error
        return str(aside)

    def keys(self, scan_id: str, kind: str) -> list[str]:
        """The keys of a scan's records of one kind, in order."""
        found = sorted(path.name for path in self.path_of(scan_id).glob(f"{kind}-*"))
        return [f"{scan_id}/{name}" for name in found if not name.endswith(DAMAGED)]

    def scan_ids(self) -> list[str]:
        """Every scan with a folder, in order. ResultsUnreachable where the folder is there and cannot be listed."""
        try:
            return sorted(entry.name for entry in os.scandir(self.folder) if entry.is_dir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ResultsUnreachable(f"{self.folder}: cannot be listed ({explain(error, self.folder)})") from error

    def changed(self, scan_id: str) -> datetime:
        """When the scan's folder was last changed, naive UTC."""
        try:
            seconds = self.path_of(scan_id).stat().st_mtime
        except OSError:
            return datetime.min  # noqa: DTZ901  naive UTC
        return datetime(1970, 1, 1) + timedelta(seconds=seconds)  # noqa: DTZ001  naive UTC

    def remove(self, scan_id: str) -> None:
        """Remove the scan's folder, its batches first, as far as possible."""
        folder = self.path_of(scan_id)
        for path in folder.glob("batch-*"):
            # Tidying up is never worth an error; the next time tries again.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)

    def sweep(self) -> None:
        """Remove the half-written files of killed runs; those of living processes stay."""
        for scan_id in self.scan_ids():
            with contextlib.suppress(OSError):
                sweep_folder(self.path_of(scan_id))

    def each(self, keys: Iterable[str], ask: Callable[[str], Answer]) -> Iterator[Answer]:
        """`ask` of each key, one after the other."""
        yield from map(ask, keys)
