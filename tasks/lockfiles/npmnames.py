"""npm's names and versions, as its four lockfile families share them."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from tasks.lockfiles.interface import LockedPackage

__all__ = ["npm_package", "of_registry", "split_npm"]

_VERSION = re.compile(r"\d[\w.+-]*")
_TARBALL = re.compile(
    r"https?://registry\.(?:npmjs\.org|yarnpkg\.com)/(?P<name>(?:@[^/]+/)?(?P<base>[^/@]+))/-/(?P<file>[^/?#]+)\.tgz"
)


def npm_package(name: str, version: str | None) -> LockedPackage:
    """The package; a version that is no version (git, file, link, workspace, URL) becomes None."""
    return LockedPackage("npm", name, version if version and _VERSION.fullmatch(version) else None)


def split_npm(text: str) -> tuple[str, str | None]:
    """`@scope/name@rest` as name and rest (None where there is none); the scope's own "@" is part of the name."""
    name, at, rest = text[1:].partition("@")
    return text[:1] + name, rest if at else None


def of_registry(address: object, but: str = "") -> Iterator[LockedPackage]:
    """The package that an address of npm's registry names, unless it is called `but`.

    What is installed comes from there, whatever name the lockfile gives it.
    """
    found = _TARBALL.match(unquote(address)) if isinstance(address, str) else None
    if found is not None and found["name"] != but:
        yield npm_package(found["name"], found["file"].removeprefix(f"{found['base']}-"))
