"""A review as CSV (RFC 4180, UTF-8): a line for each vulnerability of each row, one line for a row without any.

Text that a spreadsheet program would take for a formula gets an apostrophe in front (CWE-1236).
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from tasks.exports.gaps import decision_words, gaps_of, undecided
from tasks.exports.interface import stable_id
from tasks.lockfiles.purl import purl_of
from tasks.reports.files import write_text
from tasks.reports.result import ScanResult
from tasks.review.model import PackageReview, ReviewStatus, VulnerabilityReview

__all__ = ["COLUMNS", "plain", "write_review_csv"]

COLUMNS = (
    "key",
    "row",
    "package",
    "version",
    "purl",
    "status",
    "reason",
    "advisory",
    "aliases",
    "severity",
    "cvss",
    "epss",
    "known_exploited",
    "exploits",
    "malicious",
    "fixed_in",
    "cleared_by",
    "latest_version",
    "tier",
    "recommendation",
    "could_not_check",
    "decision",
)
"""The header; docs/outputs.md says what each column holds."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Value = str | int | float | bool | None


def write_review_csv(path: Path, result: ScanResult) -> None:
    """Write the CSV file, whole or not at all; CheckpointError when it cannot be written."""
    write_text(path, _lines(result))


def plain(value: Value) -> str:
    """A value as its field: one line, and never a formula."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = " ".join((value or "").split())
    return f"'{text}" if (value or "").startswith(_FORMULA) or text.startswith(_FORMULA) else text


def _lines(result: ScanResult) -> Iterator[str]:
    yield _line(COLUMNS)
    for review in result.packages:
        for found in review.vulnerabilities or (None,):
            values = _row(review) | (_advisory(found) if found is not None else {})
            values["key"] = str(stable_id(str(values["purl"]), str(values.get("advisory", ""))))
            yield _line(tuple(values.get(column) for column in COLUMNS))


def _line(values: tuple[Value, ...]) -> str:
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerow(map(plain, values))
    return made.getvalue()


def _row(review: PackageReview) -> dict[str, Value]:
    usable = review.status is not ReviewStatus.SKIPPED and not review.is_new
    advice = review.recommendation
    unsure = undecided(review)
    compare = (f"cannot be compared: {', '.join(unsure)}",) if unsure else ()
    return {
        "row": review.row,
        "package": review.name,
        "version": review.version,
        "purl": purl_of("PyPI", review.project, review.version if usable else None),
        "status": review.status.value,
        "reason": review.reason,
        "cleared_by": review.cleared_by,
        "latest_version": review.latest_version,
        "tier": advice.tier.value if advice else None,
        "recommendation": advice.text if advice else None,
        "could_not_check": "; ".join((*gaps_of(review), *compare)),
    }


def _advisory(found: VulnerabilityReview) -> dict[str, Value]:
    others = dict.fromkeys((*found.ids[1:], *found.aliases, *found.cves))
    return {
        "advisory": found.ids[0],
        "aliases": " ".join(name for name in others if name != found.ids[0]),
        "severity": found.severity.value,
        "cvss": found.cvss,
        "epss": found.epss,
        "known_exploited": found.kev,
        "exploits": " ".join(found.exploits),
        "malicious": found.malicious,
        "fixed_in": " ".join(found.fixed_in),
        "decision": decision_words(found.decision) if found.decision is not None else None,
    }
