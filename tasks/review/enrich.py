"""A review with what the sources beside OSV told: severities, exploitation, exploits, and each source's own answer.

Pure: `Enrichment` in, a new review out. OSV has decided what affects the version; only GitHub's and Snyk's own
advisories, which name versions too, may add to it. A source that could not answer never turns anything safe.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from tasks.advisories.model import Severity
from tasks.advisories.severity import rating
from tasks.review.enrichment import Enrichment, Told
from tasks.review.model import PackageReview, SourceAnswer, SourceName, SourceStatus, VulnerabilityReview
from tasks.review.recommendation import recommend
from tasks.review.verdicts import NOT_ANSWERED, NOT_CONSULTED, highest
from tasks.sources.enrichment import MitreFacts, MitreState, NvdFacts

__all__ = ["enriched"]

Facts = TypeVar("Facts")

_SHOWN = 3
_RANGE_SHOWN = 80
_FINISHED = frozenset({"Analyzed", "Modified", "Rejected"})
OWN_COPY = "from OSV's copy; GitHub could not be asked"


def enriched(review: PackageReview, told: Enrichment, now: datetime) -> PackageReview:
    """The review with everything told taken in, and a recommendation that says so; now is naive UTC."""
    osv = review.sources.get(SourceName.OSV)
    if osv is None or (osv.status is SourceStatus.UNKNOWN and not osv.undecidable):
        # Without OSV no CVE is known to be of this package, and the review says already that it failed.
        return review.model_copy(update={"known_cves": ()})
    vulnerabilities = _with_facts(_with_own_advisories(review, told), told)
    fuller = review.model_copy(update={"vulnerabilities": vulnerabilities})
    answers = {**review.sources, **_answers(fuller, told, now)}
    gaps, missing = _gaps(fuller, answers, told)
    fuller = fuller.model_copy(
        update={"sources": answers, "known_cves": (), "gaps": tuple(gaps), "not_consulted": tuple(missing)}
    )
    return fuller.model_copy(update={"recommendation": recommend(fuller)})


# ---- vulnerabilities


def _with_own_advisories(review: PackageReview, told: Enrichment) -> tuple[VulnerabilityReview, ...]:
    """OSV's findings, and those of GitHub's newest advisories and Snyk's issues that are not among them."""
    found = list(review.vulnerabilities)
    for record in told.recent or ():
        if record.project == review.project and not _known(review, found, record.id) and record.affects(review.version):
            cves = (record.cve,) if record.cve else ()
            shared = next((v for v in found if set(v.cves) & set(cves)), None)
            if shared is not None:
                found[found.index(shared)] = shared.model_copy(
                    update={"ids": tuple(sorted((*shared.ids, record.id))), "sources": _plus(shared.sources, "github")}
                )
                continue
            fixed = (record.fixed_in,) if record.fixed_in else ()
            fields = {"aliases": cves, "cves": cves, "fixed_in": fixed, "sources": ("github",)}
            found.append(VulnerabilityReview(ids=(record.id,), severity=record.severity, **fields))
    return (*found, *_of_snyk(review, found, told))


def _known(review: PackageReview, found: Sequence[VulnerabilityReview], identifier: str) -> bool:
    """Whether OSV has the record, be it that it does not affect this version."""
    held = (review.sources[name].ids for name in (SourceName.GITHUB, SourceName.OSV))
    return any(identifier in ids for ids in held) or any(identifier in (*v.ids, *v.aliases) for v in found)


def _of_snyk(
    review: PackageReview, found: Sequence[VulnerabilityReview], told: Enrichment
) -> Iterable[VulnerabilityReview]:
    cves = {cve for v in found for cve in v.cves}
    for issue in told.issues.get((review.project, review.version), ()):
        # An issue without a CVE cannot be told apart from what is known already.
        if not cves & set(issue.cves) and (issue.cves or not found):
            fields = {"aliases": issue.cves, "cves": issue.cves, "sources": ("snyk",)}
            yield VulnerabilityReview(ids=(issue.id,), severity=issue.severity, **fields)


def _with_facts(found: Iterable[VulnerabilityReview], told: Enrichment) -> tuple[VulnerabilityReview, ...]:
    return tuple(sorted((_with_facts_of(v, told) for v in found), key=_most_urgent_first))


def _with_facts_of(found: VulnerabilityReview, told: Enrichment) -> VulnerabilityReview:
    cves = found.cves
    exploits = sorted({int(i) for c in cves for i in told.exploits.facts.get(c, ())})
    named: dict[str, Told[Any]] = {"nvd": told.nvd, "mitre": told.mitre, "kev": told.kev, "exploitdb": told.exploits}
    return found.model_copy(
        update={
            "kev": any(cve in told.kev.facts for cve in cves),
            "epss": max((told.epss.facts[cve] for cve in cves if cve in told.epss.facts), default=None),
            "exploits": tuple(map(str, exploits)),
            "sources": _plus(found.sources, *(n for n, t in named.items() if any(c in t.facts for c in cves))),
            "others": _differing(found, told),
        }
    )


