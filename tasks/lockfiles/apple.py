"""Package.resolved of Swift's package manager, versions 1 to 3, and CocoaPods' Podfile.lock.

Sources: https://developer.apple.com/documentation/xcode/swift-packages and
https://guides.cocoapods.org/using/using-cocoapods.html.
OSV names a Swift package by its repository's address without scheme and `.git` (SwiftURL); the file's own name for it
is written_as.
"""

import re
from collections.abc import Iterator
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import items, json_object, mapping, needs_one_of, text_or_none, yaml_documents

__all__ = ["FORMATS"]

_ADDRESS = re.compile(
    r"^(?:[a-z][a-z+]*://)?(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+(?=/))?[/:](?P<path>.+)$", re.IGNORECASE
)
_POD = re.compile(r"^(?P<name>[^\s(]+)\s+\((?P<version>[^)]+)\)")


def _resolved(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    pins = document.get("pins", mapping(document.get("object")).get("pins"))
    if not isinstance(pins, list):
        raise lockfile.fail("no list of pins")
    for pin in pins:
        yield from _pin(mapping(pin))


def _pin(pin: dict[str, Any]) -> Iterator[LockedPackage]:
    written = text_or_none(pin.get("identity")) or text_or_none(pin.get("package"))
    address = text_or_none(pin.get("location")) or text_or_none(pin.get("repositoryURL")) or ""
    found = _ADDRESS.match(address.rstrip("/").removesuffix(".git"))
    name = f"{found['host']}/{found['path']}" if found else written
    if name:
        yield LockedPackage("SwiftURL", name, text_or_none(mapping(pin.get("state")).get("version")), written)


def _pods(lockfile: Lockfile) -> Iterator[LockedPackage]:
    documents = yaml_documents(lockfile)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise lockfile.fail("empty, or not one mapping")
    needs_one_of(lockfile, documents[0], "PODS", "DEPENDENCIES", "PODFILE CHECKSUM", "COCOAPODS")
    for pod in items(documents[0].get("PODS")):
        text = next(iter(pod), "") if isinstance(pod, dict) else pod
        found = _POD.match(text) if isinstance(text, str) else None
        if found is None:
            raise lockfile.fail(f"PODS: {str(text)[:60]!r} is not name (version)")
        # A subspec is a part of its pod and has no identity of its own.
        pod_name, slash, _ = found["name"].partition("/")
        yield LockedPackage("CocoaPods", pod_name, found["version"], found["name"] if slash else None)


FORMATS = (Format(named("Package.resolved"), _resolved), Format(named("Podfile.lock"), _pods))
