"""npm's names and versions, as its four lockfile families share them."""

import re

from tasks.lockfiles.interface import LockedPackage

__all__ = ["npm_package", "split_npm"]

_VERSION = re.compile(r"\d[\w.+-]*")


def npm_package(name: str, version: str | None) -> LockedPackage:
    """The package; a version that is no version (git, file, link, workspace, URL) becomes None."""
    return LockedPackage("npm", name, version if version and _VERSION.fullmatch(version) else None)


def split_npm(text: str) -> tuple[str, str | None]:
    """`@scope/name@rest` as name and rest (None where there is none); the scope's own "@" is part of the name."""
    name, at, rest = text[1:].partition("@")
    return text[:1] + name, rest if at else None
