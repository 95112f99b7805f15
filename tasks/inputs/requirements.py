"""pip's requirements files, with the files they include and the constraints they name.

Only `==` and `===` pin a version; whatever else a line says is kept as text, for the row's reason.
Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from tasks.errors import InputError
from tasks.http.redaction import redact
from tasks.inputs.bounded import read_bytes
from tasks.inputs.interface import FileInput, Listing, listing_of
from tasks.lockfiles import requirements
from tasks.lockfiles.interface import LockedPackage, Lockfile, LockfileError
from tasks.lockfiles.registry import refuse_unfit
from tasks.lockfiles.requirements import Line, LineKind, constrained, lines_of, pinned
from tasks.text.plain import counted
from tasks.workbook.versions import excerpt

__all__ = ["ANY", "NAMED"]

_FORMAT = requirements.FORMATS[0]
_MOST_FILES = 100
_ENDINGS = frozenset({".txt", ".in"})
_EDITABLE = re.compile(r"(?:-e|--editable)[\s=]")
_REMOTE = re.compile(r"(?:-[rc]|--requirement|--constraint)\b.*://")


@dataclass(frozen=True, slots=True)
class _Requirements:
    """Requirements files: those called so, or any text (`named` False)."""

    named: bool
    described: str = "requirements.txt"

    def claims(self, file: FileInput) -> bool:
        if self.named:
            return _FORMAT.claims(file.path.as_posix())
        return file.path.suffix.lower() in _ENDINGS

    def read(self, file: FileInput) -> Listing:
        lockfile = Lockfile(file.path.as_posix(), file.content, _included(file))
        try:
            refuse_unfit(lockfile)
            lines = tuple(lines_of(lockfile))
            pins = constrained(lockfile)
        except LockfileError as error:
            raise InputError(f"{error}; give a requirements file") from error
        _refuse_unread(file.path, lines)
        return listing_of(file.path.name, _packages(lines, pins), _notes(file.path.name, lines))


def _included(file: FileInput) -> Mapping[str, bytes]:
    """What it includes, and what that includes in turn, by path; InputError for a file that is not there."""
    found: dict[str, bytes] = {}
    waiting = deque(_FORMAT.wanted(file.path.as_posix(), file.content))
    while waiting and len(found) < _MOST_FILES:
        path = waiting.popleft()
        if path not in found:
            found[path] = _beside(path, f"{file.path} names ")
            waiting.extend(_FORMAT.wanted(path, found[path]))
    if waiting:
        raise InputError(f"{file.path}: includes more than {_MOST_FILES} files; give a lockfile instead")
    return found


def _beside(path: str, why: str) -> bytes:
    # A list from outside must not make a message quote from whatever lies on the disk (.env, keys).
    if Path(path).suffix.lower() not in _ENDINGS:
        raise InputError(f"{why}{path}: only files that end in .txt or .in are read; rename it, or put a # before it")
    return read_bytes(Path(path), why)


def _refuse_unread(path: Path, lines: Iterable[Line]) -> None:
    unread = next((line for line in lines if line.kind is LineKind.UNREAD), None)
    if unread is not None:
        raise InputError(
            f"{path}: {excerpt(redact(unread.text))} is no requirement; correct the line, or put a # before it"
        )


def _packages(lines: Iterable[Line], pins: Mapping[str, tuple[str, ...]]) -> Iterator[LockedPackage]:
    for line in lines:
        if line.package is None:
            continue
        chosen = pins.get(canonicalize_name(line.package.name), (None,))
        version = line.package.version if pinned(line) else chosen[-1]
        # An address may hold credentials, and is no version.
        said = "" if line.clauses.startswith("@") else line.clauses
        yield replace(line.package, version=version or said)


def _notes(name: str, lines: Iterable[Line]) -> Iterator[str]:
    every = tuple(lines)
    places = sum(line.kind in (LineKind.ADDRESS, LineKind.PATH) or bool(_EDITABLE.match(line.text)) for line in every)
    if places:
        yield f"{name}: {counted(places, 'line')} left out: an address or a folder, which names no package of PyPI"
    if hidden := sum(line.kind is LineKind.HIDDEN for line in every):
        yield f"{name}: {counted(hidden, 'line')} left out: a variable (${{NAME}}) hides what is meant"
    if remote := sum(bool(_REMOTE.match(line.text)) for line in every):
        yield f"{name}: {counted(remote, 'file')} included by address not read; give a copy beside it"


NAMED = _Requirements(named=True)
ANY = _Requirements(named=False)
