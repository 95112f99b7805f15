"""What a cell's content means, and the colours that say so.

Colours follow the verdict as data, never words found in a text: the older tool painted every SAFE cell red.
"""

import functools
from collections.abc import Mapping
from enum import Enum

from tasks.review.model import PackageReview, ReviewStatus, SourceName, SourceStatus, Tier
from tasks.review.recommendation import deciding_gap
from tasks.review.verdicts import NO_CVE
from tasks.workbook.model import CellStyle


class Meaning(Enum):
    """One look per meaning; the value is (fill, font), both RRGGBB."""

    NOT_AVAILABLE = ("FF0000", "FFFFFF")
    RISK = ("FFE6E6", "CC0000")
    SAFE = ("E6FFE6", "006600")
    MANUAL_REVIEW = ("FFF2CC", "7F6000")
    COULD_NOT_CHECK = ("E7E6E6", "595959")
    UPDATED = ("E6F3FF", "0066CC")
    VERSION_UPDATE = ("FFF0E6", "FF6600")
    GITHUB = ("F0E6FF", "6600CC")
    LINK = ("E6FFE6", "006600")  # looks like SAFE on purpose; an alias of it

    @property
    def style(self) -> CellStyle:
        """The look as a change of the cell's own format: bold and wrapped, as reviewers know it."""
        return _style(*self.value)


@functools.cache
def _style(fill: str, font: str) -> CellStyle:
    # One for all cells of a look: a large workbook has hundreds of thousands.
    return CellStyle(fill=fill, font=font, bold=True, wrap=True)


_OF_TIER: Mapping[Tier, Meaning] = {
    Tier.SECURITY_RISK: Meaning.RISK,
    Tier.MANUAL_REVIEW: Meaning.MANUAL_REVIEW,
    Tier.UPDATE: Meaning.VERSION_UPDATE,
    Tier.PROCEED: Meaning.SAFE,
}


def of_recommendation(review: PackageReview) -> Meaning:
    """The look of column W."""
    if review.recommendation is None:
        return Meaning.COULD_NOT_CHECK
    failed = review.status is ReviewStatus.FAILED or deciding_gap(review)
    if review.recommendation.tier is Tier.MANUAL_REVIEW and failed:
        return Meaning.COULD_NOT_CHECK
    return _OF_TIER[review.recommendation.tier]


def of_result(review: PackageReview, source: SourceName) -> Meaning:
    """The look of a source's result cell."""
    answer = review.sources[source]
    if answer.status is SourceStatus.AFFECTED or (answer.enrichment and answer.ids):
        return Meaning.RISK
    if answer.undecidable:
        return Meaning.MANUAL_REVIEW
    if answer.status is SourceStatus.UNKNOWN:
        # CVEs that are known and do not affect this version: OSV has decided, the enriching source only was not asked.
        return Meaning.SAFE if answer.enrichment and answer.total else Meaning.COULD_NOT_CHECK
    if answer.status is SourceStatus.NOT_APPLICABLE:
        return Meaning.SAFE if answer.reason == NO_CVE else Meaning.UPDATED
    return Meaning.SAFE
