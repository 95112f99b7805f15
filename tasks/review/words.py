"""The texts of the result columns M, P, R, T and V, in the vocabulary reviewers know (docs/workbook.md)."""

from tasks.advisories.model import Severity
from tasks.review.model import PackageReview, SourceAnswer, SourceName, SourceStatus
from tasks.review.verdicts import NO_CVE, NOT_ANSWERED, NOT_CONSULTED

COULD_NOT_CHECK = "Could not check"

_NOUNS = {
    SourceName.GITHUB: ("GitHub advisory", "GitHub advisories"),
    SourceName.NVD: ("CVE", "CVEs"),
    SourceName.MITRE: ("MITRE CVE", "MITRE CVEs"),
    SourceName.SNYK: ("SNYK vulnerability", "SNYK vulnerabilities"),
    SourceName.EXPLOITDB: ("exploit", "exploits"),
}
_NONE_FOUND = {SourceName.GITHUB: "No published security advisories"}
_NEW_RECORDS = {
    SourceName.GITHUB: "GitHub advisories",
    SourceName.NVD: "CVE records",
    SourceName.MITRE: "MITRE CVE records",
    SourceName.SNYK: "SNYK vulnerabilities",
    SourceName.EXPLOITDB: "exploits",
}
_CONSULTED = {SourceName.NVD: "NVD", SourceName.MITRE: "MITRE"}
_SHOWN_IDS = 15


def result_text(review: PackageReview, source: SourceName) -> str | None:
    """What a source's result cell says; None where nothing new is known and the cell stays as it is."""
    answer = review.sources[source]
    if source is SourceName.EXPLOITDB and _osv_failed(review):
        return None
    if source is SourceName.EXPLOITDB and answer.status is SourceStatus.UNKNOWN and answer.enrichment:
        # Without the reason it was not even tried: the review is not enriched yet.
        asked = (answer.reason or "").startswith(f"{NOT_CONSULTED}:")
        return f"{COULD_NOT_CHECK} ({answer.reason})" if asked else None
    if answer.status is SourceStatus.UNKNOWN and not answer.enrichment and not answer.undecidable:
        return f"{COULD_NOT_CHECK} ({answer.reason})"
    if review.is_new:
        return _new_package(answer, source)
    return _verdict(review, answer, source) + _footnote(review, answer, source)


def _osv_failed(review: PackageReview) -> bool:
    osv = review.sources[SourceName.OSV]
    return osv.status is SourceStatus.UNKNOWN and not osv.undecidable


def _verdict(review: PackageReview, answer: SourceAnswer, source: SourceName) -> str:
    one, many = _NOUNS[source]
    affects = answer.status is SourceStatus.AFFECTED or (answer.enrichment and bool(answer.ids))
    if affects:
        n = len(answer.ids)
        worst = answer.severity or Severity.UNKNOWN
        verb = "affects" if n == 1 else "affect"
        return f"VULNERABLE - {n} {one if n == 1 else many} {verb} v{review.version} (Highest: {worst})"
    if answer.undecidable:
        k = len(answer.undecidable)
        require = "requires" if k == 1 else "require"
        found = f"{answer.total} {one if answer.total == 1 else many} found"
        return f"Manual review required - {found}, {k} {require} manual version checking for v{review.version}"
    if answer.status is SourceStatus.NOT_APPLICABLE:
        return _not_applicable(answer)
    if answer.total:
        found = f"{answer.total} {one if answer.total == 1 else many}"
        return f"SAFE - {found} found but v{review.version} not affected{_uncertain(answer, one, many)}"
    return _NONE_FOUND.get(source, "None found")


def _uncertain(answer: SourceAnswer, one: str, many: str) -> str:
    k = answer.uncertain
    return f" (version checking uncertain for {k} {one if k == 1 else many})" if k else ""


def _not_applicable(answer: SourceAnswer) -> str:
    if answer.reason == NO_CVE:
        return f"None found ({answer.reason})"
    return f"Not applicable ({answer.reason})"


def _new_package(answer: SourceAnswer, source: SourceName) -> str:
    if answer.status is SourceStatus.NOT_APPLICABLE and answer.reason != NO_CVE:
        return _not_applicable(answer)
    records = _NEW_RECORDS[source]
    ids = answer.undecidable or answer.ids
    if not ids:
        return f"NEW package - No {records} found"
    more = f" ... and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return f"NEW package - Found {len(ids)} {records}: {', '.join(ids[:_SHOWN_IDS])}{more}"


def _footnote(review: PackageReview, answer: SourceAnswer, source: SourceName) -> str:
    return "".join(f" | {part}" for part in (_not_asked(review, answer, source), answer.note) if part)


def _not_asked(review: PackageReview, answer: SourceAnswer, source: SourceName) -> str:
    said = next((words for words in (NOT_CONSULTED, NOT_ANSWERED) if (answer.reason or "").startswith(words)), None)
    if not answer.enrichment or said is None or source not in _CONSULTED:
        return ""
    github = review.sources[SourceName.GITHUB].status is SourceStatus.AFFECTED
    severity = f"severity from {'GitHub' if github else 'OSV'}; " if answer.ids else ""
    return f"{severity}{_CONSULTED[source]} {said}"
