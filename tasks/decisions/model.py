"""A reviewer's decision about one vulnerability of one package, and what became of it in a scan.

Plain values: results of scans are written and read back in exactly these shapes (docs/decisions.md).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from tasks.advisories.model import Severity

__all__ = [
    "Decision",
    "DecisionKind",
    "DecisionNote",
    "DecisionReport",
    "Decisions",
    "Refusal",
    "Standing",
    "WithoutFinding",
]


_SHOWN = 20


class DecisionKind(StrEnum):
    """What was decided."""

    ACCEPTED_RISK = "accepted_risk"
    NOT_AFFECTED = "not_affected"
    FALSE_POSITIVE = "false_positive"
    FIX_PLANNED = "fix_planned"

    @property
    def words(self) -> str:
        """As people write it."""
        return self.value.replace("_", " ")

    @property
    def denies(self) -> bool:
        """Whether it says that the version is not at risk at all; the others live with the risk for a while."""
        return self in (DecisionKind.NOT_AFFECTED, DecisionKind.FALSE_POSITIVE)


class Standing(StrEnum):
    """Whether a decision counts for a finding; only IN_FORCE takes the finding out of the gate.

    GREW_WORSE: severity or exploitation rose since; NOT_ALLOWED: a malicious package is nothing to live with.
    """

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    GREW_WORSE = "grew_worse"
    NOT_ALLOWED = "not_allowed"


@dataclass(frozen=True, slots=True)
class Decision:
    """One valid decision. advisory is an id or any alias, upper case; project the PEP 503 name.

    expiry is the last day on which it counts. version: for this version only. severity and known_exploited are what
    was known when it was taken (on decided_on), None where it does not say. place is file:line or sheet!row.
    """

    package: str
    project: str
    advisory: str
    kind: DecisionKind
    owner: str
    reason: str
    expiry: date
    place: str
    version: str | None = None
    decided_on: date | None = None
    severity: Severity | None = None
    known_exploited: bool | None = None

    @property
    def key(self) -> str:
        """SHA-256 of what makes it this decision wherever it stands: changing any part of it makes it a new one."""
        then = (self.decided_on, self.severity, self.known_exploited)
        parts = (self.project, self.advisory, self.kind, self.owner, self.reason, self.expiry, self.version, *then)
        return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is no decision, and why: its finding counts as if the row were not there."""

    place: str
    problem: str

    def __str__(self) -> str:
        """One line: where, and what to do."""
        return f"{self.place}: {self.problem}; this decision does not count"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything read: the valid decisions in their order, and the rows that were refused."""

    valid: tuple[Decision, ...] = ()
    refused: tuple[Refusal, ...] = ()

    def __add__(self, other: "Decisions") -> "Decisions":
        """Those of two places, one after the other."""
        return Decisions((*self.valid, *other.valid), (*self.refused, *other.refused))

    def sentences(self) -> Iterator[str]:
        """The refusals, one a line; of very many the first, and how many more."""
        yield from map(str, self.refused[:_SHOWN])
        if len(self.refused) > _SHOWN:
            yield f"{len(self.refused) - _SHOWN} more decisions do not count either; --json FILE names them all"


@dataclass(frozen=True, slots=True)
class DecisionNote:
    """What a decision says of one finding of a scan; why is set where it does not count."""

    kind: DecisionKind
    standing: Standing
    advisory: str
    owner: str
    reason: str
    expiry: date
    place: str
    decided_on: date | None = None
    why: str | None = None

    @property
    def counts(self) -> bool:
        """Whether the finding is settled by it."""
        return self.standing is Standing.IN_FORCE


@dataclass(frozen=True, slots=True)
class WithoutFinding:
    """A valid decision that no finding of the scan is about, and why as far as it is known."""

    place: str
    package: str
    advisory: str
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionReport:
    """What a scan says of its decisions beside the findings' own notes; given is how many were valid."""

    given: int = 0
    refused: tuple[Refusal, ...] = ()
    without_finding: tuple[WithoutFinding, ...] = ()
