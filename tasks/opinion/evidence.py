"""What a model is shown of one package: the open question and the advisories it is about, bounded in every direction.

Names and versions of packages and what public advisories say; nothing of column N, no path, no address, no reason in
words, and no package that no advisory names (an internal name stays here).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from tasks.advisories.evaluate import entries_for
from tasks.advisories.model import Advisory, Affected
from tasks.http.redaction import redact
from tasks.review.model import PackageReview, ReviewStatus, SourceName, SourceStatus, Tier
from tasks.sources.interface import AdvisoryRef, Plain

__all__ = ["PackageEvidence", "Question", "RecordEvidence", "evidence_of", "open_ids"]

MOST_RECORDS = 12
MOST_ALIASES = 6
MOST_RANGES = 8
MOST_EVENTS = 8
MOST_VERSIONS = 20
LONGEST = 80
"""Characters of an id, a version or a name; summaries have at most 200 (tasks.advisories.parse)."""
LONGEST_SUMMARY = 200

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
_PATH = re.compile(r"(?:\b[A-Za-z]:|~|(?<![\w.]))[\\/]\S+|\\\\\S+|\.{1,2}[\\/]\S*|\b[\w.-]+(?:[\\/][\w.-]+){2,}")


class Question(StrEnum):
    """Why the row is open."""

    NOT_COMPARABLE = "the advisories cannot be compared with the installed version"
    NO_VERSION = "the row names no usable version"
    NOT_ANSWERED = "the advisory database did not answer now; these advisories named the package before"


class RecordEvidence(Plain):
    """One advisory: its names, what it says in a line, which versions it names; omitted counts versions left out."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    severity: str = ""
    ranges: tuple[tuple[tuple[str, str], ...], ...] = ()
    versions: tuple[str, ...] = ()
    omitted: int = 0


class PackageEvidence(Plain):
    """One package: versions as text, the open question, its advisories; records_in_all counts those left out too."""

    package: str
    version: str
    latest_version: str | None = None
    released: str | None = None
    question: Question
    records: tuple[RecordEvidence, ...]
    records_in_all: int

    @property
    def digest(self) -> str:
        """SHA-256 of everything that is shown."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def names(self) -> frozenset[str]:
        """Every id and alias that an answer may name: what it names stands in a cell, so only what looks like one."""
        every = (name for record in self.records for name in (record.id, *record.aliases))
        return frozenset(name for name in every if _NAME.fullmatch(name))


def open_ids(review: PackageReview, refs: Sequence[AdvisoryRef]) -> tuple[str, ...]:
    """The advisories that leave the row open; none where the deterministic answer stands."""
    if review.recommendation is None or review.recommendation.tier is not Tier.MANUAL_REVIEW:
        return ()
    osv = review.sources[SourceName.OSV]
    if osv.undecidable:
        return osv.undecidable
    failed = review.status is ReviewStatus.FAILED and osv.status is SourceStatus.UNKNOWN
    return tuple(sorted({ref.id for ref in refs})) if failed else ()


def evidence_of(review: PackageReview, ids: Sequence[str], records: Mapping[str, Advisory]) -> PackageEvidence:
    """What is shown of a review whose `open_ids` are ids; records by id, those that could be had."""
    facts = review.facts
    known = sorted((records[i] for i in ids if i in records), key=lambda a: (-a.label.rank, a.id))
    unknown = [RecordEvidence(id=_text(i)) for i in ids if i not in records]
    shown = (*(_record(a, review.project) for a in known[:MOST_RECORDS]), *unknown)[:MOST_RECORDS]
    return PackageEvidence(
        package=_text(review.project),
        version=_text(_scrubbed(review.version)),
        latest_version=_text(review.latest_version) if review.latest_version else None,
        released=facts.released_at.date().isoformat() if facts and facts.released_at else None,
        question=_question(review),
        records=shown,
        records_in_all=len(ids),
    )


def _question(review: PackageReview) -> Question:
    if review.sources[SourceName.OSV].undecidable:
        no_version = review.is_new or review.status is ReviewStatus.SKIPPED
        return Question.NO_VERSION if no_version else Question.NOT_COMPARABLE
    return Question.NOT_ANSWERED


def _record(advisory: Advisory, project: str) -> RecordEvidence:
    entries = tuple(entries_for(advisory, project))
    versions = tuple(dict.fromkeys(text for entry in entries for text in entry.versions))
    return RecordEvidence(
        id=_text(advisory.id),
        aliases=tuple(_text(alias) for alias in advisory.aliases[:MOST_ALIASES]),
        summary=_text(advisory.summary, LONGEST_SUMMARY),
        severity=advisory.label.value,
        ranges=tuple(_ranges(entries))[:MOST_RANGES],
        versions=tuple(_text(version) for version in versions[-MOST_VERSIONS:]),
        omitted=max(0, len(versions) - MOST_VERSIONS),
    )


def _ranges(entries: Iterable[Affected]) -> Iterable[tuple[tuple[str, str], ...]]:
    for entry in entries:
        for events in entry.ranges:
            yield tuple((event.kind.value, _text(event.version)) for event in events[:MOST_EVENTS])


def _text(text: str, limit: int = LONGEST) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:limit]


def _scrubbed(text: str) -> str:
    """What a person wrote into the version's cell, without secrets, addresses and paths."""
    return _PATH.sub("[path]", _ADDRESS.sub("[address]", redact(text)))
