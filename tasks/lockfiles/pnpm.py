"""pnpm-lock.yaml, versions 5 to 9.

Source: https://github.com/pnpm/spec/tree/master/lockfile (and pnpm's dependency-path package for the older paths).
"""

import re
from collections.abc import Iterator
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.npmnames import npm_package, split_npm
from tasks.lockfiles.reading import mapping, text_or_none, yaml_documents

__all__ = ["FORMATS"]

_OLD_PATH = re.compile(r"^[^/]*/(?P<name>(?:@[^/]+/)?[^/@][^/]*?)[/](?P<version>\d[^/_(]*)(?:[_(/].*)?$")
_MIDDLE_PATH = re.compile(r"^[^/]*/(?P<name>(?:@[^/]+/)?[^/@]+)@(?P<version>\d[^(_/]*)(?:[(_].*)?$")
_NOTHING = frozenset({"", "~", "null"})


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    # pnpm 11 puts its own environment's lockfile into a first document.
    for document in yaml_documents(lockfile):
        if not isinstance(document, dict):
            raise lockfile.fail("a document is not a mapping")
        if "lockfileVersion" not in document and document:
            raise lockfile.fail("no lockfileVersion")
        packages = document.get("packages", {})
        if not isinstance(packages, dict) and packages not in _NOTHING:
            raise lockfile.fail("packages is not a mapping")
        major = _major(lockfile, document)
        for path, entry in mapping(packages).items():
            yield from _package(path, mapping(entry), major)


def _major(lockfile: Lockfile, document: dict[str, Any]) -> int:
    version = text_or_none(document.get("lockfileVersion")) or "5"
    number = version.partition(".")[0]
    if not number.isdecimal():
        raise lockfile.fail(f"lockfileVersion {version!r} is no version")
    return int(number)


def _package(path: str, entry: dict[str, Any], major: int) -> Iterator[LockedPackage]:
    name, version = _from_path(path, major)
    # Both are written out only where the path does not tell them, and then they are the truth.
    name, version = text_or_none(entry.get("name")) or name, text_or_none(entry.get("version")) or version
    if name:
        yield npm_package(name, version)


def _from_path(path: str, major: int) -> tuple[str | None, str | None]:
    if path.startswith(("file:", "link:")):
        return None, None
    if major >= 9:  # noqa: PLR2004 - the lockfile's own version number
        name, rest = split_npm(path)
        return name, rest.partition("(")[0] if rest else None
    match = _MIDDLE_PATH.match(path) or _OLD_PATH.match(path)
    return (match["name"], match["version"]) if match else (None, None)


FORMATS = (Format(named("pnpm-lock.yaml"), _read),)
