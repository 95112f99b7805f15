"""Pipfile.lock. Source: https://pipenv.pypa.io/en/latest/pipfile.html (every category but `_meta` holds packages)."""

from collections.abc import Iterator

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import json_object, mapping, text_of, text_or_none

__all__ = ["FORMATS"]


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    # pipenv leaves an empty file behind when it is stopped before its first lock: nothing is locked, nothing is hidden.
    if not text_of(lockfile).strip():
        return
    for category, packages in json_object(lockfile).items():
        if category == "_meta":
            continue
        if not isinstance(packages, dict):
            raise lockfile.fail(f"{category} is not an object")
        for name, entry in packages.items():
            version = text_or_none(mapping(entry).get("version")) or ""
            yield LockedPackage("PyPI", name, version.lstrip("=").strip() or None if version.startswith("==") else None)


FORMATS = (Format(named("Pipfile.lock"), _read),)
