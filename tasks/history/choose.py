"""Which result a word on the command line means: an id, the start of one, `last`, `previous`, or a file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.errors import InputError, UsageError
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_document
from tasks.history.scanmodel import ScanDocument
from tasks.history.store import History, KeptScan, document_of, is_kept_file, label_of, load

__all__ = ["LAST", "PREVIOUS", "Chosen", "choose"]

LAST, PREVIOUS = "last", "previous"
_MOST_BYTES = 1 << 30
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """A result, and where it is kept (None: it was read from a file of the user's)."""

    document: ScanDocument | IocDocument
    text: bytes
    kept: KeptScan | None = None


def choose(history: History, word: str, target: str | None = None) -> Chosen:
    """The result that a word means. UsageError for a word that means none, InputError for a file that is none.

    target restricts `last` and `previous` to one workbook (full path) or organisation.
    """
    path = Path(word)
    if path.is_file():
        return _from_file(path)
    if word in (LAST, PREVIOUS):
        return _chosen(_by_age(history, word, target))
    found = [kept for kept in history.scans() if kept.label.scan_id.startswith(word)]
    if len({kept.label.scan_id for kept in found}) == 1:
        return _chosen(found[0])
    raise UsageError(_not_one(word, found))


def _by_age(history: History, word: str, target: str | None) -> KeptScan:
    scans = [kept for kept in history.scans(target=target) if not kept.label.scope.dry_run]
    if not scans:
        raise UsageError(f"{history.folder}: no scan is kept there{_of(target)}; run one, or give --data-dir")
    if word == LAST:
        return scans[0]
    newest = scans[0].label
    former = [kept for kept in scans[1:] if (kept.label.kind, kept.label.target) == (newest.kind, newest.target)]
    if not former:
        raise UsageError(f"{newest.target}: only one scan is kept, there is no previous one; see --list")
    return former[0]


def _of(target: str | None) -> str:
    return f" of {target}" if target else ""


def _not_one(word: str, found: Sequence[KeptScan]) -> str:
    if not found:
        return f"{word}: no kept scan has an id that begins so, and no such file exists; see --list"
    ids = ", ".join(dict.fromkeys(kept.label.scan_id for kept in found[:_SHOWN]))
    return f"{word}: more than one kept scan begins so ({ids}); give more of the id"


def _chosen(kept: KeptScan) -> Chosen:
    return Chosen(load(kept), document_of(kept.path), kept)


def _from_file(path: Path) -> Chosen:
    if is_kept_file(path):
        return _chosen(KeptScan(label_of(path), path))
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"{path}: larger than {_MOST_BYTES >> 20} MB; name a result file (--json)")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); name a result file (--json)") from error
    return Chosen(_parsed(text, path), text)


def _parsed(text: bytes, path: Path) -> ScanDocument | IocDocument:
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON; name a result file (--json) or a kept scan (--list)") from error
    if not isinstance(plain, dict):
        raise InputError(f"{path} holds no result; name a result file (--json) or a kept scan (--list)")
    kind = DocumentKind.IOC if "findings" in plain else DocumentKind.SCAN
    return parse_document(kind, plain, str(path))
