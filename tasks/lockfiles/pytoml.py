"""Python's TOML lockfiles: poetry.lock, uv.lock, pdm.lock and pylock.toml; and Cargo.lock, which has the same shape.

Sources: https://python-poetry.org/docs/basic-usage/, https://docs.astral.sh/uv/concepts/projects/layout/, https://pdm-project.org/,
https://packaging.python.org/en/latest/specifications/pylock-toml/, https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import mapping, needs_one_of, text_or_none, toml_table

__all__ = ["FORMATS"]

_PYLOCK = re.compile(r"pylock\.([^.]+\.)?toml")


def _reader(ecosystem: str, key: str) -> Callable[[Lockfile], Iterator[LockedPackage]]:
    def read(lockfile: Lockfile) -> Iterator[LockedPackage]:
        document = toml_table(lockfile)
        needs_one_of(lockfile, document, key, "metadata", "version", "lock-version", "root")
        packages = document.get(key, [])
        if not isinstance(packages, list):
            raise lockfile.fail(f"{key} is not a list of tables")
        for number, entry in enumerate(packages, 1):
            name = text_or_none(mapping(entry).get("name"))
            if name is None:
                raise lockfile.fail(f"{key} {number} has no name")
            if not _is_project(entry):
                yield LockedPackage(ecosystem, name, text_or_none(entry.get("version")))

    return read


def _is_project(entry: dict[str, Any]) -> bool:
    # uv locks the project itself as a virtual source; its version is arbitrary.
    return mapping(entry.get("source")).get("virtual") == "."


def _pylock_named(path: PurePosixPath) -> bool:
    return _PYLOCK.fullmatch(path.name) is not None


FORMATS = (
    Format(named("poetry.lock", "uv.lock", "pdm.lock"), _reader("PyPI", "package")),
    Format(_pylock_named, _reader("PyPI", "packages")),
    Format(named("Cargo.lock"), _reader("crates.io", "package")),
)
