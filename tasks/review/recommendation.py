"""Column W: what to do about a package, in one of four tiers.

The words are those reviewers know (docs/workbook.md); counts are of vulnerabilities that affect the
installed version, versions are compared by PEP 440, and what could not be checked is said first.
"""

import re
from collections.abc import Sequence

from packaging.version import InvalidVersion, Version

from tasks.advisories.model import Severity
from tasks.review.decided import decision_parts, lived_with_until
from tasks.review.model import (
    Concern,
    Opinion,
    PackageReview,
    Recommendation,
    ReviewStatus,
    SourceName,
    SourceStatus,
    Tier,
)
from tasks.review.verdicts import highest

UNCHECKED = "🔍 MANUAL REVIEW | ❓ "
"""How a recommendation begins that rests on nothing but a failure."""

RUN_AGAIN = "📋 Run again; nothing is known to be safe"
"""How every recommendation ends for which a deciding source failed."""

LIKELY = 0.1
"""EPSS from which the probability is told: it is below for some 97 of 100 CVEs (first.org/epss)."""

_SHOWN_IDS = 5
_LONGEST_WORD = 100
_ENDLESS = re.compile(rf"\S{{{_LONGEST_WORD + 1},}}")
"""A name of thousands of letters, or an address that holds it: it stands in column B, and would hide what W says."""
_SHOWN_DIFFERENCES = 2
_LABELS = {
    "github": "GitHub",
    "nvd": "NVD",
    "mitre": "MITRE",
    "snyk": "Snyk",
    "exploitdb": "Exploit-DB",
    "kev": "KEV",
    "epss": "EPSS",
}
_WITHOUT_CELL = {name: _LABELS[name] for name in ("kev", "epss")}
"""Sources that have no column of their own, so that column W says what became of them."""
_PRESSING = frozenset({Severity.CRITICAL, Severity.HIGH})


def recommend(review: PackageReview) -> Recommendation:
    """The recommendation for a review that has everything else filled in."""
    osv, decided = review.sources[SourceName.OSV], decision_parts(review)
    if review.open_vulnerabilities:
        return _said(Tier.SECURITY_RISK, *_risk(review, decided), _could_not_check(review))
    unsettled = _unsettled(review) or _lived_with(review)
    if unsettled:
        return _said(Tier.MANUAL_REVIEW, "🔍 MANUAL REVIEW", *decided, *_with_opinion(unsettled, review.opinion))
    info = f"ℹ️ INFO: {_count(osv.total, 'advisory', 'advisories')} found but current version not affected"
    info += f" (version checking uncertain for {osv.uncertain})" if osv.uncertain else ""
    tail = info if osv.status is SourceStatus.NOT_AFFECTED else ""
    if _is_behind(review):
        return _said(Tier.UPDATE, *_update(review), *decided, tail)
    return _said(Tier.PROCEED, "✅ PROCEED", *decided, tail)


def _said(tier: Tier, *parts: str) -> Recommendation:
    text = " | ".join(filter(None, parts))
    return Recommendation(tier=tier, text=_ENDLESS.sub(lambda word: f"{word[0][:_LONGEST_WORD]}…", text))


def _risk(review: PackageReview, decided: Sequence[str]) -> tuple[str, ...]:
    found = review.open_vulnerabilities
    worst = highest(v.severity for v in found)
    malicious = sorted({i for v in found if v.malicious for i in v.ids})
    return (
        "🚨 SECURITY RISK",
        f"☠️ MALICIOUS PACKAGE ({', '.join(malicious)}): remove it now" if malicious else "",
        _exploited(review),
        f"{_count(len(found), 'confirmed vulnerability', 'confirmed vulnerabilities')} found",
        *decided,
        *(() if malicious else (_update_required(review), _way_out(review))),
        f"⚡ HIGH PRIORITY: {worst} severity detected" if worst in _PRESSING else "",
        _exploits(review),
        _likely(review),
        f"Sources: {_sources(review)}",
        _disagreement(review),
        _not_consulted(review),
        "⚠️ Review security advisories before deployment",
    )


def _exploited(review: PackageReview) -> str:
    cves = sorted({cve for v in review.open_vulnerabilities if v.kev for cve in v.cves})
    return f"🔥 KNOWN EXPLOITED ({_some(cves)}; CISA KEV): act first" if cves else ""


def _exploits(review: PackageReview) -> str:
    ids = sorted({i for v in review.open_vulnerabilities for i in v.exploits}, key=int)
    return f"💥 Public exploits: EDB-ID {_some(ids)}" if ids else ""


def _likely(review: PackageReview) -> str:
    chance = max((v.epss for v in review.open_vulnerabilities if v.epss is not None), default=0.0)
    return f"EPSS: {100 * chance:.0f} % chance of exploitation within 30 days" if chance >= LIKELY else ""


def _disagreement(review: PackageReview) -> str:
    unlike = [
        f"{v.cves[0]} {v.severity} here, {theirs} at {who}"
        for v in review.open_vulnerabilities
        for who, theirs in v.others
        if v.cves
    ]
    return f"Sources differ on severity: {_some(unlike, _SHOWN_DIFFERENCES)}" if unlike else ""


def _not_consulted(review: PackageReview) -> str:
    names = [label for name, label in _WITHOUT_CELL.items() if name in review.not_consulted]
    return f"ℹ️ Not consulted: {', '.join(names)}" if names else ""


def _some(found: Sequence[str], shown: int = _SHOWN_IDS) -> str:
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return f"{', '.join(found[:shown])}{more}"


