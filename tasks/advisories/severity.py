"""How severe: base scores from CVSS vectors, ratings from scores.

Sources: CVSS 3.1, section 5 "Qualitative Severity Rating Scale" (https://www.first.org/cvss/v3.1/specification-document)
and CVSS 4.0, section 6 (https://www.first.org/cvss/v4.0/specification-document): one scale for both.
"""

from collections.abc import Iterable
from functools import lru_cache

from cvss import CVSS3, CVSS4
from cvss.exceptions import CVSSError

from tasks.advisories.model import Severity

__all__ = ["base_score", "highest_score", "label_severity", "rating"]

_SCALE = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
_LABELS = {"MODERATE": Severity.MEDIUM} | {severity.value: severity for severity in Severity}


@lru_cache(maxsize=4096)
def base_score(vector: str) -> float | None:
    """The base score, 0.0 to 10.0, of a CVSS 3.0, 3.1 or 4.0 vector; None for any other or malformed text.

    CVSS 4.0 has one formula for all metrics, so a threat metric in the vector (E:U) is part of its score.
    """
    try:
        if vector.startswith("CVSS:4.0/"):
            return float(CVSS4(vector).base_score)
        if vector.startswith(("CVSS:3.0/", "CVSS:3.1/")):
            return float(CVSS3(vector).base_score)
    except CVSSError:
        return None
    return None


def highest_score(vectors: Iterable[str]) -> float | None:
    """The highest base score among the vectors that have one."""
    return max((score for score in map(base_score, vectors) if score is not None), default=None)


def rating(score: float) -> Severity:
    """The qualitative rating of a score from 0.0 to 10.0.

    CVSS calls 0.0 "None"; the vocabulary here has no such word and a scored vulnerability is not unknown, so LOW.
    """
    return next((severity for least, severity in _SCALE if score >= least), Severity.LOW)


def label_severity(label: object) -> Severity:
    """A database's own label (LOW, MODERATE or MEDIUM, HIGH, CRITICAL, in any case); UNKNOWN for anything else."""
    return _LABELS.get(label.strip().upper(), Severity.UNKNOWN) if isinstance(label, str) else Severity.UNKNOWN
