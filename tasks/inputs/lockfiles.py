"""Lockfiles, read by the IOC scan's parsers: by their names, or by their shape where they were called otherwise."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tasks.errors import InputError
from tasks.inputs.interface import FileInput, Listing, listing_of
from tasks.lockfiles.interface import LockedPackage, Lockfile, LockfileError
from tasks.lockfiles.reading import items, mapping, toml_table
from tasks.lockfiles.registry import is_lockfile, parse_lockfile
from tasks.text.plain import counted

__all__ = ["NAMED", "SHAPED"]

_DESCRIBED = "pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock"
_FOLDERS = frozenset({"editable", "virtual", "directory", "path"})
_SHAPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("pylock.toml", (r"^lock-version\s*=", r"^\[\[packages\]\]")),
    ("pdm.lock", (r"^lock_version\s*=", r"^\[\[package\]\]")),
    ("poetry.lock", (r"^content-hash\s*=", r"^\[\[package\]\]")),
    ("uv.lock", (r"^version\s*=\s*\d", r"^\[\[package\]\]")),
    ("Pipfile.lock", (r'"_meta"\s*:', r'"pipfile-spec"\s*:')),
)
"""The name that a parser knows, and what all is in such a file: searched one by one, which stays linear."""


@dataclass(frozen=True, slots=True)
class _Named:
    """Lockfiles by their names."""

    described: str = _DESCRIBED

    def claims(self, file: FileInput) -> bool:
        return is_lockfile(_place(file))

    def read(self, file: FileInput) -> Listing:
        return _listing(file, _place(file))


@dataclass(frozen=True, slots=True)
class _Shaped:
    """Lockfiles that were given another name."""

    described: str = _DESCRIBED

    def claims(self, file: FileInput) -> bool:
        return _usual_name(file.content) is not None

    def read(self, file: FileInput) -> Listing:
        return _listing(file, _usual_name(file.content) or "")


def _place(file: FileInput) -> str:
    # The folder tells some formats; whether another one above it is called node_modules says nothing here.
    return "/".join(PurePosixPath(file.path.as_posix()).parts[-2:])


def _usual_name(content: bytes) -> str | None:
    return next((name for name, signs in _SHAPES if all(_holds(content, sign) for sign in signs)), None)


def _holds(content: bytes, sign: str) -> bool:
    return re.search(sign.encode(), content, re.MULTILINE) is not None


def _listing(file: FileInput, place: str) -> Listing:
    packages, own = _packages(file, place), _folders(file, place)
    kept = [one for one in packages if one.name not in own]
    left_out = len(packages) - len(kept)
    notes = [f"{file.path.name}: {counted(left_out, 'package')} left out: a folder, not a project of PyPI"]
    return listing_of(file.path.name, kept, notes if left_out else ())


def _folders(file: FileInput, place: str) -> frozenset[str]:
    """The names that a TOML lockfile takes from folders: the project itself, members of a workspace, local sources.

    Asking an index about them would give away private names, and find strangers' projects that are called the same.
    """
    if not place.endswith((".toml", ".lock")) or place.endswith("Pipfile.lock"):
        return frozenset()
    try:
        table = toml_table(Lockfile(place, file.content))
    except LockfileError:
        # Not TOML after all (yarn.lock, Gemfile.lock): its own parser has read it already.
        return frozenset()
    entries = map(mapping, items(table.get("package")) + items(table.get("packages")))
    return frozenset(str(entry.get("name")) for entry in entries if _is_folder(entry))


def _is_folder(entry: Mapping[str, object]) -> bool:
    # uv: source.editable and so on; poetry: source.type; pdm and pylock.toml: keys of the entry itself.
    source = mapping(entry.get("source"))
    local = _FOLDERS & {*source, *entry}
    return bool(local) or source.get("type") in _FOLDERS


def _packages(file: FileInput, place: str) -> Sequence[LockedPackage]:
    try:
        return parse_lockfile(place, file.content)
    except LockfileError as error:
        reason = str(error).removeprefix(f"{place}: ")
        raise InputError(f"{file.path}: {reason}; make the file again with the tool that wrote it") from error


NAMED = _Named()
SHAPED = _Shaped()
