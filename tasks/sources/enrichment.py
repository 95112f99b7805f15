"""What is known of a vulnerability by its CVE id: the questions and answers of the sources that enrich a review.

These sources never decide whether a version is affected, and a scan never waits for them beyond their budget.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

from tasks.errors import SourceError
from tasks.sources.interface import Plain

__all__ = [
    "CveSource",
    "CveSourceName",
    "DatedSource",
    "KevFacts",
    "MitreFacts",
    "MitreState",
    "NotConsulted",
    "NvdFacts",
]

Facts_co = TypeVar("Facts_co", covariant=True)


class CveSourceName(StrEnum):
    """The sources that are asked by CVE id; values are keys of the `sources` setting."""

    NVD = "nvd"
    MITRE = "mitre"
    KEV = "kev"
    EPSS = "epss"
    EXPLOITDB = "exploitdb"


class NvdFacts(Plain):
    """What NVD says of a CVE. status is its `vulnStatus` as written ("Analyzed", "Awaiting Analysis", "Deferred").

    cvss is the base score (0 to 10) of the newest CVSS version given, NVD's own before others'; modified is
    `lastModified` as written. Schema: nvd.nist.gov/developers/vulnerabilities.
    """

    status: str | None = None
    cvss: float | None = None
    vector: str | None = None
    modified: str | None = None


class MitreState(StrEnum):
    """What became of a CVE record; DISPUTED is a published one with the tag "disputed"."""

    PUBLISHED = "published"
    REJECTED = "rejected"
    DISPUTED = "disputed"


class MitreFacts(Plain):
    """What the CVE list says of a record (github.com/CVEProject/cve-schema)."""

    state: MitreState


class KevFacts(Plain):
    """An entry of CISA's catalogue of known exploited vulnerabilities; added is its `dateAdded` (YYYY-MM-DD)."""

    added: str | None = None
    ransomware: bool = False


@dataclass(eq=False)
class NotConsulted(SourceError):
    """The source was not asked, or not about everything, which is no failure: no feeds, no key, budget spent.

    reason is one plain phrase; found holds what could be answered all the same, by CVE id (None: it has no record).
    """

    reason: str
    found: Mapping[str, Any]

    def __init__(self, reason: str, found: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.found = dict(found or {})


class CveSource(Protocol[Facts_co]):
    """A source by CVE id: NvdFacts, MitreFacts, KevFacts, EPSS's probability (0 to 1), or Exploit-DB's ids.

    Exploit-DB's are tuples of ids as text. bulk says that any number of ids costs the same.
    """

    @property
    def name(self) -> CveSourceName:
        """Which source it is."""
        ...

    @property
    def bulk(self) -> bool:
        """Whether it holds everything, so that asking for one more id costs nothing."""
        ...

    async def look_up(self, cves: Sequence[str]) -> Mapping[str, Facts_co]:
        """What the source has on each CVE, by id; an id left out is one of which it has nothing.

        Raises NotConsulted where it was not asked about all, SourceOffline where `--offline` forbids it,
        SourceError where it could not answer.
        """
        ...


@runtime_checkable
class DatedSource(Protocol):
    """A `CveSource` whose answers may be of an earlier run, or of the last sync."""

    def asked_at(self, cves: Sequence[str]) -> datetime | None:
        """When the oldest of its answers about these CVEs was got, naive UTC in whole seconds; None: not kept."""
        ...
