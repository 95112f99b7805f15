"""The inventory of an organisation: every package of every lockfile, one JSON object a line."""

import json
from collections.abc import Iterable, Iterator

from tasks.lockfiles.interface import LockedPackage

__all__ = ["inventory_lines"]


def inventory_lines(repository: str, path: str, packages: Iterable[LockedPackage]) -> Iterator[bytes]:
    """A line for each package of one file, with its newline; a package without a version has null there."""
    for one in packages:
        line = {
            "repository": repository,
            "path": path,
            "ecosystem": one.ecosystem,
            "name": one.shown_name,
            "version": one.version,
        }
        # Text from outside can hold lone surrogates, which UTF-8 has no bytes for.
        yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
