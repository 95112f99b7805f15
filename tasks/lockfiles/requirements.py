"""pip's requirements files, with the files they include where those are at hand.

The version is the one a line names: `==`, `===`, `~=`, `>=` and `<=` alone (the lowest or highest that it allows); a
line with several clauses, a wildcard, `!=`, `<` or `>` names none. Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile
from tasks.lockfiles.reading import text_of

__all__ = ["FORMATS"]

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_OPTIONS = re.compile(r"\s(?:--(?:hash|global-option|config-settings?|install-option)\b|-C\b).*$")
_REQUIREMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>(?:[@;(~=!<>].*)?)$", re.DOTALL
)
_CLAUSE = re.compile(r"^(===|==|~=|>=|<=)\s*([^\s,*<>=!~].*)$")
_INCLUDE = re.compile(r"^(?:-r|--requirement)(?:\s+|=|(?=[^-\s]))(?P<path>\S.*)$")
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")


def _logical_lines(text: str) -> Iterator[str]:
    unix = text.replace("\r\n", "\n").replace("\r", "\n")
    # pip joins lines before it strips comments, but a comment line itself is never continued.
    joined = re.sub(r"^[ \t]*#.*$", "", unix, flags=re.MULTILINE).replace("\\\n", " ")
    for line in _COMMENT.sub("", joined).split("\n"):
        # Blanks mean nothing here; single ones keep the patterns below linear on whatever stands in the file.
        if plain := " ".join(line.split()):
            yield plain


def _includes(text: str, path: str) -> Iterator[str]:
    for line in _logical_lines(text):
        match = _INCLUDE.match(line)
        if match and "://" not in match["path"]:
            named = match["path"].strip().strip("\"'")
            yield normpath(f"{PurePosixPath(path).parent}/{named}")


def _package(line: str) -> LockedPackage | None:
    match = _REQUIREMENT.match(_OPTIONS.sub("", f"{line} ").strip())
    if match is None:
        return None
    clauses = match["rest"].partition(";")[0].strip().strip("()").strip()
    if clauses.startswith("@"):
        return LockedPackage("PyPI", match["name"], None)
    clause = _CLAUSE.match(clauses)
    version = re.sub(r"\s+", "", clause[2]) if clause and not re.search(r"[,*]", clause[2]) else None
    return LockedPackage("PyPI", match["name"], version)


def _of_one(lockfile: Lockfile, text: str) -> Iterator[LockedPackage]:
    unread = None
    read = 0
    for line in _logical_lines(text):
        # Options, addresses and archives name no package of an index; a variable hides what it names.
        if line.startswith("-") or "://" in line.partition("@")[0] or _VARIABLE.search(line):
            read += 1
        elif package := _package(line):
            read += 1
            yield package
        elif not re.match(r"[./]|.*\.(whl|zip|tar\.gz)\b", line):
            unread = line
    if unread and not read:
        raise lockfile.fail(f"no requirement in it, but lines like {unread[:60]!r}")


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    waiting, done = [lockfile], set()
    while waiting:
        part = waiting.pop(0)
        done.add(part.path)
        text = text_of(part)
        yield from _of_one(part, text)
        for path in _includes(text, part.path):
            if path not in done and path in lockfile.siblings:
                waiting.append(Lockfile(path, lockfile.siblings[path], lockfile.siblings))
                done.add(path)


def _wanted(path: str, content: bytes | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_includes(text_of(Lockfile(path, content)), path))) if content else ()


def _named(path: PurePosixPath) -> bool:
    if path.suffix != ".txt":
        return False
    return "requirements" in path.name.lower() or path.parent.name.lower() in ("requirements", "requirement")


FORMATS = (Format(_named, _read, _wanted),)
