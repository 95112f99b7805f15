"""Which rows a scan renews whole, and which it only fills up: `processing.refresh_after_days`."""

from collections.abc import Mapping

from flows.scan.prepared import PreparedScan
from tasks.checkpoints.batches import Identity
from tasks.merge.renewed import Package, Renewals
from tasks.review.model import PackageReview, ReviewStatus


def still_young(prepared: PreparedScan) -> frozenset[Package]:
    """The packages whose filled cells stay as they are in this scan."""
    days = prepared.settings.processing.refresh_after_days
    if not days:
        return frozenset()
    with _renewals(prepared) as renewals:
        return renewals.younger_than(days)


def note_renewed(prepared: PreparedScan, reviews: Mapping[Identity, PackageReview]) -> None:
    """Remember what this scan renewed: whole answers only, and nothing that it left as it was."""
    young = still_young(prepared)
    whole = (r for r in reviews.values() if r.status is not ReviewStatus.FAILED and not r.gaps)
    with _renewals(prepared) as renewals:
        renewals.note(found for review in whole if (found := package_of(review)) not in young)


def package_of(review: PackageReview) -> Package:
    """What a renewal is remembered by."""
    return review.project, review.version


def _renewals(prepared: PreparedScan) -> Renewals:
    return Renewals(prepared.folders.store.with_name("renewed.sqlite"), prepared.target)
