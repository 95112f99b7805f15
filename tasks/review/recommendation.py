"""Column W: what to do about a package, in one of four tiers.

The words are those reviewers know (docs/workbook.md); counts are of vulnerabilities that affect the
installed version, versions are compared by PEP 440, and what could not be checked is said first.
"""

from packaging.version import InvalidVersion, Version

from tasks.advisories.model import Severity
from tasks.review.model import PackageReview, Recommendation, ReviewStatus, SourceName, SourceStatus, Tier
from tasks.review.verdicts import highest

_PRESSING = frozenset({Severity.CRITICAL, Severity.HIGH})


def recommend(review: PackageReview) -> Recommendation:
    """The recommendation for a review that has everything else filled in."""
    osv = review.sources[SourceName.OSV]
    if review.vulnerabilities:
        return _said(Tier.SECURITY_RISK, *_risk(review), _could_not_check(review))
    unsettled = _unsettled(review)
    if unsettled:
        return _said(Tier.MANUAL_REVIEW, "🔍 MANUAL REVIEW", *unsettled)
    info = f"ℹ️ INFO: {_count(osv.total, 'advisory', 'advisories')} found but current version not affected"
    tail = info if osv.status is SourceStatus.NOT_AFFECTED else ""
    if _is_behind(review):
        return _said(Tier.UPDATE, "✅ PROCEED WITH UPDATE", *_update(review), tail)
    return _said(Tier.PROCEED, "✅ PROCEED", tail)


def _said(tier: Tier, *parts: str) -> Recommendation:
    return Recommendation(tier=tier, text=" | ".join(filter(None, parts)))


def _risk(review: PackageReview) -> tuple[str, ...]:
    found = review.vulnerabilities
    worst = highest(v.severity for v in found)
    malicious = sorted({i for v in found if v.malicious for i in v.ids})
    return (
        "🚨 SECURITY RISK",
        f"☠️ MALICIOUS PACKAGE ({', '.join(malicious)}): remove it now" if malicious else "",
        f"{_count(len(found), 'confirmed vulnerability', 'confirmed vulnerabilities')} found",
        f"📦 UPDATE REQUIRED: {review.version} → {review.latest_version}" if _is_behind(review) else "",
        "" if malicious else _way_out(review),
        f"⚡ HIGH PRIORITY: {worst} severity detected" if worst in _PRESSING else "",
        f"Sources: {_sources(review)}",
        "⚠️ Review security advisories before deployment",
    )


def _way_out(review: PackageReview) -> str:
    if review.cleared_by is not None:
        clear = f"{review.cleared_by} is the smallest version without a known vulnerability"
        return clear + ("; the latest has some" if review.latest_affected else "")
    if review.facts is None or not review.facts.found:
        return ""
    return "no later version is free of known vulnerabilities"


def _sources(review: PackageReview) -> str:
    names = {SourceName.OSV: "OSV", SourceName.GITHUB: "GitHub Advisory"}
    answers = {label: review.sources[name] for name, label in names.items() if name in review.sources}
    hit = {k: a for k, a in answers.items() if a.status is SourceStatus.AFFECTED}
    return ", ".join(f"{k}: {len(a.ids)} ({a.severity or Severity.UNKNOWN})" for k, a in hit.items())


def _could_not_check(review: PackageReview) -> str:
    return f"❓ {review.reason}" if review.status is ReviewStatus.FAILED and review.reason else ""


def _unsettled(review: PackageReview) -> tuple[str, ...]:
    """Why a person has to look, most important first; empty when everything was answered."""
    osv = review.sources[SourceName.OSV]
    if review.status is ReviewStatus.FAILED:
        return (_could_not_check(review), "📋 Run again; nothing is known to be safe")
    if review.is_new:
        known = f"{_count(osv.total, 'advisory', 'advisories')} known for this package" if osv.total else ""
        return ("NEW package: not installed yet", known or "no advisory known", _latest_line(review))
    if review.status is ReviewStatus.SKIPPED:
        return (review.reason or "no usable version", "📋 Correct the version and run again")
    if review.reason is not None:
        return (f"{review.name} is {review.reason}: an internal or a removed package", "📋 Check its origin")
    if osv.undecidable:
        return (
            f"OSV: {_count(len(osv.undecidable), 'advisory', 'advisories')} cannot be compared with {review.version}"
            f" ({', '.join(osv.undecidable[:5])})",
            "📋 Human review needed for indeterminate cases",
        )
    return ()


def _latest_line(review: PackageReview) -> str:
    if review.latest_version is None:
        return ""
    state = {True: "has known vulnerabilities", False: "has no known vulnerability", None: "was not checked"}
    return f"latest {review.latest_version} {state[review.latest_affected]}"


def _update(review: PackageReview) -> tuple[str, ...]:
    available = f"📦 UPDATE AVAILABLE: {review.version} → {review.latest_version}"
    if review.latest_affected:
        return (available, "⚠️ The latest version has known vulnerabilities - stay until they are fixed")
    return (available, "✅ No security risks detected - safe to update")


def _is_behind(review: PackageReview) -> bool:
    """Whether the latest stable version is higher than the installed one, by PEP 440."""
    if review.latest_version is None:
        return False
    try:
        return Version(review.version) < Version(review.latest_version)
    except InvalidVersion:
        return False


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
