"""What every lockfile format gives and may raise: the types of this plug point."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Protocol

from tasks.errors import ExitCode, VetbookError
from tasks.lockfiles.purl import purl_of

__all__ = ["Format", "LockedPackage", "Lockfile", "LockfileError", "LockfileParser", "named"]


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One package of one lockfile.

    ecosystem and name are OSV's spelling, the identity to match by (https://ossf.github.io/osv-schema/#affectedpackage-field).
    version is None where the file names none (git, path and workspace dependencies, open ranges).
    written_as is how the file names the package, where that differs from name (an SBOM's component, a Swift pin).
    """

    ecosystem: str
    name: str
    version: str | None
    written_as: str | None = None

    @property
    def purl(self) -> str:
        """The package URL (https://github.com/package-url/purl-spec), without qualifiers."""
        return purl_of(self.ecosystem, self.name, self.version)

    @property
    def shown_name(self) -> str:
        """The name as the file's reader knows it: for lists and reports, never for matching."""
        return self.written_as or self.name


class LockfileError(VetbookError):
    """The file cannot be read as what it claims to be: one line with file, place and reason. Never an empty result."""

    exit_code = ExitCode.INCOMPLETE


@dataclass(frozen=True, slots=True)
class Lockfile:
    """One file to read: its path in the repository (with `/`), its bytes, and the files wanted beside it, by path."""

    path: str
    content: bytes
    siblings: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """The file's name without its folder."""
        return PurePosixPath(self.path).name

    def fail(self, reason: str) -> LockfileError:
        """The error to raise for this file; line breaks in reason become spaces."""
        return LockfileError(f"{self.path}: {' '.join(reason.split())}")


class LockfileParser(Protocol):
    """One format of lockfile."""

    def claims(self, path: str) -> bool:
        """True where a file at this path (with `/`) is of this format, judged by its name alone."""
        ...

    def wanted(self, path: str, content: bytes | None) -> tuple[str, ...]:
        """Paths whose content `parse` uses where it is at hand; content None: what can be told from the path alone."""
        ...

    def parse(self, lockfile: Lockfile) -> Iterable[LockedPackage]:
        """The packages, in the file's order, perhaps repeated. Raises LockfileError."""
        ...


def _no_siblings(path: str, content: bytes | None) -> tuple[str, ...]:
    del path, content
    return ()


@dataclass(frozen=True, slots=True)
class Format:
    """A LockfileParser made of functions.

    named tells a file's own name (without folder); reader and siblings are `parse` and `wanted` of LockfileParser.
    """

    named: Callable[[PurePosixPath], bool]
    reader: Callable[[Lockfile], Iterable[LockedPackage]]
    siblings: Callable[[str, bytes | None], tuple[str, ...]] = _no_siblings

    def claims(self, path: str) -> bool:
        """See LockfileParser."""
        return self.named(PurePosixPath(path))

    def wanted(self, path: str, content: bytes | None) -> tuple[str, ...]:
        """See LockfileParser."""
        return self.siblings(path, content)

    def parse(self, lockfile: Lockfile) -> Iterable[LockedPackage]:
        """See LockfileParser."""
        return self.reader(lockfile)


def named(*names: str) -> Callable[[PurePosixPath], bool]:
    """The test for files called exactly one of these."""
    wanted = frozenset(names)
    return lambda path: path.name in wanted
