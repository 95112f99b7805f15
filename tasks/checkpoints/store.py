"""Checkpoint files: `checkpoints/checkpoint_YYYYMMDD_HHMMSS_ID.json` under the data folder.

Each is one JSON document of three lines, so that a list of a thousand reads only their first lines:
`{"head": {...},`, `"body": {...},`, `"sha256": "..."}` with the SHA-256 of the two texts between.
A scan has several files, one a checkpoint, of which the last few are kept.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints.model import FORMAT, UNFINISHED, CheckpointData, CheckpointHead
from tasks.errors import CheckpointError, UsageError
from tasks.files.atomic import write_atomically

_HEAD, _BODY = b'{"head": ', b'"body": '
_WAY_OUT = "the results stored beside it are still used; --start-fresh begins anew"
_LONGEST_HEAD = 65_536


def _encode(checkpoint: CheckpointData) -> bytes:
    head, body = checkpoint.head.model_dump_json(), checkpoint.model_dump_json()
    return _framed(head.encode(), body.encode())


def _framed(head: bytes, body: bytes) -> bytes:
    digest = hashlib.sha256(head + b"\n" + body).hexdigest().encode()
    return _HEAD + head + b",\n" + _BODY + body + b',\n"sha256": "' + digest + b'"}\n'


def read_checkpoint(path: Path) -> CheckpointData:
    """A checkpoint whose every byte is as it was written; CheckpointError otherwise."""
    try:
        found = path.read_bytes()
        head, body = (line.removesuffix(b",") for line in found.split(b"\n")[:2])
        body = body.removeprefix(_BODY)
        if found != _framed(head.removeprefix(_HEAD), body):
            raise CheckpointError(f"{path}: does not match its checksum; {_WAY_OUT}")
        _refuse_newer(path, CheckpointHead.model_validate_json(head.removeprefix(_HEAD)))
        return CheckpointData.model_validate_json(body)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); {_WAY_OUT}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: damaged or not a checkpoint; {_WAY_OUT}") from error


def _refuse_newer(path: Path, head: CheckpointHead) -> None:
    if head.format > FORMAT:
        raise CheckpointError(f"{path}: format {head.format} is of a later version; use that one, or --start-fresh")


@dataclass(frozen=True, slots=True)
class CheckpointStore:
    """All checkpoints of one data folder."""

    folder: Path

    def path_of(self, checkpoint: CheckpointData | CheckpointHead) -> Path:
        """The file of a checkpoint."""
        return self.folder / f"checkpoint_{checkpoint.created_at:%Y%m%d_%H%M%S}_{checkpoint.checkpoint_id}.json"

    def write(self, checkpoint: CheckpointData) -> Path:
        """Write it durably, whole or not at all; one of the same id and second is replaced."""
        path = self.path_of(checkpoint)
        write_atomically(path, _encode(checkpoint))
        return path

    def heads(self) -> Iterator[CheckpointHead]:
        """Every readable checkpoint, newest first; reads first lines only, so the checksums are not verified."""
        yield from (head for _, head in self.found())

    def found(self) -> list[tuple[Path, CheckpointHead]]:
        """Every checkpoint whose first line is readable, with its file, newest first."""
        pairs = [(path, head) for path in self.folder.glob("checkpoint_*.json") if (head := _first_line(path))]
        return sorted(pairs, key=_age, reverse=True)

    def unreadable(self) -> list[Path]:
        """Checkpoint files of which not even the first line can be read."""
        return sorted(path for path in self.folder.glob("checkpoint_*.json") if _first_line(path) is None)

    def file_of(self, checkpoint_id: str) -> Path:
        """The file of a checkpoint by its id (or the start of it); UsageError when there is none or several."""
        if not checkpoint_id:
            raise UsageError("an empty checkpoint id; --list-checkpoints shows those there are")
        found = [p for p in sorted(self.folder.glob("checkpoint_*.json")) if _id_of(p).startswith(checkpoint_id)]
        if len({_id_of(p) for p in found}) != 1:
            what = "no checkpoint" if not found else "several checkpoints"
            raise UsageError(f"{what} with id {checkpoint_id} in {self.folder}; see --list-checkpoints")
        return found[-1]

    def load(self, checkpoint_id: str) -> CheckpointData:
        """A whole checkpoint by id; UsageError as `file_of`, CheckpointError when it is damaged."""
        return read_checkpoint(self.file_of(checkpoint_id))

    def files_of(self, scan_id: str) -> list[Path]:
        """The files of a scan, oldest first."""
        return [path for path, head in reversed(self.found()) if head.scan_id == scan_id]

    def unfinished(self, workbook: Path) -> CheckpointData | None:
        """The newest sound checkpoint of an unfinished scan of this workbook; damaged ones are passed over."""
        finished: set[str] = set()
        for path, head in self.found():
            if head.workbook != str(workbook):
                continue
            if head.state not in UNFINISHED:
                finished.add(head.scan_id)
            elif head.scan_id not in finished:
                try:
                    return read_checkpoint(path)
                except CheckpointError:
                    continue  # the one before it may be sound, and the results do not depend on either
        return None

    def remove(self, scan_id: str) -> None:
        """Remove all checkpoints of a scan; raises OSError."""
        for path in self.files_of(scan_id):
            path.unlink(missing_ok=True)


def _age(pair: tuple[Path, CheckpointHead]) -> tuple[object, ...]:
    path, head = pair
    return head.created_at, head.batch_number, path.name


def _id_of(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _first_line(path: Path) -> CheckpointHead | None:
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_HEAD).rstrip(b"\n")
        return CheckpointHead.model_validate_json(line.removeprefix(_HEAD).removesuffix(b","))
    except (OSError, ValueError):
        return None
