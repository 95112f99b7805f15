"""Reviewing packages: ask PyPI and OSV, decide, recommend. Knows no workbook, no Prefect."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tasks.advisories.assess import ProjectAdvisories
from tasks.advisories.model import Vulnerability
from tasks.errors import SourceAnswerInvalid, SourceError
from tasks.review.model import (
    PackageKey,
    PackageReview,
    ReviewStatus,
    SourceAnswer,
    SourceName,
    SourceStatus,
    VulnerabilityReview,
)
from tasks.review.recommendation import recommend
from tasks.review.recurring import Known, Recurring
from tasks.review.verdicts import NO_CVE, Evidence, cves_of, source_answers
from tasks.sources.interface import AdvisoryRef, AdvisorySource, ProjectFacts, ProjectSource
from tasks.upgrade.model import UpgradePaths
from tasks.upgrade.paths import upgrade_paths

Refs = Mapping[str, Sequence[AdvisoryRef]]


def utc_now() -> datetime:
    """The time now, naive UTC in whole seconds, as all times of a review are."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class Reviewer:
    """Looks packages up and decides; one instance serves all batches of a process."""

    def __init__(
        self,
        projects: ProjectSource,
        advisories: AdvisorySource,
        clock: Callable[[], datetime] = utc_now,
        uncertain_limit: int = 1,
        asked_at: Callable[[str], datetime | None] = lambda _: None,
    ) -> None:
        """asked_at tells when advisories of a project were asked for, where that was not now."""
        self._projects = projects
        self._advisories = advisories
        self._clock = clock
        self._uncertain_limit = uncertain_limit
        self._asked_at = asked_at
        self._recurring = Recurring()

    async def review_batch(
        self, keys: Sequence[PackageKey], refs: Refs, index_problem: str | None = None
    ) -> tuple[PackageReview, ...]:
        """One review per key, in order. A source that cannot answer is part of the review, never an exception."""
        return tuple(await asyncio.gather(*(self._review(key, refs, index_problem) for key in keys)))

    def forget(self) -> None:
        """Give up what is held of projects that come up again, where memory is short."""
        self._recurring.forget()

    async def _review(self, key: PackageKey, refs: Refs, index_problem: str | None) -> PackageReview:
        (facts, pypi_problem), evidence = await asyncio.gather(
            self._facts(key), self._evidence(key, refs, index_problem)
        )
        return _conclude(key, facts, pypi_problem, evidence)

    async def _facts(self, key: PackageKey) -> tuple[ProjectFacts | None, str | None]:
        try:
            return await self._projects.project(key.project, key.version), None
        except SourceError as error:
            return None, str(error)

    async def _evidence(self, key: PackageKey, refs: Refs, index_problem: str | None) -> Evidence:
        own = refs.get(key.project)
        if own is None:
            problem = (
                index_problem or f"osv: the advisories of {key.project} are not at hand; run once without --offline"
            )
            return Evidence({}, None, problem, self._clock())
        try:
            known = self._recurring.get(key.project, own) or await self._known(key.project, own)
        except SourceError as error:
            return Evidence({}, None, str(error), self._clock())
        assessment = known.ready.assess(key.version) if key.version is not None else None
        asked_at = self._asked_at(key.project) or self._clock()
        return Evidence(known.records, assessment, None, asked_at, self._uncertain_limit, known.ready)

    async def _known(self, project: str, refs: Sequence[AdvisoryRef]) -> Known:
        records = await self._advisories.advisories(refs)
        missing = sorted({ref.id for ref in refs} - set(records))
        if missing:
            are = "is" if len(missing) == 1 else "are"
            raise SourceAnswerInvalid(
                f"osv: {len(missing)} of {len(refs)} advisories of {project} {are} missing ({missing[0]})"
            )
        known = Known(refs, records, ProjectAdvisories.of(records.values(), project))
        self._recurring.put(project, known)
        return known


def _conclude(
    key: PackageKey, facts: ProjectFacts | None, pypi_problem: str | None, evidence: Evidence
) -> PackageReview:
    status, reason = _status(key, facts, pypi_problem, evidence.problem)
    upgrade = _upgrade(key, facts, evidence)
    review = PackageReview(
        name=key.name,
        project=key.project,
        version=key.version or key.version_text,
        is_new=key.is_new,
        status=status,
        reason=reason,
        latest_version=facts.latest_version if facts else None,
        # Every stored result would be several times larger.
        facts=facts.without_versions() if facts else None,
        sources=_answers(evidence, _version_problem(key), facts),
        vulnerabilities=_vulnerabilities(evidence),
        latest_affected=_latest_affected(facts, evidence),
        cleared_by=_cleared_by(upgrade),
        upgrade=upgrade,
        known_cves=tuple(sorted(cves_of(r for r in evidence.records.values() if not r.withdrawn))),
    )
    return review.model_copy(update={"recommendation": recommend(review)})


def _version_problem(key: PackageKey) -> str | None:
    return "NEW: not installed yet, there is no version to compare" if key.is_new else key.problem


def _status(
    key: PackageKey, facts: ProjectFacts | None, pypi_problem: str | None, osv_problem: str | None
) -> tuple[ReviewStatus, str | None]:
    problems = "; ".join(filter(None, (pypi_problem, osv_problem)))
    if problems:
        return ReviewStatus.FAILED, f"could not check: {problems}"
    if key.version is None:
        return ReviewStatus.SKIPPED, _version_problem(key)
    if facts is not None and not facts.found:
        return ReviewStatus.REVIEWED, "not on PyPI"
    return ReviewStatus.REVIEWED, None


def _answers(
    evidence: Evidence, version_problem: str | None, facts: ProjectFacts | None
) -> dict[SourceName, SourceAnswer]:
    answers = source_answers(evidence, version_problem)
    if facts is None or facts.found:
        return answers
    # Nothing known about a name that PyPI does not know says nothing about the package.
    absent = {"status": SourceStatus.NOT_APPLICABLE, "reason": "not on PyPI"}
    return {
        name: answer.model_copy(update=absent)
        if answer.status is SourceStatus.NONE_FOUND or answer.reason == NO_CVE
        else answer
        for name, answer in answers.items()
    }


def _vulnerabilities(evidence: Evidence) -> tuple[VulnerabilityReview, ...]:
    found = evidence.assessment.vulnerabilities if evidence.assessment else ()
    return tuple(_as_review(vulnerability) for vulnerability in found)


def _as_review(v: Vulnerability) -> VulnerabilityReview:
    return VulnerabilityReview(
        ids=v.ids,
        aliases=v.aliases,
        cves=v.cves,
        severity=v.severity,
        cvss=v.cvss,
        fixed_in=v.fixed_in,
        malicious=v.malicious,
    )


def _latest_affected(facts: ProjectFacts | None, evidence: Evidence) -> bool | None:
    if evidence.known is None or facts is None or facts.latest_version is None:
        return None
    return not evidence.known.is_clear(facts.latest_version)


def _upgrade(key: PackageKey, facts: ProjectFacts | None, evidence: Evidence) -> UpgradePaths | None:
    """The ways out of an affected version; None where nothing affects it, or where none could be looked for."""
    if key.version is None or facts is None or not facts.found or evidence.known is None:
        return None
    if evidence.assessment is None or not evidence.assessment.vulnerabilities:
        return None
    return upgrade_paths(evidence.known, key.version, facts)


def _cleared_by(upgrade: UpgradePaths | None) -> str | None:
    """The smallest later version that clears everything, where it is a stable one."""
    found = upgrade.over_all if upgrade else None
    return None if found is None or found.prerelease or found.yanked else found.version
