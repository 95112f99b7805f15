"""Checkpoint files: `checkpoints/checkpoint_YYYYMMDD_HHMMSS_ID.json` under the data folder.

Each is one JSON document of three lines, so that a list of a thousand reads only their first lines:
`{"head": {...},`, `"body": {...},`, `"sha256": "..."}` with the SHA-256 of the two texts between.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tasks.checkpoints.model import CheckpointData, CheckpointHead, ScanState
from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically

_HEAD, _BODY = b'{"head": ', b'"body": '
_WAY_OUT = "the results stored beside it are still used; --start-fresh begins anew"
_UNFINISHED = frozenset({ScanState.RUNNING, ScanState.INTERRUPTED, ScanState.MERGING})


def _encode(checkpoint: CheckpointData) -> bytes:
    head, body = checkpoint.head.model_dump_json(), checkpoint.model_dump_json()
    return _framed(head.encode(), body.encode())


def _framed(head: bytes, body: bytes) -> bytes:
    digest = hashlib.sha256(head + b"\n" + body).hexdigest().encode()
    return _HEAD + head + b",\n" + _BODY + body + b',\n"sha256": "' + digest + b'"}\n'


def _decode(path: Path) -> CheckpointData:
    """A checkpoint whose every byte is as it was written; CheckpointError otherwise."""
    try:
        found = path.read_bytes()
        head, body = (line.removesuffix(b",") for line in found.split(b"\n")[:2])
        body = body.removeprefix(_BODY)
        if found != _framed(head.removeprefix(_HEAD), body):
            raise CheckpointError(f"{path}: does not match its checksum; {_WAY_OUT}")
        return CheckpointData.model_validate_json(body)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); {_WAY_OUT}") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: damaged or not a checkpoint; {_WAY_OUT}") from error


@dataclass(frozen=True, slots=True)
class CheckpointStore:
    """All checkpoints of one data folder."""

    folder: Path

    def path_of(self, checkpoint: CheckpointData | CheckpointHead) -> Path:
        """The file of a checkpoint."""
        return self.folder / f"checkpoint_{checkpoint.created_at:%Y%m%d_%H%M%S}_{checkpoint.checkpoint_id}.json"

    def write(self, checkpoint: CheckpointData) -> Path:
        """Write it durably, whole or not at all; an earlier one of the same scan and second is replaced."""
        path = self.path_of(checkpoint)
        write_atomically(path, _encode(checkpoint))
        return path

    def heads(self) -> Iterator[CheckpointHead]:
        """Every readable checkpoint, newest first; reads first lines only, so the checksums are not verified."""
        yield from (head for _, head in self._found())

    def _found(self) -> Iterator[tuple[Path, CheckpointHead]]:
        for path in sorted(self.folder.glob("checkpoint_*.json"), reverse=True):
            head = _first_line(path)
            if head is not None:
                yield path, head

    def load(self, checkpoint_id: str) -> CheckpointData:
        """A whole checkpoint by id (or the start of it), its checksum verified; CheckpointError otherwise."""
        found = [p for p in sorted(self.folder.glob("checkpoint_*.json")) if _id_of(p).startswith(checkpoint_id)]
        if len({_id_of(p) for p in found}) != 1:
            what = "no checkpoint" if not found else "several checkpoints"
            raise CheckpointError(f"{what} with id {checkpoint_id} in {self.folder}; see --list-checkpoints")
        return _decode(found[-1])

    def unfinished(self, workbook: Path) -> CheckpointData | None:
        """The newest sound checkpoint of an unfinished scan of this workbook; damaged ones are passed over."""
        finished: set[str] = set()
        for path, head in self._found():
            if head.workbook != str(workbook):
                continue
            if head.state not in _UNFINISHED:
                finished.add(head.scan_id)
            elif head.scan_id not in finished:
                try:
                    return _decode(path)
                except CheckpointError:
                    continue  # the one before it may be sound, and the results do not depend on either
        return None

    def remove(self, scan_id: str) -> None:
        """Remove all checkpoints of a scan."""
        for path, head in list(self._found()):
            if head.scan_id == scan_id:
                path.unlink(missing_ok=True)


def _id_of(path: Path) -> str:
    return path.stem.rpartition("_")[2]


def _first_line(path: Path) -> CheckpointHead | None:
    try:
        with path.open("rb") as file:
            line = file.readline(65_536).rstrip(b"\n")
        return CheckpointHead.model_validate_json(line.removeprefix(_HEAD).removesuffix(b","))
    except (OSError, ValueError):
        return None
