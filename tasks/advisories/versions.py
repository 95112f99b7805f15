"""PEP 440 versions as matching needs them: parsed once, compared by value, and never a crash on odd text.

Sources: PEP 440 (https://peps.python.org/pep-0440/) and PEP 503 (https://peps.python.org/pep-0503/), both by way
of `packaging`, their reference implementation.
"""

from dataclasses import dataclass
from functools import lru_cache

from packaging.utils import canonicalize_name, canonicalize_version
from packaging.version import Version

__all__ = ["Target", "parse_version", "project_name", "version_key"]

_LONGEST_VERSION = 200
_REMEMBERED = 16_384


@lru_cache(maxsize=_REMEMBERED)
def parse_version(text: str) -> Version | None:
    """The PEP 440 version that the text spells, or None where it spells none (or is over 200 characters)."""
    if len(text) > _LONGEST_VERSION:
        return None
    try:
        return Version(text)
    except ValueError:
        return None


@lru_cache(maxsize=_REMEMBERED)
def version_key(text: str) -> str:
    """Text that is equal for equal PEP 440 versions ("1.0", "v1", "1.0.0"), and the text itself for anything else."""
    version = parse_version(text)
    return text if version is None else canonicalize_version(version)


@lru_cache(maxsize=_REMEMBERED)
def project_name(name: str) -> str:
    """The PEP 503 name: lower case, runs of "-", "_" and "." as one "-"; white space around it is dropped."""
    return canonicalize_name(name.strip())


@dataclass(frozen=True, slots=True)
class Target:
    """The version in question: parsed (None where not PEP 440), and its public release where it is a local build.

    key is the `version_key` under which an advisory's list of versions may name it.
    """

    version: Version | None
    key: str
    public: "Target | None" = None

    @classmethod
    def of(cls, text: str) -> "Target":
        """Read a version's text; never raises."""
        version = parse_version(text)
        if version is None:
            return cls(None, text)
        return cls(version, version_key(text), cls.of(version.public) if version.local else None)
