"""The kept results of finished scans: one sealed file each under DATA/history, a folder per workbook or organisation.

A file is a sealed record (tasks.checkpoints.seal) of gzip: one line that says what it is, then the result document.
"""

import gzip
import hashlib
import io
import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from tasks.checkpoints.seal import seal, unseal
from tasks.errors import CheckpointError, VetbookError
from tasks.files.atomic import write_atomically
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_json
from tasks.history.scanmodel import ScanDocument, Scope
from tasks.http.redaction import HIDDEN, secrets_of

__all__ = ["History", "KeptScan", "Label"]

_MOST_BYTES = 1 << 30
_MOST_FILES = 10_000
_LABEL_BYTES = 1 << 16
_SUFFIX = ".kept"
_SHORTEST = 6
"""Letters; shorter values are no tokens (as tasks.http.redaction has it), and hiding them would tear the JSON apart."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Label:
    """The first line of a kept file: whose result it is. target is the workbook's full path, or the organisation.

    finished_at is aware UTC; figures are headline numbers by name.
    """

    kind: DocumentKind
    scan_id: str
    target: str
    finished_at: datetime
    scope: Scope = field(default_factory=Scope)
    figures: Mapping[str, int] = field(default_factory=dict)
    version: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class KeptScan:
    """One kept result: its label and where it lies."""

    label: Label
    path: Path


_LABEL = TypeAdapter(Label)


@dataclass(frozen=True, slots=True)
class History:
    """The kept results under one data folder."""

    folder: Path

    def keep(self, label: Label, document: Iterable[str], most: int) -> Path:
        """Store a document (pieces of its JSON) and let the oldest beyond `most` of the same target go.

        An earlier result of the same scan is replaced. CheckpointError when it cannot be written.
        """
        folder = self.folder / _folder_name(label)
        path = folder / f"{label.finished_at:%Y%m%d_%H%M%S}_{_plain(label.scan_id)}{_SUFFIX}"
        write_atomically(path, seal(_packed(label, document)))
        ended = f"_{_plain(label.scan_id)}{_SUFFIX}"
        former = [other for other in _files(folder) if other.name.endswith(ended) and other != path]
        rest = [other for other in _files(folder) if other not in former]
        for spare in (*former, *rest[: max(0, len(rest) - most)]):
            _remove(spare)
        return path

    def scans(self, kind: DocumentKind | None = None, target: str | None = None) -> list[KeptScan]:
        """What is kept, newest first; a file that cannot be believed is a warning by name and left out.

        target is a workbook's full path, or an organisation as `github:ORG` with whatever was asked of it.
        """
        found = [kept for kept in map(_read_label, self._paths()) if kept is not None]
        wanted = [
            kept
            for kept in found
            if (kind is None or kept.label.kind is kind) and (target is None or _is_of(kept.label, target))
        ]
        return sorted(wanted, key=lambda kept: (kept.label.finished_at, kept.label.scan_id), reverse=True)

    def before(self, label: Label) -> KeptScan | None:
        """The scan that "since the last scan" means: the newest other one of the target that finished before.

        One of the whole workbook goes before one of some rows; dry runs do not count. Only scans of the same target
        are read.
        """
        folder = self.folder / _folder_name(label)
        found = (kept for kept in map(_read_label, _files(folder)) if kept is not None)
        earlier = [
            kept
            for kept in found
            if kept.label.scan_id != label.scan_id
            and kept.label.finished_at <= label.finished_at
            and not kept.label.scope.dry_run
            and (kept.label.kind, kept.label.target) == (label.kind, label.target)
        ]
        return max(earlier, key=lambda kept: (kept.label.scope.whole, kept.label.finished_at), default=None)

    def _paths(self) -> Iterator[Path]:
        if self.folder.is_dir():
            for folder in sorted(self.folder.iterdir()):
                if folder.is_dir():
                    yield from _files(folder)


def _is_of(label: Label, target: str) -> bool:
    if label.kind is DocumentKind.SCAN:
        return label.target == target
    return f"{label.target} ".startswith(f"{target} ")


def load(kept: KeptScan) -> ScanDocument | IocDocument:
    """The document of a kept scan; CheckpointError or InputError when it cannot be believed."""
    return parse_json(kept.label.kind, document_of(kept.path), str(kept.path))


def document_of(path: Path) -> bytes:
    """The JSON of a kept file exactly as it was stored; CheckpointError when the file cannot be believed."""
    with _opened(path) as file:
        file.readline(_LABEL_BYTES)
        return _read_bounded(file, path)


def is_kept_file(path: Path) -> bool:
    """Whether a path is named like a kept result."""
    return path.suffix == _SUFFIX


def label_of(path: Path) -> Label:
    """The label of a kept file; CheckpointError when the file cannot be believed."""
    with _opened(path) as file:
        try:
            line = file.readline(_LABEL_BYTES)
            label: Label = _LABEL.validate_json(line)
        except (OSError, EOFError, ValidationError) as error:
            raise CheckpointError(f"{path}: no kept result of this version; remove the file") from error
    return label


def _opened(path: Path) -> gzip.GzipFile:
    try:
        content = unseal(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"{path}: cannot be read ({error.strerror}); mend its permissions or remove it"
        ) from error
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}; remove the file") from error
    return gzip.GzipFile(fileobj=io.BytesIO(content))


def _read_bounded(file: gzip.GzipFile, path: Path) -> bytes:
    try:
        text = file.read(_MOST_BYTES + 1)
    except (OSError, EOFError) as error:
        raise CheckpointError(f"{path}: cannot be unpacked ({error}); remove the file") from error
    if len(text) > _MOST_BYTES:
        raise CheckpointError(f"{path}: holds more than {_MOST_BYTES >> 20} MB; remove the file")
    return text


def _read_label(path: Path) -> KeptScan | None:
    try:
        return KeptScan(label_of(path), path)
    except VetbookError as error:
        _log.warning("A kept result is left out: %s", error)
        return None


def _packed(label: Label, document: Iterable[str]) -> bytes:
    out, secrets = io.BytesIO(), [secret for secret in secrets_of(os.environ) if len(secret) >= _SHORTEST]
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, mtime=0) as file:
        file.write(_LABEL.dump_json(label) + b"\n")
        for piece in document:
            file.write(_without(piece, secrets).encode("utf-8", "replace"))
    return out.getvalue()


def _without(piece: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        # As JSON writes it: a quote in a token is escaped there.
        piece = piece.replace(json.dumps(secret, ensure_ascii=False)[1:-1], HIDDEN)
    return piece


def _files(folder: Path) -> list[Path]:
    """The kept files of one target, oldest first by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix == _SUFFIX and path.is_file())[-_MOST_FILES:]