def _differing(found: VulnerabilityReview, told: Enrichment) -> tuple[tuple[str, Severity], ...]:
    scores = [f.cvss for cve in found.cves if (f := told.nvd.facts.get(cve)) is not None and f.cvss is not None]
    ratings = [("NVD", rating(max(scores)))] if scores else []
    return tuple((name, theirs) for name, theirs in ratings if theirs is not found.severity)


def _most_urgent_first(found: VulnerabilityReview) -> tuple[bool, bool, int, float, float, tuple[str, ...]]:
    """Malicious ones, known exploited ones, then by severity, score and probability of exploitation."""
    score, chance = -(found.cvss or 0.0), -(found.epss or 0.0)
    return not found.malicious, not found.kev, -found.severity.rank, score, chance, found.ids


def _plus(sources: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*sources, *more)))


# ---- answers


def _answers(review: PackageReview, told: Enrichment, now: datetime) -> dict[SourceName, SourceAnswer]:
    old = review.sources
    return {
        SourceName.GITHUB: _github(review, old[SourceName.GITHUB], told, now),
        SourceName.NVD: _by_cve(review, old[SourceName.NVD], told.nvd, _nvd_note(review, told.nvd), now),
        SourceName.MITRE: _by_cve(review, old[SourceName.MITRE], told.mitre, _mitre_note(review, told.mitre), now),
        SourceName.SNYK: _snyk(review, old[SourceName.SNYK], told, now),
        SourceName.EXPLOITDB: _exploits(review, old[SourceName.EXPLOITDB], told.exploits, now),
    }


def _github(review: PackageReview, answer: SourceAnswer, told: Enrichment, now: datetime) -> SourceAnswer:
    own = tuple(sorted({i for v in review.vulnerabilities for i in v.ids if i.startswith("GHSA-")}))
    affected = answer.status is SourceStatus.AFFECTED
    if told.recent is None and answer.status is not SourceStatus.NOT_APPLICABLE:
        answer = answer.model_copy(update={"second_hand": True})
    if told.github_problem is not None:
        if affected:
            return answer.model_copy(update={"note": OWN_COPY})
        if answer.status in (SourceStatus.NONE_FOUND, SourceStatus.NOT_AFFECTED):
            return SourceAnswer(status=SourceStatus.UNKNOWN, reason=told.github_problem, checked_at=now)
        return answer
    if not own or set(own) <= set(answer.ids if affected else ()):
        return answer if affected else _unless_unread(review, answer, told, now)
    severity = highest(v.severity for v in review.vulnerabilities if set(own) & set(v.ids))
    more = max(answer.total, len(own))
    return SourceAnswer(status=SourceStatus.AFFECTED, ids=own, checked_at=now, total=more, severity=severity)


def _unless_unread(review: PackageReview, answer: SourceAnswer, told: Enrichment, now: datetime) -> SourceAnswer:
    """The answer; that nobody knows where a new advisory of the package does not say whom it affects."""
    own = (record for record in told.recent or () if record.project == review.project)
    for record in own:
        if record.affects(review.version) is None and not _known(review, review.vulnerabilities, record.id):
            reason = f"the versions that {record.id} names cannot be read: {record.vulnerable_range[:_RANGE_SHOWN]}"
            return SourceAnswer(status=SourceStatus.UNKNOWN, reason=reason, checked_at=now)
    return answer


def _by_cve(
    review: PackageReview, answer: SourceAnswer, told: Told[Facts], note: str | None, now: datetime
) -> SourceAnswer:
    """NVD's or MITRE's answer: it has one where it answered for every CVE in question."""
    affecting = {cve for v in review.vulnerabilities for cve in v.cves}
    in_question = affecting or (set(review.known_cves) if told.bulk else set())
    if not answer.enrichment or answer.status is SourceStatus.NOT_APPLICABLE or not in_question:
        return answer
    known = answer.model_copy(update={"ids": tuple(sorted(affecting)), "note": note})
    if told.failed:
        return known.model_copy(update={"reason": f"{NOT_ANSWERED}: {told.problem}"})
    if not in_question <= told.answered:
        return known.model_copy(update={"reason": _not_consulted(told.problem)})
    if not affecting and answer.undecidable:
        return answer
    status = SourceStatus.AFFECTED if affecting else SourceStatus.NOT_AFFECTED
    ids = tuple(sorted(in_question))
    answered = {"status": status, "ids": ids, "reason": None, "checked_at": now, "enrichment": False}
    return known.model_copy(update=answered)


def _not_consulted(problem: str | None) -> str:
    return f"{NOT_CONSULTED}: {problem}" if problem else NOT_CONSULTED


