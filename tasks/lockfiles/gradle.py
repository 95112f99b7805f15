"""Gradle's gradle.lockfile (and the build script's) and verification-metadata.xml.

Sources: https://docs.gradle.org/current/userguide/dependency_locking.html and .../dependency_verification.html.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import lines, xml_root

__all__ = ["FORMATS"]

_COORDINATE = re.compile(r"""[^\s"'{}<>]+""")


def _locked(lockfile: Lockfile) -> Iterator[LockedPackage]:
    unread, read = None, 0
    # Before Gradle 6.1 each configuration had a file of its own, without names behind "=".
    old = _is_old(PurePosixPath(lockfile.path))
    for number, line in enumerate(lines(lockfile), 1):
        text = line.strip()
        if not text or text.startswith(("#", "empty=")):
            continue
        coordinates, equals, _ = text.partition("=")
        parts = coordinates.split(":")
        if (equals or old) and len(parts) == 3 and all(map(_COORDINATE.fullmatch, parts)):  # noqa: PLR2004 - group, artifact, version
            read += 1
            yield LockedPackage("Maven", f"{parts[0]}:{parts[1]}", parts[2])
        else:
            unread = f"line {number}: not group:artifact:version=configurations: {text[:60]!r}"
    if unread and not read:
        raise lockfile.fail(unread)


def _is_old(path: PurePosixPath) -> bool:
    return path.suffix == ".lockfile" and path.parent.name == "dependency-locks"


def _verified(lockfile: Lockfile) -> Iterator[LockedPackage]:
    root = xml_root(lockfile)
    if root.name != "verification-metadata":
        raise lockfile.fail(f"the root element is {root.name}, not verification-metadata")
    for component in root.all("components", "component"):
        group, name = component.attributes.get("group"), component.attributes.get("name")
        if group and name:
            yield LockedPackage("Maven", f"{group}:{name}", component.attributes.get("version") or None)


FORMATS = (
    Format(named("gradle.lockfile", "buildscript-gradle.lockfile"), _locked),
    Format(_is_old, _locked),
    Format(named("verification-metadata.xml"), _verified),
)
