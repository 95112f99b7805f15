"""Each source's answer for one package version, from the advisories that OSV holds.

OSV decides. GitHub's answer is that of its own records (GHSA) within OSV's. NVD and MITRE are named by
the CVE ids among the records; until they are consulted, their answer says so.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tasks.advisories.assess import ProjectAdvisories
from tasks.advisories.model import Advisory, Assessment, Severity
from tasks.review.model import MALWARE, SourceAnswer, SourceName, SourceStatus

_CVE = re.compile(r"CVE-\d{4}-\d{4,}")

NOT_CONSULTED = "not consulted"
NOT_ANSWERED = "could not be asked"
NO_CVE = "no CVE is known for this package"
NO_SNYK_TOKEN = "no SNYK_TOKEN"  # noqa: S105  a reason, not a token


def cves_of(advisories: Iterable[Advisory]) -> frozenset[str]:
    """The CVE ids that the records carry as id or alias."""
    return frozenset(name for a in advisories for name in (a.id, *a.aliases) if _CVE.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the verdicts are drawn from: the package's records by id and what they say of the version.

    assessment is None where there is no version to hold them against; problem says why OSV could not answer.
    uncertain_limit is the number of undecidable advisories from which a person has to look. known holds the
    records prepared for asking about other versions.
    """

    records: Mapping[str, Advisory]
    assessment: Assessment | None
    problem: str | None
    checked_at: datetime
    uncertain_limit: int = 1
    known: ProjectAdvisories | None = None

    def needing_a_person(self, undecidable: Collection[str]) -> tuple[str, ...]:
        """All of them, sorted, or none where they are too few; a report of malware is never too little."""
        enough = len(undecidable) >= self.uncertain_limit or any(i.startswith(MALWARE) for i in undecidable)
        return _sorted(undecidable) if enough else ()


def source_answers(evidence: Evidence, version_problem: str | None) -> dict[SourceName, SourceAnswer]:
    """One answer for every source, as `sources` of the result file shows it."""
    live = {i: r for i, r in evidence.records.items() if not r.withdrawn}
    ghsa = frozenset(i for i in live if i.startswith("GHSA-"))
    answers = {
        SourceName.OSV: _decided(evidence, frozenset(live), version_problem),
        SourceName.GITHUB: _decided(evidence, ghsa, version_problem),
    }
    cves = cves_of(live.values())
    for name in (SourceName.NVD, SourceName.MITRE, SourceName.EXPLOITDB):
        answers[name] = _enriching(evidence, cves, version_problem)
    answers[SourceName.SNYK] = SourceAnswer(status=SourceStatus.NOT_APPLICABLE, reason=NO_SNYK_TOKEN, enrichment=True)
    return answers


def _decided(evidence: Evidence, own: frozenset[str], version_problem: str | None) -> SourceAnswer:
    if evidence.problem is not None:
        return SourceAnswer(status=SourceStatus.UNKNOWN, reason=evidence.problem, checked_at=evidence.checked_at)
    assessment, at, total = evidence.assessment, evidence.checked_at, len(own)
    if not own:
        return SourceAnswer(status=SourceStatus.NONE_FOUND, checked_at=at)
    if assessment is None:
        return SourceAnswer(
            status=SourceStatus.UNKNOWN, reason=version_problem, checked_at=at, total=total, undecidable=_sorted(own)
        )
    hits = [v for v in assessment.vulnerabilities if own & set(v.ids)]
    undecidable = own & set(assessment.undecidable)
    unsure = evidence.needing_a_person(undecidable)
    if hits:
        ids = _sorted(own & {i for v in hits for i in v.ids})
        severity = max((v.severity for v in hits), key=lambda s: s.rank)
        return SourceAnswer(
            status=SourceStatus.AFFECTED, ids=ids, checked_at=at, total=total, undecidable=unsure, severity=severity
        )
    if unsure:
        reason = f"{len(unsure)} of {total} advisories cannot be compared with this version"
        return SourceAnswer(
            status=SourceStatus.UNKNOWN, reason=reason, checked_at=at, total=total, undecidable=unsure, ids=unsure
        )
    return SourceAnswer(
        status=SourceStatus.NOT_AFFECTED, ids=_sorted(own), checked_at=at, total=total, uncertain=len(undecidable)
    )


def _enriching(evidence: Evidence, known: frozenset[str], version_problem: str | None) -> SourceAnswer:
    """A source that is asked by CVE id only: never a failure, and never an all-clear of its own."""
    if evidence.problem is not None:
        return SourceAnswer(
            status=SourceStatus.UNKNOWN, reason="no CVE ids: OSV could not be asked", checked_at=evidence.checked_at
        )
    if not known:
        return SourceAnswer(status=SourceStatus.NOT_APPLICABLE, reason=NO_CVE, enrichment=True)
    assessment = evidence.assessment
    if assessment is None:
        unsure = _sorted(known)
        return SourceAnswer(
            status=SourceStatus.UNKNOWN,
            reason=f"{NOT_CONSULTED}; {version_problem}" if version_problem else NOT_CONSULTED,
            total=len(known),
            undecidable=unsure,
            enrichment=True,
        )
    hits = [v for v in assessment.vulnerabilities if v.cves]
    severity = max((v.severity for v in hits), key=lambda s: s.rank, default=None)
    affecting = frozenset(c for v in hits for c in v.cves)
    unsure_records = (evidence.records[i] for i in assessment.undecidable if i in evidence.records)
    undecidable = cves_of(unsure_records) - affecting
    unsure = evidence.needing_a_person(undecidable)
    return SourceAnswer(
        status=SourceStatus.UNKNOWN,
        reason=NOT_CONSULTED,
        ids=_sorted(affecting),
        total=len(known),
        undecidable=unsure,
        uncertain=0 if unsure else len(undecidable),
        severity=severity if hits else None,
        enrichment=True,
    )


def highest(severities: Iterable[Severity]) -> Severity:
    """The most severe; UNKNOWN of none."""
    return max(severities, key=lambda s: s.rank, default=Severity.UNKNOWN)


def _sorted(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(ids))
