"""What an upgrade is, as a review keeps it and as a plan shows it (docs/upgrades.md). Plain values."""

from dataclasses import dataclass

from tasks.advisories.model import Severity

__all__ = ["Candidate", "Pin", "Upgrade", "UpgradeEntry", "UpgradePaths"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A later version that no known advisory affects; requires_python as PyPI has it (">=3.9"), None: not stated."""

    version: str
    prerelease: bool = False
    yanked: bool = False
    requires_python: str | None = None


@dataclass(frozen=True, slots=True)
class UpgradePaths:
    """The smallest such version of the installed one's own release line, and over all; None: there is none."""

    in_line: Candidate | None = None
    over_all: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A package of the list whose requirement excludes a version: it has to move too, or first.

    read_of is the version of it that asks so: PyPI's project document tells the latest one's requirements only.
    """

    row: int
    name: str
    version: str
    requirement: str
    read_of: str


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One way out. other_python: it does not run on the stated Python (None: none is stated, or it does not say)."""

    version: str
    prerelease: bool = False
    yanked: bool = False
    requires_python: str | None = None
    other_python: bool | None = None
    pinned_by: tuple[Pin, ...] = ()


@dataclass(frozen=True, slots=True)
class UpgradeEntry:
    """One affected package version, wherever it is listed; rows count from 1.

    vulnerabilities and decided are numbers of findings; severity, kev, epss (0 to 1) and cvss are the highest of those
    that nobody decided about, of all where everything is decided. checked: later versions could be held against the
    advisories; not_compared are findings that could not, because OSV does not have them.
    """

    name: str
    version: str
    rows: tuple[int, ...]
    vulnerabilities: int
    decided: int = 0
    severity: Severity = Severity.UNKNOWN
    malicious: bool = False
    kev: bool = False
    epss: float | None = None
    cvss: float | None = None
    in_line: Upgrade | None = None
    over_all: Upgrade | None = None
    latest_version: str | None = None
    latest_affected: bool | None = None
    checked: bool = True
    not_compared: tuple[str, ...] = ()
