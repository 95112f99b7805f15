"""Reviewers' decisions in a scan: read before anything is asked, applied after everything was answered.

They are no part of a batch's stored result: a decision that changes needs no new lookup.
"""

from datetime import date

from flows.scan.batches import BatchRun
from flows.scan.prepared import PreparedScan
from tasks.decisions.baseline import Baselines
from tasks.decisions.model import DecisionReport
from tasks.review.deciding import DecisionBook

__all__ = ["decide"]


def decide(prepared: PreparedScan, run: BatchRun, today: date) -> DecisionReport:
    """Put the decisions into the run's reviews; what was refused, and what no finding is about, comes back."""
    decisions = prepared.decisions
    if not decisions.valid:
        return DecisionReport(refused=decisions.refused)
    book = DecisionBook.of(decisions.valid, today)
    with Baselines(prepared.folders.store.with_name("decisions.sqlite")) as baselines:
        known = baselines.read()
        sights = book.first_sights(run.reviews.values(), known)
        baselines.note(sights)
    known |= sights
    for package, review in run.reviews.items():
        run.reviews[package] = book.decided(review, known)
    listed = {row.project for row in prepared.workbook.rows if row.project}
    unused = tuple(book.without_finding(run.reviews.values(), listed))
    return DecisionReport(len(decisions.valid), decisions.refused, unused)
