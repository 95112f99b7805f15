"""The way in: which paths are lockfiles, what they want beside them, and what they lock.

A new format is one more module with FORMATS, named in the list here.
"""

import re
from collections.abc import Mapping
from itertools import chain
from pathlib import PurePosixPath
from types import MappingProxyType

from tasks.lockfiles import (
    apple,
    bun,
    cyclonedx,
    golang,
    gradle,
    maven,
    npm,
    nuget,
    others,
    pipfile,
    pnpm,
    pytoml,
    requirements,
    rubyphp,
    spdx,
    yarn,
)
from tasks.lockfiles.interface import LockedPackage, Lockfile, LockfileError, LockfileParser

__all__ = ["MAX_BYTES", "is_lockfile", "parse_lockfile", "refuse_unfit", "siblings_of"]

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is read; lockfiles of very large monorepos stay below 30 MB."""

_PARSERS: tuple[LockfileParser, ...] = tuple(
    chain(
        npm.FORMATS,
        yarn.FORMATS,
        pnpm.FORMATS,
        bun.FORMATS,
        requirements.FORMATS,
        pipfile.FORMATS,
        pytoml.FORMATS,
        rubyphp.FORMATS,
        golang.FORMATS,
        maven.FORMATS,
        gradle.FORMATS,
        nuget.FORMATS,
        others.FORMATS,
        apple.FORMATS,
        spdx.FORMATS,
        cyclonedx.FORMATS,
    )
)
# What another file includes may have any name: a parent POM ends in .xml, anything else includes as requirements do.
_INCLUDED: Mapping[str, LockfileParser] = MappingProxyType({".xml": maven.FORMATS[0]})
_NOTHING: Mapping[str, bytes] = MappingProxyType({})
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_CONFLICT = re.compile(rb"^<{7} ", re.MULTILINE), re.compile(rb"^>{7} ", re.MULTILINE)


def _parser(path: str) -> LockfileParser | None:
    return next((parser for parser in _PARSERS if parser.claims(path)), None)


def is_lockfile(path: str) -> bool:
    """True where a file at this path of a repository (with `/`) is a lockfile or an SBOM that can be read.

    Files below a `node_modules` folder are a dependency's own and are not installed from.
    """
    return "node_modules" not in PurePosixPath(path).parts and _parser(path) is not None


def siblings_of(path: str, content: bytes | None = None) -> tuple[str, ...]:
    """Paths whose content parse_lockfile uses where it is given: included requirements, a pom's parent, go.sum.

    Includes are known only from the content: without it the answer holds what the path alone tells. The files named may
    not exist, and may want further files themselves.
    """
    parser = _parser(path) or _INCLUDED.get(PurePosixPath(path).suffix, requirements.FORMATS[0])
    try:
        return parser.wanted(path, content)
    except LockfileError:
        return ()


def parse_lockfile(path: str, content: bytes, siblings: Mapping[str, bytes] = _NOTHING) -> tuple[LockedPackage, ...]:
    """Every package of the file once, in the file's order; siblings by their path in the repository.

    Raises LockfileError where the file is not what its name says; never returns an empty answer for that.
    """
    lockfile = Lockfile(path, content, siblings)
    parser = _parser(path)
    if parser is None:
        raise lockfile.fail("no lockfile format has this name")
    refuse_unfit(lockfile)
    packages = tuple(dict.fromkeys(parser.parse(lockfile)))
    _refuse_unwritable(lockfile, packages)
    return packages


def _refuse_unwritable(lockfile: Lockfile, packages: tuple[LockedPackage, ...]) -> None:
    # JSON can name half a character, which no report, database or request can hold.
    try:
        "".join(f"{one.shown_name}{one.name}{one.version}" for one in packages).encode()
    except UnicodeEncodeError as error:
        raise lockfile.fail(
            f"a package's name or version holds half a character (U+{ord(error.object[error.start]):04X})"
        ) from error


def refuse_unfit(lockfile: Lockfile) -> None:
    """Raise LockfileError for what no format can be read from: too large, a Git LFS pointer, a merge conflict."""
    if len(lockfile.content) > MAX_BYTES:
        raise lockfile.fail(f"{len(lockfile.content):,} bytes are more than the {MAX_BYTES:,} that are read")
    if lockfile.content.startswith(_LFS_POINTER):
        raise lockfile.fail("a Git LFS pointer, not the file itself")
    if all(marker.search(lockfile.content) for marker in _CONFLICT):
        raise lockfile.fail("holds an unresolved merge conflict")
