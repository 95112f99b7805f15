"""Rows whose name cell holds a text that no package can be called: nobody is asked about them, and they say why."""

from tasks.review.model import (
    PackageKey,
    PackageReview,
    Recommendation,
    ReviewStatus,
    SourceAnswer,
    SourceName,
    SourceStatus,
    Tier,
)

__all__ = ["is_unnamed", "unnamed_review"]

_NO_NAME = "no package name"


def unnamed_review(key: PackageKey) -> PackageReview:
    """The review of such a row: skipped, every source not applicable, and a person has to correct the name."""
    answer = SourceAnswer(status=SourceStatus.NOT_APPLICABLE, reason=_NO_NAME)
    text = f"🔍 MANUAL REVIEW | {key.problem} | 📋 Correct the name and run again"
    return PackageReview(
        name=key.name,
        project=key.project,
        version=key.version_text,
        status=ReviewStatus.SKIPPED,
        reason=key.problem,
        sources=dict.fromkeys(SourceName, answer),
        recommendation=Recommendation(tier=Tier.MANUAL_REVIEW, text=text),
    )


def is_unnamed(review: PackageReview) -> bool:
    """Whether the review is of a row that names no package."""
    osv = review.sources.get(SourceName.OSV)
    return osv is not None and osv.reason == _NO_NAME
