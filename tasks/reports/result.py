"""The whole result of a scan as JSON, version 1 (docs/result.md)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.advisories.model import Severity
from tasks.decisions.model import DecisionReport
from tasks.history.changes import ScanChanges
from tasks.history.model import DocumentKind, Metrics
from tasks.history.reading import package_entry, parse_document
from tasks.history.scanmodel import ScanDocument, Scope
from tasks.reports.consulted import silent_sources
from tasks.reports.cost import metrics_document
from tasks.reports.files import write_document
from tasks.reports.since import since_document
from tasks.review.model import PackageReview, ReviewStatus, SourceAnswer, SourceStatus, Tier
from tasks.upgrade.model import UpgradeEntry

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class RunMetrics(Metrics):
    """What a scan cost, and the figures of each service that it asked."""

    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Everything a scan found out. Times are naive UTC; notes are sentences about the run as a whole.

    since is what changed since the last kept scan of the workbook (None: there is none); page is the report to look at.
    oldest_answers is when the oldest answer of each source was got, by the source's name.
    """

    scan_id: str
    input: Path
    started_at: datetime
    finished_at: datetime
    packages: tuple[PackageReview, ...]
    metrics: RunMetrics
    workbook: Path | None = None
    backup: Path | None = None
    changed_cells: int = 0
    added_rows: int = 0
    notes: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    since: ScanChanges | None = None
    page: Path | None = None
    decisions: DecisionReport = field(default_factory=DecisionReport)
    upgrades: tuple[UpgradeEntry, ...] = ()
    oldest_answers: Mapping[str, datetime] = field(default_factory=dict)


def result_document(result: ScanResult) -> dict[str, Any]:
    """The result as plain data in the documented shape."""
    return _document(result, [_package(review) for review in result.packages])


def lazy_document(result: ScanResult) -> dict[str, Any]:
    """The same, with an iterator for the packages, for `write_document` (tasks.reports.files)."""
    return _document(result, map(_package, result.packages))


def scan_document(result: ScanResult) -> ScanDocument:
    """The result as reports and comparisons read it."""
    head = parse_document(DocumentKind.SCAN, _document(result, ()), "the result")
    assert isinstance(head, ScanDocument)  # noqa: S101  as asked for
    return replace(head, packages=tuple(package_entry(_package(review)) for review in result.packages))


def _document(result: ScanResult, packages: Iterable[dict[str, Any]]) -> dict[str, Any]:
    since = {"since_last": since_document(result.since)} if result.since else {}
    return {
        "schema": SCHEMA,
        "scan_id": result.scan_id,
        "input": str(result.input),
        "started_at": result.started_at.isoformat() + "Z",
        "finished_at": result.finished_at.isoformat() + "Z",
        "packages": packages,
        "summary": {
            **summary(result.packages),
            "workbook": str(result.workbook) if result.workbook else None,
            "backup": str(result.backup) if result.backup else None,
            "changed_cells": result.changed_cells,
            "added_rows": result.added_rows,
            "notes": list(result.notes),
            "scope": asdict(result.scope),
            "oldest_answers": {name: at.isoformat() + "Z" for name, at in result.oldest_answers.items()},
        },
        "metrics": metrics_document(result.metrics),
        "decisions": asdict(result.decisions),
        "upgrade_plan": [asdict(entry) for entry in result.upgrades],
        **since,
    }


def write_result(path: Path, result: ScanResult) -> None:
    """Write the JSON file, whole or not at all; CheckpointError when it cannot be written."""
    # Tens of thousands of packages as plain data would take several times the memory of their reviews.
    write_document(path, lazy_document(result))


def summary(reviews: Sequence[PackageReview]) -> dict[str, Any]:
    """Counts over all rows: by status, tier and highest severity, and what could not be checked."""
    vulnerabilities = [v for review in reviews for v in review.vulnerabilities]
    return {
        "packages": len(reviews),
        "statuses": _counted(ReviewStatus, (r.status for r in reviews)),
        "tiers": _counted(Tier, (r.recommendation.tier for r in reviews if r.recommendation)),
        "vulnerabilities": len(vulnerabilities),
        "severities": _counted(Severity, (v.severity for v in vulnerabilities)),
        "affected_packages": sum(1 for review in reviews if review.vulnerabilities),
        "could_not_check": [
            {"row": r.row, "name": r.name, "reason": r.reason} for r in reviews if r.status is ReviewStatus.FAILED
        ],
        **silent_sources(reviews),
    }


def _counted(kind: type[ReviewStatus] | type[Tier] | type[Severity], values: Any) -> dict[str, int]:
    counts = Counter(values)
    return {member.value: counts.get(member, 0) for member in kind}


def _package(review: PackageReview) -> dict[str, Any]:
    recommendation = review.recommendation
    return {
        "row": review.row,
        "name": review.name,
        "version": review.version,
        "latest_version": review.latest_version,
        "status": review.status.value,
        "reason": review.reason,
        "sources": {name.value: _answer(answer) for name, answer in review.sources.items()},
        "vulnerabilities": [v.model_dump(mode="json", exclude={"others"}) for v in review.vulnerabilities],
        "recommendation": recommendation.model_dump(mode="json") if recommendation else None,
        "cleared_by": review.cleared_by,
        "latest_affected": review.latest_affected,
        "not_consulted": list(review.not_consulted),
        "gaps": list(review.gaps),
        "reported_malicious": list(review.reported_malicious),
        **_second_opinion(review),
    }


def _second_opinion(review: PackageReview) -> dict[str, Any]:
    """Only where a model was asked or should have been."""
    if review.opinion is not None:
        opinion = review.opinion.model_dump(mode="json", exclude={"asked_at"})
        return {"opinion": {**opinion, "asked_at": review.opinion.asked_at.isoformat() + "Z"}}
    return {"opinion_problem": review.opinion_problem} if review.opinion_problem is not None else {}


def _answer(answer: SourceAnswer) -> dict[str, Any]:
    ids = answer.ids if answer.status is not SourceStatus.NOT_AFFECTED else ()
    checked = answer.checked_at.isoformat() + "Z" if answer.checked_at else None
    plain = {"status": answer.status.value, "ids": list(ids), "reason": answer.reason, "checked_at": checked}
    return {**plain, "second_hand": True} if answer.second_hand else plain