def _folder_name(label: Label) -> str:
    digest = hashlib.sha256(f"{label.kind.value}:{label.target}".encode()).hexdigest()[:10]
    return f"{_plain(Path(label.target).stem if label.kind is DocumentKind.SCAN else label.target)[:40]}-{digest}"


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "_", text).strip("._") or "scan"


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s: an old result could not be removed (%s)", path, error.strerror)


def scan_label(target: Path, document: Mapping[str, Any]) -> Label:
    """The label of a scan's document as plain data; target is made a full path."""
    summary = document["summary"]
    figures = {name: summary[name] for name in ("packages", "vulnerabilities", "affected_packages")}
    return Label(
        kind=DocumentKind.SCAN,
        scan_id=document["scan_id"],
        target=str(Path(os.path.realpath(target))),
        finished_at=datetime.fromisoformat(document["finished_at"]),
        scope=Scope(**summary["scope"]),
        figures={**figures, "could_not_check": len(summary["could_not_check"])},
    )


def ioc_label(document: Mapping[str, Any]) -> Label:
    """The label of an IOC scan's document as plain data."""
    failed = sum(1 for file in document["files"] if file["status"] == "failed")
    return Label(
        kind=DocumentKind.IOC,
        scan_id=document["scan_id"],
        target=document["target"],
        finished_at=datetime.fromisoformat(document["finished_at"]),
        figures={
            "repositories": len(document["repositories"]),
            "findings": len(document["findings"]),
            "could_not_check": failed,
        },
    )
