"""npm's package-lock.json and npm-shrinkwrap.json, versions 1 to 3.

Source: https://docs.npmjs.com/cli/configuring-npm/package-lock-json.
"""

from collections.abc import Iterator
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.npmnames import npm_package, of_registry, split_npm
from tasks.lockfiles.reading import json_object, mapping, text_or_none

__all__ = ["FORMATS"]


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    document = json_object(lockfile)
    packages, dependencies = document.get("packages"), document.get("dependencies")
    if packages is None and dependencies is None and "lockfileVersion" not in document and document:
        raise lockfile.fail("no npm lockfile: neither packages nor dependencies nor lockfileVersion")
    for section in (packages, dependencies):
        if section is not None and not isinstance(section, dict):
            raise lockfile.fail("packages or dependencies is not an object")
    return _of_packages(packages) if packages else _of_dependencies(mapping(dependencies))


def _of_packages(packages: dict[str, Any]) -> Iterator[LockedPackage]:
    for place, entry in packages.items():
        details = mapping(entry)
        # A link stands for a workspace that has its own entry; "" is the project itself.
        if place and not details.get("link"):
            name = text_or_none(details.get("name")) or _folder_name(place)
            yield npm_package(name, text_or_none(details.get("version")))
            yield from of_registry(details.get("resolved"), but=name)


def _folder_name(place: str) -> str:
    inner = place.rpartition("node_modules/")[2]
    scope, slash, name = inner.rpartition("/")
    last_scope = scope.rpartition("/")[2]
    return f"{last_scope}{slash}{name}" if last_scope.startswith("@") else name


def _of_dependencies(dependencies: dict[str, Any]) -> Iterator[LockedPackage]:
    waiting = [dependencies]
    while waiting:
        for key, entry in waiting.pop().items():
            details = mapping(entry)
            name, version = key, text_or_none(details.get("version"))
            if version and version.startswith("npm:"):
                name, version = split_npm(version.removeprefix("npm:"))
            yield npm_package(name, version)
            yield from of_registry(details.get("resolved"), but=name)
            yield from of_registry(version)
            waiting.append(mapping(details.get("dependencies")))


FORMATS = (Format(named("package-lock.json", "npm-shrinkwrap.json"), _read),)
