"""What the sources beside OSV told in one run, and why where they did not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from tasks.sources.enrichment import KevFacts, MitreFacts, NvdFacts
from tasks.sources.github_advisories import GithubRecord
from tasks.sources.snyk import SnykIssue

__all__ = ["Enrichment", "Told"]

Facts = TypeVar("Facts")

NOT_ASKED = "nobody asked it in this run"


@dataclass(frozen=True, slots=True)
class Told(Generic[Facts]):
    """One source's answers by CVE id. answered names every id that it answered for, with facts or without.

    problem says why not all was answered, in one phrase; failed that it was asked and could not answer. bulk says
    that it answers for any id. asked_at is when the oldest of its answers was got (naive UTC), None where that is not
    known.
    """

    facts: Mapping[str, Facts] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    problem: str | None = NOT_ASKED
    failed: bool = False
    bulk: bool = False
    asked_at: datetime | None = None

    def sentence(self, name: str) -> str | None:
        """What the report says of the source, by its name; None where it answered, or nothing was to be asked."""
        if self.problem is None or self.problem == NOT_ASKED:
            return None
        return f"{name} could not be asked: {self.problem}" if self.failed else f"{name} not consulted: {self.problem}"


Purl = tuple[str, str]
"""Project (PEP 503) and version."""


@dataclass(frozen=True, slots=True)
class Enrichment:
    """All sources' answers for one run. recent are GitHub's newest advisories; None where GitHub was not asked.

    issues are Snyk's by project and version; snyk_problems says why where Snyk was asked and could not answer.
    """

    nvd: Told[NvdFacts] = field(default_factory=Told)
    mitre: Told[MitreFacts] = field(default_factory=Told)
    kev: Told[KevFacts] = field(default_factory=Told)
    epss: Told[float] = field(default_factory=Told)
    exploits: Told[tuple[str, ...]] = field(default_factory=Told)
    recent: tuple[GithubRecord, ...] | None = None
    github_problem: str | None = None
    issues: Mapping[Purl, tuple[SnykIssue, ...]] = field(default_factory=dict)
    snyk_problems: Mapping[Purl, str] = field(default_factory=dict)

    def sentences(self) -> Iterator[str]:
        """What was not told in this run, one sentence a source: of a wrong token one, not one a package."""
        if self.github_problem is not None:
            yield f"GitHub could not be asked: {self.github_problem}"
        if self.snyk_problems:
            problem = next(iter(self.snyk_problems.values()))
            yield f"Snyk could not be asked about {len(self.snyk_problems)} packages: {problem}"
        for name, told in self._by_cve().items():
            if (sentence := told.sentence(name)) is not None:
                yield sentence

    @property
    def asked_at(self) -> Mapping[str, datetime]:
        """When the oldest answer of each source was got, naive UTC, by the source's name; those known to be dated."""
        return {name: told.asked_at for name, told in self._by_cve().items() if told.asked_at is not None}

    def _by_cve(self) -> dict[str, Told[Any]]:
        return {
            "NVD": self.nvd,
            "MITRE": self.mitre,
            "KEV": self.kev,
            "EPSS": self.epss,
            "Exploit-DB": self.exploits,
        }
