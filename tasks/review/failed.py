"""The review of a package that could not be looked up for a reason that lies with no source."""

import asyncio
from collections.abc import Mapping, Sequence

from tasks.advisories.model import Advisory
from tasks.errors import SourceUnavailable
from tasks.review.model import PackageKey, PackageReview
from tasks.review.reviewer import Reviewer
from tasks.sources.interface import AdvisoryRef, ProjectFacts


class _Unanswering:
    """Sources that answer every question with the same reason why they cannot."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def project(self, name: str, installed: str | None) -> ProjectFacts:  # noqa: ARG002  the protocol's
        # An empty reason: the advisories' one says it, and a cell need not say it twice.
        raise SourceUnavailable("")

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:  # noqa: ARG002
        raise SourceUnavailable(self._reason)

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:  # noqa: ARG002
        raise SourceUnavailable(self._reason)


def failed_review(key: PackageKey, reason: str) -> PackageReview:
    """A review with status FAILED in which every source says "could not check" for this reason (one plain phrase)."""
    unanswering = _Unanswering(reason)
    reviewer = Reviewer(unanswering, unanswering)
    return asyncio.run(reviewer.review_batch((key,), {}, reason))[0]