def _exploits(review: PackageReview, answer: SourceAnswer, told: Told[tuple[str, ...]], now: datetime) -> SourceAnswer:
    if not answer.enrichment or answer.status is SourceStatus.NOT_APPLICABLE:
        return answer
    blank = SourceAnswer(status=SourceStatus.UNKNOWN, checked_at=told.asked_at or now)
    if told.failed:
        return blank.model_copy(update={"reason": told.problem})
    if told.problem is not None:
        return blank.model_copy(update={"reason": _not_consulted(told.problem), "enrichment": True})
    known = set(review.known_cves) | {cve for v in review.vulnerabilities for cve in v.cves}
    every = _ids(told, known)
    hits = [v for v in review.vulnerabilities if v.exploits]
    unsure = _ids(told, answer.undecidable)
    if hits:
        ids = _ids(told, {cve for v in hits for cve in v.cves})
        worst = highest(v.severity for v in hits)
        found = {"status": SourceStatus.AFFECTED, "ids": ids, "severity": worst, "note": _listed(ids)}
        return blank.model_copy(update={**found, "total": len(every), "undecidable": unsure})
    if unsure:
        reason = f"{len(unsure)} of {len(every)} exploits cannot be compared with this version"
        return blank.model_copy(update={"reason": reason, "total": len(every), "undecidable": unsure, "ids": unsure})
    status = SourceStatus.NOT_AFFECTED if every else SourceStatus.NONE_FOUND
    return blank.model_copy(update={"status": status, "ids": every, "total": len(every)})


def _ids(told: Told[tuple[str, ...]], cves: Iterable[str]) -> tuple[str, ...]:
    numbers = sorted({int(i) for cve in cves for i in told.facts.get(cve, ())})
    return tuple(map(str, numbers))


def _listed(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"EDB-ID {', '.join(ids[:_SHOWN])}{more}"


def _snyk(review: PackageReview, answer: SourceAnswer, told: Enrichment, now: datetime) -> SourceAnswer:
    place = (review.project, review.version)
    if place in told.snyk_problems:
        return SourceAnswer(status=SourceStatus.UNKNOWN, reason=told.snyk_problems[place], checked_at=now)
    issues = told.issues.get(place)
    if issues is None:
        return answer
    if not issues:
        return SourceAnswer(status=SourceStatus.NONE_FOUND, checked_at=now)
    ids = tuple(sorted(issue.id for issue in issues))
    worst = highest(issue.severity for issue in issues)
    return SourceAnswer(status=SourceStatus.AFFECTED, ids=ids, checked_at=now, total=len(ids), severity=worst)


def _nvd_note(review: PackageReview, told: Told[NvdFacts]) -> str | None:
    cves = sorted({cve for v in review.vulnerabilities for cve in v.cves})
    unlike = [
        f"{v.cves[0]} {theirs} (here {v.severity})" for v in review.vulnerabilities for _, theirs in v.others if v.cves
    ]
    waiting: dict[str, list[str]] = {}
    for cve in cves:
        facts = told.facts.get(cve)
        if facts is not None and facts.status and facts.status not in _FINISHED:
            waiting.setdefault(facts.status.lower(), []).append(cve)
        elif facts is None and cve in told.answered:
            waiting.setdefault("no record", []).append(cve)
    parts = [f"NVD rates {_some(unlike)}"] if unlike else []
    parts += [f"NVD {status}: {_some(found)}" for status, found in waiting.items()]
    return "; ".join(parts) or None


def _mitre_note(review: PackageReview, told: Told[MitreFacts]) -> str | None:
    cves = sorted({cve for v in review.vulnerabilities for cve in v.cves})
    odd: dict[str, list[str]] = {}
    for cve in cves:
        facts = told.facts.get(cve)
        if facts is not None and facts.state is not MitreState.PUBLISHED:
            odd.setdefault(facts.state.value, []).append(cve)
        elif facts is None and cve in told.answered:
            odd.setdefault("no record", []).append(cve)
    return "; ".join(f"{state}: {_some(found)}" for state, found in odd.items()) or None


def _some(found: Sequence[str]) -> str:
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


# ---- what is missing


def _gaps(
    review: PackageReview, answers: dict[SourceName, SourceAnswer], told: Enrichment
) -> tuple[list[str], list[str]]:
    """The sources that were asked about this package and failed, and those that were not asked about it."""
    failed, missing = [], []
    place = (review.project, review.version)
    if told.github_problem is not None and answers[SourceName.GITHUB].status is not SourceStatus.NOT_APPLICABLE:
        failed.append("github")
    if place in told.snyk_problems:
        failed.append("snyk")
    affecting = {cve for v in review.vulnerabilities for cve in v.cves}
    by_cve: dict[str, Told[Any]] = {"nvd": told.nvd, "mitre": told.mitre, "kev": told.kev, "epss": told.epss}
    for name, source in by_cve.items():
        if affecting and source.failed:
            failed.append(name)
        elif affecting - source.answered:
            missing.append(name)
    if told.exploits.failed and answers[SourceName.EXPLOITDB].status is SourceStatus.UNKNOWN:
        failed.append("exploitdb")
    elif told.exploits.problem is not None and affecting:
        missing.append("exploitdb")
    return failed, missing
