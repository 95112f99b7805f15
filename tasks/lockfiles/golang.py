"""go.mod; below Go 1.17 also go.sum, because there go.mod does not list what is only needed indirectly.

Sources: https://go.dev/ref/mod#go-mod-file and https://go.dev/ref/mod#go-sum-files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.reading import lines

__all__ = ["FORMATS"]

# A string that does not end takes the rest of its line, so that no line is looked through twice.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|`[^`]*`|[()]|=>|[^\s()"`]+')
_DIRECTIVES = frozenset(
    {"module", "go", "toolchain", "godebug", "require", "replace", "exclude", "retract", "tool", "ignore"}
)
_LISTS_ALL = (1, 17)
_UNSAID = (1, 16)
"""The language version of a module that states none (https://go.dev/ref/mod#go-mod-file-go)."""


@dataclass(slots=True)
class _Module:
    go: tuple[int, ...] | None = None
    required: list[tuple[str, str]] = field(default_factory=list)
    replaced: dict[tuple[str, str | None], tuple[str, str | None]] = field(default_factory=dict)


def _statements(lockfile: Lockfile) -> Iterator[tuple[int, list[str]]]:
    block: str | None = None
    for number, line in enumerate(lines(lockfile), 1):
        words = [word.strip('"`') for word in _TOKEN.findall(re.sub(r"(^|\s)//.*$", "", line))]
        if not words:
            continue
        if block is not None:
            if words == [")"]:
                block = None
            else:
                yield number, [block, *words]
        elif words[0] not in _DIRECTIVES:
            raise lockfile.fail(f"line {number}: unknown directive {words[0][:60]!r}")
        elif words[1:] == ["("]:
            block = words[0]
        else:
            yield number, words
    if block is not None:
        raise lockfile.fail(f"the block {block} is not closed")


def _module(lockfile: Lockfile) -> _Module:
    module = _Module()
    for number, words in _statements(lockfile):
        match words:
            case ["require", path, version]:
                module.required.append((path, _version(lockfile, number, version)))
            case ["replace", old, "=>", new, *rest]:
                module.replaced[old, None] = (new, _version(lockfile, number, rest[0]) if rest else None)
            case ["replace", old, version, "=>", new, *rest]:
                module.replaced[old, version] = (new, _version(lockfile, number, rest[0]) if rest else None)
            case ["require" | "replace", *_]:
                raise lockfile.fail(f"line {number}: a {words[0]} that cannot be read")
            case ["go", version]:
                module.go = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
            case _:
                pass
    return module


def _version(lockfile: Lockfile, number: int, text: str) -> str:
    if not re.match(r"v\d", text):
        raise lockfile.fail(f"line {number}: {text[:60]!r} is no version")
    return text


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    module = _module(lockfile)
    for path, version in module.required:
        new = module.replaced.get((path, version)) or module.replaced.get((path, None))
        name, chosen = new or (path, version)
        # A replacement without a version is a folder: no module of the proxy.
        if chosen is not None:
            yield LockedPackage("Go", name, chosen.removeprefix("v"))
    if (module.go or _UNSAID) < _LISTS_ALL:
        yield from _sums(lockfile, {old for old, _ in module.replaced})


def _sums(lockfile: Lockfile, replaced: set[str]) -> Iterator[LockedPackage]:
    path = _beside(lockfile.path)
    if path not in lockfile.siblings:
        return
    sums = Lockfile(path, lockfile.siblings[path])
    for number, line in enumerate(lines(sums), 1):
        words = line.split()
        if words and len(words) != 3:  # noqa: PLR2004 - module, version, hash
            raise sums.fail(f"line {number}: not module, version and hash")
        if words and not words[1].endswith("/go.mod") and words[0] not in replaced:
            yield LockedPackage("Go", words[0], words[1].removeprefix("v"))


def _beside(path: str) -> str:
    return str(PurePosixPath(path).with_name("go.sum"))


def _wanted(path: str, content: bytes | None) -> tuple[str, ...]:
    if content is not None:
        go = _module(Lockfile(path, content)).go
        if (go or _UNSAID) >= _LISTS_ALL:
            return ()
    return (_beside(path),)


FORMATS = (Format(named("go.mod"), _read, _wanted),)