def _update_required(review: PackageReview) -> str:
    return f"📦 UPDATE REQUIRED: {review.version} → {review.latest_version}" if _is_behind(review) else ""


def _way_out(review: PackageReview) -> str:
    if review.cleared_by is not None:
        clear = f"{review.cleared_by} is the smallest later version without a known vulnerability"
        return clear + ("; the latest is not free of them" if review.latest_affected else "")
    if review.facts is None or not review.facts.found:
        return ""
    return "no later version is free of known vulnerabilities"


def _sources(review: PackageReview) -> str:
    names = {SourceName.OSV: "OSV", SourceName.GITHUB: "GitHub Advisory", SourceName.SNYK: "Snyk"}
    answers = {label: review.sources[name] for name, label in names.items() if name in review.sources}
    hit = {k: a for k, a in answers.items() if a.status is SourceStatus.AFFECTED}
    return ", ".join(f"{k}: {len(a.ids)} ({a.severity or Severity.UNKNOWN})" for k, a in hit.items())


def _could_not_check(review: PackageReview) -> str:
    if review.status is ReviewStatus.FAILED and review.reason:
        return f"❓ {review.reason}"
    return f"❓ could not be asked: {', '.join(_LABELS[name] for name in review.gaps)}" if review.gaps else ""


def _unsettled(review: PackageReview) -> tuple[str, ...]:
    """Why a person has to look, most important first; empty when everything was answered."""
    if review.status is ReviewStatus.FAILED:
        return (_malware(review), _could_not_check(review), RUN_AGAIN)
    if deciding_gap(review):
        return (_malware(review), *_undecided(review), _could_not_check(review), RUN_AGAIN)
    if review.is_new:
        return (_malware(review), "NEW package: not installed yet", *_new(review))
    if review.status is ReviewStatus.SKIPPED:
        again = "📋 Correct the version and run again"
        return (_malware(review), review.reason or "no usable version", *_unknown_to_pypi(review), again)
    return _unknown_to_pypi(review) or _undecided(review)


def _lived_with(review: PackageReview) -> tuple[str, ...]:
    """What is left to do where every finding is decided and some stay a risk for a while."""
    until = lived_with_until(review)
    if until is None:
        return ()
    behind = f"📦 UPDATE AVAILABLE: {review.version} → {review.latest_version}" if _is_behind(review) else ""
    return (behind, _way_out(review), f"📋 Look again by {until}")


def deciding_gap(review: PackageReview) -> bool:
    """Whether a source with advisories of its own failed, and nothing else was found to affect the version."""
    return not review.open_vulnerabilities and bool({"github", "snyk"} & set(review.gaps))


def malware_reports(review: PackageReview) -> tuple[str, ...]:
    """Ids of reports of malware that no version could be held against: a person must not miss them."""
    return review.reported_malicious


def _malware(review: PackageReview) -> str:
    reports = malware_reports(review)
    return f"☠️ REPORTED AS MALICIOUS ({', '.join(reports[:_SHOWN_IDS])}): do not install" if reports else ""


def _new(review: PackageReview) -> tuple[str, ...]:
    total = review.sources[SourceName.OSV].total
    known = f"{_count(total, 'advisory', 'advisories')} known for this package" if total else "no advisory known"
    return (known, *(_unknown_to_pypi(review) or (_latest_line(review),)))


def _unknown_to_pypi(review: PackageReview) -> tuple[str, ...]:
    if review.facts is None or review.facts.found:
        return ()
    return (f"{review.name} is not on PyPI: an internal or a removed package", "📋 Check its origin")


def _undecided(review: PackageReview) -> tuple[str, ...]:
    ids = review.sources[SourceName.OSV].undecidable
    if not ids:
        return ()
    more = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
    return (
        _malware(review),
        f"OSV: {_count(len(ids), 'advisory', 'advisories')} cannot be compared with {review.version}"
        f" ({', '.join(ids[:_SHOWN_IDS])}{more})",
        "📋 Human review needed for indeterminate cases",
    )


def _with_opinion(unsettled: tuple[str, ...], opinion: Opinion | None) -> tuple[str, ...]:
    """The same words and, where a model is concerned, a sentence in ours: before `RUN_AGAIN`, which must end a text."""
    if opinion is None or opinion.concern is Concern.NONE:
        return unsettled
    by = f" by {_some(opinion.ids)}" if opinion.ids else ""
    sure = f"confidence {100 * opinion.confidence:.0f} %"
    words = f"🤖 Model {opinion.model} ({sure}): likely affected{by}, check first"
    at = len(unsettled) - (unsettled[-1] == RUN_AGAIN)
    return (*unsettled[:at], words, *unsettled[at:])


def _latest_line(review: PackageReview) -> str:
    if review.latest_version is None:
        return ""
    state = {True: "has known vulnerabilities", False: "has no known vulnerability", None: "was not checked"}
    return f"latest {review.latest_version} {state[review.latest_affected]}"


def _update(review: PackageReview) -> tuple[str, ...]:
    available = f"📦 UPDATE AVAILABLE: {review.version} → {review.latest_version}"
    if review.latest_affected:
        warning = f"⚠️ {review.latest_version} is not free of known vulnerabilities - stay on {review.version} for now"
        return ("✅ PROCEED", available, warning)
    # Where people decided about findings, "none detected" would not be true.
    safe = "" if review.vulnerabilities else "✅ No security risks detected - safe to update"
    return ("✅ PROCEED WITH UPDATE", available, safe)


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
