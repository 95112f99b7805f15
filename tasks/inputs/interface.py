"""What a kind of input gives and may raise: the types of this plug point.

Every kind raises InputError, in one line that names the file, the place and what to do; an input that cannot be read
is never an empty list.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tasks.errors import InputError
from tasks.lockfiles.interface import LockedPackage
from tasks.review.model import PackageKey
from tasks.text.plain import counted
from tasks.workbook.rows import parse_name
from tasks.workbook.versions import clean_text, excerpt, parse_installed

__all__ = ["FileInput", "FileKind", "Listing", "listing_of"]

_LONGEST_VERSION = 200
_MOST_PACKAGES = 100_000
_SHOWN = 5
"""How many entries a note names."""

_ECOSYSTEM = "PyPI"
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class FileInput:
    """A file to read packages from: its path and its bytes."""

    path: Path
    content: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """The packages of an input, each project and version once, in its order.

    source is the input as messages call it. A package whose version is None is not pinned: version_text is what the
    input says instead, "" for nothing, and problem says why it cannot be looked up. notes say what the input holds
    beside these packages.
    """

    source: str
    packages: tuple[PackageKey, ...]
    notes: tuple[str, ...] = ()


class FileKind(Protocol):
    """One kind of file that lists packages."""

    @property
    def described(self) -> str:
        """What a message that lists the kinds calls it."""
        ...

    def claims(self, file: FileInput) -> bool:
        """True where the file is of this kind, judged by its name, or else by its content."""
        ...

    def read(self, file: FileInput) -> Listing:
        """The packages. Raises InputError."""
        ...


def listing_of(source: str, locked: Iterable[LockedPackage], notes: Iterable[str] = ()) -> Listing:
    """The Python packages among these; InputError where there is none, or more than a workbook should hold.

    A version that is no PEP 440 version is kept as text: it becomes a row with its reason. Entries that PyPI cannot
    have (other ecosystems, impossible names) are told in the notes.
    """
    packages: dict[tuple[str, str], PackageKey] = {}
    others: Counter[str] = Counter()
    unnamed: list[str] = []
    for one in locked:
        key = _key(one) if one.ecosystem == _ECOSYSTEM else None
        if key is not None:
            packages.setdefault((key.project, key.version or key.version_text), key)
        elif one.ecosystem == _ECOSYSTEM:
            unnamed.append(one.name)
        else:
            others[one.ecosystem or "no ecosystem"] += 1
    told = (*notes, *_left_out(source, others, unnamed))
    if len(packages) > _MOST_PACKAGES:
        raise InputError(f"{source}: {len(packages):,} packages are more than the {_MOST_PACKAGES:,} that are reviewed")
    if not packages:
        raise InputError(f"{source}: names no Python package{_instead(others)}; nothing to review")
    return Listing(source, tuple(packages.values()), told)


def _key(one: LockedPackage) -> PackageKey | None:
    shown, name = parse_name(_text(one.shown_name)), parse_name(_text(one.name))
    if not name.project:
        return None
    installed = parse_installed(_text(one.version or "")[:_LONGEST_VERSION])
    return PackageKey(
        name=shown.text if shown.project == name.project else name.text,
        project=name.project,
        version=installed.version,
        version_text=installed.text,
        problem=installed.problem,
    )


def _text(text: str) -> str:
    return clean_text(_CONTROL.sub("", text))


def _left_out(source: str, others: Counter[str], unnamed: list[str]) -> Iterator[str]:
    if others:
        yield f"{source}: {counted(others.total(), 'package')} of other ecosystems left out ({_numbers(others)})"
    if unnamed:
        names = ", ".join(excerpt(_CONTROL.sub("", name), 40) for name in unnamed[:_SHOWN])
        yield f"{source}: {counted(len(unnamed), 'entry', 'entries')} left out, no package can be called {names}"


def _instead(others: Counter[str]) -> str:
    return f" (but packages of {_numbers(others)})" if others else ""


def _numbers(others: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in others.most_common(_SHOWN))
