"""An OSV advisory reduced to what deciding needs, and what a decision looks like.

Source of the shapes: the OSV schema, https://ossf.github.io/osv-schema/.
"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """CVSS's qualitative scale, plus UNKNOWN where neither a vector nor a label says."""

    UNKNOWN = "UNKNOWN"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """0 for UNKNOWN up to 4 for CRITICAL, for comparing."""
        return list(Severity).index(self)


class Verdict(StrEnum):
    """What one advisory says about one version."""

    AFFECTED = "affected"
    NOT_AFFECTED = "not_affected"
    UNDECIDABLE = "undecidable"


class EventKind(StrEnum):
    """The OSV range events that evaluation knows; `limit` is rare outside GIT ranges but the rules apply it to all."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Event:
    """One range event with its version text as published (perhaps not PEP 440)."""

    kind: EventKind
    version: str


@dataclass(frozen=True, slots=True)
class Affected:
    """One package of an advisory: explicit versions plus ECOSYSTEM or SEMVER ranges (GIT ranges are dropped).

    vectors are the CVSS vectors published for this package alone; keyed says that versions are `version_key`s already.
    """

    ecosystem: str
    name: str
    versions: tuple[str, ...]
    ranges: tuple[tuple[Event, ...], ...]
    vectors: tuple[str, ...] = ()
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Advisory:
    """One OSV record. `modified` is RFC 3339 text as published; vectors are CVSS vector strings, v3 and v4.

    vectors hold for every package of the record; those of one package alone are with its `Affected`.
    """

    id: str
    modified: str
    aliases: tuple[str, ...]
    withdrawn: bool
    summary: str
    affected: tuple[Affected, ...]
    vectors: tuple[str, ...]
    label: Severity


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One vulnerability of one package version: the affecting advisories that share an id or alias.

    ids sorted; aliases are the other names, sorted; cvss the highest v3 or v4 base score (0.0 to 10.0);
    fixed_in ascending by PEP 440.
    """

    ids: tuple[str, ...]
    aliases: tuple[str, ...]
    cves: tuple[str, ...]
    severity: Severity
    cvss: float | None
    fixed_in: tuple[str, ...]
    summary: str
    malicious: bool = False


@dataclass(frozen=True, slots=True)
class Assessment:
    """All advisories of one package held against one version; the id tuples are sorted and disjoint."""

    vulnerabilities: tuple[Vulnerability, ...]
    not_affected: tuple[str, ...]
    undecidable: tuple[str, ...]
    withdrawn: tuple[str, ...]
