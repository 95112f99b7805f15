"""Decisions held against what a scan found: every finding keeps its place and gets a note of what was decided.

Pure: reviews in, new reviews out. No finding is ever removed, and no source's answer changes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tasks.advisories.versions import version_key
from tasks.decisions.baseline import Known
from tasks.decisions.model import Decision, DecisionNote, Standing, WithoutFinding
from tasks.review.model import PackageReview, ReviewStatus, SourceName, VulnerabilityReview
from tasks.review.recommendation import recommend

__all__ = ["DecisionBook"]

_ORDER = (Standing.IN_FORCE, Standing.GREW_WORSE, Standing.NOT_ALLOWED, Standing.EXPIRED)


@dataclass(frozen=True, slots=True)
class DecisionBook:
    """The valid decisions of a scan by PEP 503 name, as of one day."""

    by_project: Mapping[str, tuple[Decision, ...]]
    today: date

    @classmethod
    def of(cls, decisions: Iterable[Decision], today: date) -> "DecisionBook":
        """The book of these decisions; today is the reviewer's own date."""
        found: dict[str, list[Decision]] = defaultdict(list)
        for decision in decisions:
            found[decision.project].append(decision)
        return cls({project: tuple(own) for project, own in found.items()}, today)

    def first_sights(self, reviews: Iterable[PackageReview], known: Mapping[str, Known]) -> dict[str, Known]:
        """What is known now of the findings of decisions that still run and that no earlier scan saw."""
        sights: dict[str, Known] = {}
        for review in reviews:
            for found in review.vulnerabilities:
                for decision in self._about(review, found):
                    if decision.key not in known and self.today <= decision.expiry:
                        former = sights.get(decision.key)
                        sights[decision.key] = _worse(Known(found.severity, found.kev), former)
        return sights

    def decided(self, review: PackageReview, known: Mapping[str, Known]) -> PackageReview:
        """The review with a note on every finding that a decision is about, and a recommendation that says so."""
        notes = [self._note(review, found, known) for found in review.vulnerabilities]
        if not any(notes):
            return review
        pairs = zip(review.vulnerabilities, notes, strict=True)
        vulnerabilities = tuple(v.model_copy(update={"decision": note}) if note else v for v, note in pairs)
        fuller = review.model_copy(update={"vulnerabilities": vulnerabilities})
        return fuller.model_copy(update={"recommendation": recommend(fuller)})

    def without_finding(
        self, reviews: Iterable[PackageReview], not_asked: Collection[str] = frozenset()
    ) -> Iterator[WithoutFinding]:
        """The decisions that no finding is about, in their order by package.

        Nothing is said of projects (PEP 503 names) that are listed and that this scan was not asked to look at.
        """
        by_project: dict[str, list[PackageReview]] = defaultdict(list)
        for review in reviews:
            if review.project in self.by_project:
                by_project[review.project].append(review)
        for project, own in self.by_project.items():
            found = by_project.get(project, [])
            if not found and project in not_asked:
                continue
            for decision in own:
                if not any(_is_about(decision, review, v) for review in found for v in review.vulnerabilities):
                    yield WithoutFinding(
                        decision.place, decision.package, decision.advisory, _why_none(decision, found)
                    )

    def _about(self, review: PackageReview, found: VulnerabilityReview) -> list[Decision]:
        own = self.by_project.get(review.project, ())
        return [decision for decision in own if _is_about(decision, review, found)]

    def _note(
        self, review: PackageReview, found: VulnerabilityReview, known: Mapping[str, Known]
    ) -> DecisionNote | None:
        """The note of the decision that counts most: one in force, then the latest."""
        notes = [self._judged(decision, found, known.get(decision.key)) for decision in self._about(review, found)]
        ordered = sorted(notes, key=lambda note: (note.decided_on or date.min, note.expiry), reverse=True)
        return min(ordered, key=lambda note: _ORDER.index(note.standing), default=None)

    def _judged(self, decision: Decision, found: VulnerabilityReview, known: Known | None) -> DecisionNote:
        standing, why = Standing.IN_FORCE, None
        if self.today > decision.expiry:
            standing = Standing.EXPIRED
        elif found.malicious and not decision.kind.denies:
            standing, why = Standing.NOT_ALLOWED, "a malicious package is no risk to accept"
        elif worse := _grown(decision, found, known):
            standing, why = Standing.GREW_WORSE, worse
        return DecisionNote(
            kind=decision.kind,
            standing=standing,
            advisory=decision.advisory,
            owner=decision.owner,
            reason=decision.reason,
            expiry=decision.expiry,
            place=decision.place,
            decided_on=decision.decided_on,
            why=why,
        )


def _is_about(decision: Decision, review: PackageReview, found: VulnerabilityReview) -> bool:
    if decision.version is not None and version_key(decision.version) != version_key(review.version):
        return False
    return decision.advisory in {name.upper() for name in (*found.ids, *found.aliases, *found.cves)}


def _worse(one: Known, other: Known | None) -> Known:
    if other is None:
        return one
    return Known(max(one.severity, other.severity, key=lambda s: s.rank), one.exploited or other.exploited)


def _grown(decision: Decision, found: VulnerabilityReview, known: Known | None) -> str:
    """What is worse now than when the decision was taken; what the decision itself says goes before what scans saw."""
    severity = decision.severity or (known.severity if known else found.severity)
    exploited = decision.known_exploited
    if exploited is None:
        exploited = known.exploited if known else found.kev
    parts = (
        f"severity was {severity}, is {found.severity}" if found.severity.rank > severity.rank else "",
        "known to be exploited now" if found.kev and not exploited else "",
    )
    return "; ".join(filter(None, parts))


def _why_none(decision: Decision, reviews: list[PackageReview]) -> str:
    if not reviews:
        return "the package is not in this scan"
    if any(review.status is ReviewStatus.FAILED for review in reviews):
        return "the package could not be checked"
    versions = {version_key(review.version) for review in reviews}
    if decision.version is not None and version_key(decision.version) not in versions:
        return f"no row has version {decision.version}"
    if any(decision.advisory == one.upper() for review in reviews for one in _undecidable(review)):
        return "the advisory cannot be compared with the version, so it stays for manual review"
    return "no finding of this scan has this id or alias"


def _undecidable(review: PackageReview) -> tuple[str, ...]:
    osv = review.sources.get(SourceName.OSV)
    return osv.undecidable if osv else ()
