"""Reviewers' decisions on the page of a scan."""

from collections.abc import Iterator

from tasks.history.scanmodel import ScanDocument
from tasks.reports.decided import STANDING_WORDS, by_standing, note_words
from tasks.reports.page.entries import named
from tasks.reports.page.view import Entry, Group

__all__ = ["decision_groups"]


def decision_groups(document: ScanDocument) -> Iterator[Group]:
    """The findings with a decision, by what it counts for, and the decisions that were not used."""
    for standing, found in by_standing(document.packages).items():
        entries = [Entry(named(package), ids.split(", ")[:3], detail=note_words(note)) for package, note, ids in found]
        if entries:
            yield Group(STANDING_WORDS[standing], entries)
    report = document.decisions
    if report.refused:
        refused = [Entry(one.place, detail=one.problem) for one in report.refused]
        yield Group("Decisions refused", refused, "They do not count until their rows are corrected.")
    if report.without_finding:
        unused = ((one, f"{one.reason} [{one.place}]") for one in report.without_finding)
        entries = [Entry(one.package, (one.advisory,), detail=why) for one, why in unused]
        yield Group("Decisions without a finding", entries)
