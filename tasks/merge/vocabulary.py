"""What a cell's text says, as the colour it should have: today's words, and those of the older review tool.

The words are those of docs/workbook.md, `tasks.review.words` and `tasks.review.recommendation`. What sounds safe has
to be understood to its end, so that no remark behind it turns green; what sounds of danger needs its beginning only.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from tasks.merge.changes import FORMER_MARK, RISK_WORDS, CellContent, is_blank, shown
from tasks.review.cells import NOT_AVAILABLE, RESULT_FIELDS
from tasks.review.meaning import Meaning
from tasks.review.recommendation import RUN_AGAIN
from tasks.review.words import COULD_NOT_CHECK
from tasks.workbook.model import MANUAL_FIELDS, Field

__all__ = ["meaning_of", "verdict_of"]

_NOT_CONSULTED = r"(?: \| (?:severity from \w+; )?(?:NVD|MITRE) not consulted)?"
_RESULTS: tuple[tuple[Meaning, re.Pattern[str]], ...] = tuple(
    (meaning, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for meaning, pattern in (
        (Meaning.NOT_AVAILABLE, rf"{NOT_AVAILABLE}"),
        (Meaning.RISK, r"VULNERABLE - \d+ .*\baffects? v.*"),
        (Meaning.MANUAL_REVIEW, r"Manual review required\b.*"),
        (Meaning.COULD_NOT_CHECK, rf"{COULD_NOT_CHECK} \(.*\)"),
        (Meaning.COULD_NOT_CHECK, r"Error scanning .*"),
        (Meaning.SAFE, rf"SAFE - \d+ [\w ]+ found but v\S+ not affected{_NOT_CONSULTED}"),
        (Meaning.MANUAL_REVIEW, r"SAFE - \d+ [\w ]+ found but v\S+ not affected \(version checking uncertain .*\)"),
        (Meaning.SAFE, rf"None found(?: \(no CVE is known for this package\))?{_NOT_CONSULTED}"),
        (Meaning.SAFE, r"No published security advisories|No vulnerabilities(?: found)?"),
        (Meaning.UPDATED, r"Not applicable \(.*\)"),
        (Meaning.SAFE, r"NEW package - No [\w ]+ found"),
        (Meaning.MANUAL_REVIEW, r"NEW package - Found \d+ .*"),
        (Meaning.SAFE, r"Found 0 (?:CVEs?|[\w ]*vulnerabilit(?:y|ies))(?: in [\w ]+)?"),
        (Meaning.RISK, r"Found [1-9]\d* (?:CVEs?|[\w ]*vulnerabilit(?:y|ies))\b.*"),
    )
)

_ANALYSIS = re.compile(r"[\w ]+ Analysis: (?P<found>NOT_FOUND|FOUND)\b.*", re.DOTALL)
_ANALYSED = re.compile(r"Current version [^:]{0,200}: (AFFECTED|NOT_AFFECTED)\b")
"""Sentences of the older tool's language model: `SNYK Analysis: FOUND - ... Current version 1.0: NOT_AFFECTED. ...`."""

# A sign such as ℹ counts as a letter, so \W would not pass it over.
_SIGN = "[^A-Za-z0-9]*"
_RISK = re.compile(rf"{_SIGN}SECURITY RISK\b.*", re.DOTALL)
_MANUAL = re.compile(rf"{_SIGN}MANUAL REVIEW\b.*", re.DOTALL)
_PROCEED = re.compile(rf"{_SIGN}PROCEED(?P<update> WITH UPDATE)?")
_AVAILABLE = re.compile(rf"{_SIGN}UPDATE(?: AVAILABLE: .+)?|Update from .+ to .+", re.DOTALL)
_REMARK = re.compile(
    rf"{_SIGN}(?:INFO: \d+ [\w ]+ found but current version not affected(?: \([\w ,-]+\))?"
    r"|UPDATE AVAILABLE: .+|No security risks detected - safe to update"
    r"|DECIDED: .+|\S+ is not free of known vulnerabilities\b.*)"
)

_OTHERS: Mapping[Field, Meaning] = {
    **dict.fromkeys((Field.DATE_PUBLISHED, Field.LATEST_VERSION, Field.LATEST_RELEASE_DATE), Meaning.VERSION_UPDATE),
    **dict.fromkeys((Field.GITHUB_URL, Field.GITHUB_ADVISORY_URL), Meaning.GITHUB),
    **dict.fromkeys((Field.REQUIRES, Field.DEVELOPMENT_STATUS), Meaning.UPDATED),
    **dict.fromkeys((Field.PYPI_LATEST_LINK, Field.NIST_NVD_URL, Field.MITRE_CVE_URL), Meaning.LINK),
    **dict.fromkeys((Field.SNYK_URL, Field.EXPLOIT_DB_URL), Meaning.LINK),
}


def verdict_of(field: Field, text: str) -> Meaning | None:
    """What a text of a verdict column (M, P, R, T, V, W) says, or "Not Available" of column E.

    None for a text of no known wording, and for every other column.
    """
    text = text.strip()
    if field is Field.RECOMMENDATION:
        return _of_recommendation(text)
    if field in RESULT_FIELDS:
        return _of_analysis(text) or next((found for found, pattern in _RESULTS if pattern.fullmatch(text)), None)
    unavailable = field is Field.DATE_PUBLISHED and text.casefold() == NOT_AVAILABLE.casefold()
    return Meaning.NOT_AVAILABLE if unavailable else None


def meaning_of(field: Field, content: CellContent) -> Meaning | None:
    """The colour a scan would give a cell of any column for that content; None for blank and manual cells and for
    texts of no known wording."""
    if is_blank(content) or field in MANUAL_FIELDS:
        return None
    if not isinstance(content, datetime) and (verdict := verdict_of(field, shown(content))) is not None:
        return verdict
    return _OTHERS.get(field)


def _of_analysis(text: str) -> Meaning | None:
    analysis = _ANALYSIS.fullmatch(text)
    if analysis is None:
        return None
    answers = set(_ANALYSED.findall(text))
    if "AFFECTED" in answers:
        return Meaning.RISK
    return Meaning.SAFE if answers or analysis["found"] == "NOT_FOUND" else Meaning.MANUAL_REVIEW


def _of_recommendation(text: str) -> Meaning | None:
    parts = text.split(" | ")
    if any(map(_RISK.fullmatch, parts)):
        return Meaning.RISK
    if parts[-1] == RUN_AGAIN:
        return Meaning.RISK if RISK_WORDS in text.partition(FORMER_MARK)[0] else Meaning.COULD_NOT_CHECK
    if _MANUAL.fullmatch(parts[0]):
        return Meaning.MANUAL_REVIEW
    return _of_proceeding(parts)


def _of_proceeding(parts: list[str]) -> Meaning | None:
    """PROCEED in its forms, where every part behind it is understood; an update is orange."""
    proceed = _PROCEED.fullmatch(parts[0])
    remarks = parts[1:] if proceed else parts
    behind = any(map(_AVAILABLE.fullmatch, parts))
    if proceed is None:
        return Meaning.VERSION_UPDATE if behind and len(parts) == 1 else None
    if not all(map(_REMARK.fullmatch, remarks)):
        return None
    return Meaning.VERSION_UPDATE if behind or proceed["update"] else Meaning.SAFE
