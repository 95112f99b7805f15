"""yarn.lock, of classic yarn (version 1) and of berry (2 and later).

Sources: https://classic.yarnpkg.com/lang/en/docs/yarn-lock/ and https://yarnpkg.com/protocols.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile, named
from tasks.lockfiles.npmnames import npm_package, of_registry, split_npm
from tasks.lockfiles.reading import lines

__all__ = ["FORMATS"]

_FIELD = re.compile(r"""^ {2}"?(version|resolution|resolved)"?:? +"?([^" ][^"]*)"?$""")
# Behind "npm:" stands a package; a range of the name before it begins with no letter.
_ALIASED = re.compile(r"npm:(@.+|[A-Za-z].*|[^@]+@.+)")
_FIRST_SPECIFIER = re.compile(r'^"?([^",]+)')


@dataclass(slots=True)
class _Block:
    header: str
    line: int
    version: str | None = None
    resolution: str | None = None
    resolved: str | None = None


def _blocks(lockfile: Lockfile) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(lines(lockfile), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.rstrip() == ":":
            # Berry writes keys of more than 1,024 characters as `? key` with the colon on a line of its own.
            continue
        if not line.startswith((" ", "\t")):
            if not line.rstrip().endswith(":") and not line.startswith("? "):
                raise lockfile.fail(f"line {number}: not a yarn.lock entry: {line[:60]!r}")
            if block is not None:
                yield block
            block = _Block(line.rstrip().removeprefix("? ").removesuffix(":"), number)
        elif block is None:
            raise lockfile.fail(f"line {number}: indented before the first entry")
        elif found := _FIELD.match(line.rstrip()):
            setattr(block, found[1], found[2])
    if block is not None:
        yield block


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    for block in _blocks(lockfile):
        if block.header.strip('"') == "__metadata":
            continue
        if block.version is None:
            raise lockfile.fail(f"line {block.line}: the entry {block.header[:60]} has no version")
        if not (block.resolution or block.header.strip('"')).endswith("@workspace:."):
            package = _package(block)
            yield package
            yield from of_registry(block.resolved, but=package.name)


def _package(block: _Block) -> LockedPackage:
    if block.resolution:
        # Berry's resolution names what is really installed, whatever the alias; a patch wraps another locator.
        return npm_package(_unpatched(block.resolution), block.version)
    first = _FIRST_SPECIFIER.match(block.header)
    return npm_package(_classic_name(first[1] if first else block.header), block.version)


def _unpatched(locator: str) -> str:
    name, rest = split_npm(locator)
    while rest and rest.startswith("patch:"):
        name, rest = split_npm(unquote(rest.removeprefix("patch:")))
    return name


def _classic_name(specifier: str) -> str:
    name, rest = split_npm(specifier)
    aliased = _ALIASED.match(rest or "")
    return split_npm(aliased[1])[0] if aliased else name


FORMATS = (Format(named("yarn.lock"), _read),)
