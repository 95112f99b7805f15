"""Shared by the tests of lockfiles: reading a sample given as text, and showing what was read as plain pairs."""

from tasks.lockfiles.interface import LockedPackage
from tasks.lockfiles.registry import parse_lockfile


def read(path: str, text: str | bytes, siblings: dict[str, str] | None = None) -> tuple[LockedPackage, ...]:
    content = text.encode() if isinstance(text, str) else text
    return parse_lockfile(path, content, {name: body.encode() for name, body in (siblings or {}).items()})


def pairs(path: str, text: str | bytes, siblings: dict[str, str] | None = None) -> list[str]:
    return sorted(f"{one.name}@{one.version}" for one in read(path, text, siblings))
