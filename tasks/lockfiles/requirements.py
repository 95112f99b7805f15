"""pip's requirements files, with the files they include where those are at hand.

The version is the one a line names: `==`, `===`, `~=`, `>=` and `<=` alone (the lowest or highest that it allows); a
line with several clauses, a wildcard, `!=`, `<` or `>` names none. A constraints file that is at hand (`-c`) pins what
it names. Source: https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from tasks.lockfiles.interface import Format, LockedPackage, Lockfile
from tasks.lockfiles.reading import text_of

__all__ = ["FORMATS", "Line", "LineKind", "constrained", "lines_of", "pinned"]

_COMMENT = re.compile(r"(?:^|(?<=\s))#.*$", re.MULTILINE)
_OPTIONS = re.compile(r"\s(?:--(?:hash|global-option|config-settings?|install-option)\b|-C\b).*$")
_REQUIREMENT = re.compile(
    r"^(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*(?P<rest>(?:(?:[@;(<>]|[~=!]=).*)?)$",
    re.DOTALL,
)
_CLAUSE = re.compile(r"^(===|==|~=|>=|<=)\s*([^\s,*<>=!~].*)$")
_INCLUDE = re.compile(r"^(?:-r|--requirement)(?:\s+|=|(?=[^-\s]))(?P<path>\S.*)$")
_CONSTRAINT = re.compile(r"^(?:-c|--constraint)(?:\s+|=|(?=[^-\s]))(?P<path>\S.*)$")
_PIN = re.compile(r"={2,3}\s*[^\s,*=]+$")
_FILE_OF_PYPI = re.compile(
    r"(?:[A-Za-z0-9._-]+\s*(?:\[[^\]]*\])?\s*@\s*)?https?://files\.pythonhosted\.org/[^\s#?]*/(?P<file>[^/\s#?;]+)"
)
_VARIABLE = re.compile(r"\$\{[A-Z0-9_]+\}")


class LineKind(Enum):
    """What a line of a requirements file is.

    OPTION: a flag of pip; ADDRESS and PATH: an archive or folder by its address or path, which names no package of an
    index; HIDDEN: a variable hides what it names; UNREAD: nothing that pip would take.
    """

    PACKAGE = auto()
    OPTION = auto()
    ADDRESS = auto()
    PATH = auto()
    HIDDEN = auto()
    UNREAD = auto()


@dataclass(frozen=True, slots=True)
class Line:
    """One line, joined and without comment; of a PACKAGE also the package, and its clauses (what follows the name)."""

    kind: LineKind
    text: str
    package: LockedPackage | None = None
    clauses: str = ""


def _logical_lines(text: str) -> Iterator[str]:
    # Every end of a line that pip knows, a form feed and U+2028 too.
    unix = "\n".join(text.splitlines())
    # pip joins lines before it strips comments, but a comment line itself is never continued.
    joined = re.sub(r"^[ \t]*#.*$", "", unix, flags=re.MULTILINE).replace("\\\n", " ")
    for line in _COMMENT.sub("", joined).split("\n"):
        # Blanks mean nothing here; single ones keep the patterns below linear on whatever stands in the file.
        if plain := " ".join(line.split()):
            yield plain


def _named_files(kind: re.Pattern[str], text: str, path: str) -> Iterator[str]:
    for line in _logical_lines(text):
        match = kind.match(line)
        if match and "://" not in match["path"]:
            named = match["path"].strip().strip("\"'")
            yield normpath(f"{PurePosixPath(path).parent}/{named}")


def _line(line: str) -> Line:
    if line.startswith("-"):
        return Line(LineKind.OPTION, line)
    if (hosted := _hosted(line)) is not None:
        return hosted
    if "://" in line.partition("@")[0]:
        return Line(LineKind.ADDRESS, line)
    if _VARIABLE.search(line):
        return Line(LineKind.HIDDEN, line)
    match = _REQUIREMENT.match(_OPTIONS.sub("", f"{line} ").strip())
    if match is None:
        return Line(LineKind.PATH if re.match(r"[./]|.*\.(whl|zip|tar\.gz)\b", line) else LineKind.UNREAD, line)
    clauses = match["rest"].partition(";")[0].strip().strip("()").strip()
    return Line(LineKind.PACKAGE, line, LockedPackage("PyPI", match["name"], _version(clauses)), clauses)


def _hosted(line: str) -> Line | None:
    """What a line says that names a file of PyPI's own by its address: the file's name tells project and version."""
    found = _FILE_OF_PYPI.match(line)
    if found is None:
        return None
    parse = parse_wheel_filename if found["file"].endswith(".whl") else parse_sdist_filename
    try:
        name, version, *_ = parse(unquote(found["file"]))
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return Line(LineKind.PACKAGE, line, LockedPackage("PyPI", name, str(version)), f"=={version}")


def _version(clauses: str) -> str | None:
    clause = _CLAUSE.match(clauses)
    return re.sub(r"\s+", "", clause[2]) if clause and not re.search(r"[,*]", clause[2]) else None


def _parts(lockfile: Lockfile) -> Iterator[Lockfile]:
    """The file, then the files it includes that are at hand, each once."""
    waiting, done = deque([lockfile]), {lockfile.path}
    while waiting:
        part = waiting.popleft()
        yield part
        for path in _named_files(_INCLUDE, text_of(part), part.path):
            if path not in done and path in lockfile.siblings:
                waiting.append(Lockfile(path, lockfile.siblings[path], lockfile.siblings))
                done.add(path)


def lines_of(lockfile: Lockfile) -> Iterator[Line]:
    """Every line of the file, then those of the files it includes that are at hand.

    Raises LockfileError where a file holds lines and none of them is one of a requirements file.
    """
    for part in _parts(lockfile):
        found = [_line(line) for line in _logical_lines(text_of(part))]
        unread = [line for line in found if line.kind is LineKind.UNREAD]
        if unread and all(line.kind in (LineKind.UNREAD, LineKind.PATH) for line in found):
            raise part.fail(f"no requirement in it, but lines like {unread[-1].text[:60]!r}")
        yield from found


def pinned(line: Line) -> bool:
    """Whether the line itself chooses one version, by `==` or `===`."""
    return _PIN.match(line.clauses) is not None


def constrained(lockfile: Lockfile) -> dict[str, tuple[str, ...]]:
    """Versions by project (PEP 503), from the constraints named that are at hand: they choose versions, never packages.

    Several where markers choose among them. Raises LockfileError as lines_of does.
    """
    named = (path for part in _parts(lockfile) for path in _named_files(_CONSTRAINT, text_of(part), part.path))
    files = [Lockfile(path, lockfile.siblings[path], lockfile.siblings) for path in named if path in lockfile.siblings]
    lines = (line for file in files for line in lines_of(file) if pinned(line))
    found: dict[str, tuple[str, ...]] = {}
    for package in (line.package for line in lines if line.package is not None):
        name = canonicalize_name(package.name)
        found[name] = (*found.get(name, ()), package.version or "")
    return found


def _read(lockfile: Lockfile) -> Iterator[LockedPackage]:
    pins = constrained(lockfile)
    for line in lines_of(lockfile):
        if line.package is None:
            continue
        is_open = not pinned(line) and not line.clauses.startswith("@")
        versions = pins.get(canonicalize_name(line.package.name)) if is_open else None
        yield from (replace(line.package, version=one) for one in versions or (line.package.version,))


def _wanted(path: str, content: bytes | None) -> tuple[str, ...]:
    if not content:
        return ()
    text = text_of(Lockfile(path, content))
    return tuple(dict.fromkeys(one for kind in (_INCLUDE, _CONSTRAINT) for one in _named_files(kind, text, path)))


def _named(path: PurePosixPath) -> bool:
    if path.suffix != ".txt":
        return False
    return "requirements" in path.name.lower() or path.parent.name.lower() in ("requirements", "requirement")


FORMATS = (Format(_named, _read, _wanted),)
