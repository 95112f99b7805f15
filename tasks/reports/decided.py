"""Reviewers' decisions in text reports: what is in force, what does not count any more, what was refused or unused."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tasks.decisions.model import DecisionKind, DecisionNote, DecisionReport, Standing
from tasks.history.scanmodel import PackageEntry, ScanDocument
from tasks.text.plain import counted, one_line, section

__all__ = ["STANDING_WORDS", "by_standing", "decision_lines", "decision_summary", "note_words"]

STANDING_WORDS = {
    Standing.GREW_WORSE: "Worse than when decided: counts again",
    Standing.EXPIRED: "Decision expired: counts again",
    Standing.NOT_ALLOWED: "Decision does not count",
    Standing.IN_FORCE: "Decided",
}
"""The standings, those first that want a person."""

_MOST = 200


def decision_summary(notes: Iterable[DecisionNote | None], report: DecisionReport) -> str:
    """All decisions in one sentence; "" where there are none."""
    found = [note for note in notes if note is not None]
    standings = Counter(note.standing for note in found)
    kinds = Counter(note.kind for note in found if note.counts)
    parts = [f"{number} {kind.words}" for kind in DecisionKind if (number := kinds[kind])]
    in_force = f"{counted(kinds.total(), 'finding')} decided ({', '.join(parts)})" if parts else ""
    others = (
        (standings[Standing.GREW_WORSE], "worse than when decided"),
        (standings[Standing.EXPIRED], "with an expired decision"),
        (standings[Standing.NOT_ALLOWED], "malicious, which nobody can accept"),
    )
    again = [f"{number} {words}" for number, words in others if number]
    left = ((len(report.refused), "refused"), (len(report.without_finding), "without a finding"))
    unused = [f"{counted(number, 'decision')} {words}" for number, words in left if number]
    return ", ".join(filter(None, (in_force, *again, *unused)))


def by_standing(packages: Iterable[PackageEntry]) -> dict[Standing, list[tuple[PackageEntry, DecisionNote, str]]]:
    """Package, note and ids of every finding with a decision, by standing."""
    found: dict[Standing, list[tuple[PackageEntry, DecisionNote, str]]] = {standing: [] for standing in STANDING_WORDS}
    for package in packages:
        for one in package.vulnerabilities:
            if one.decision is not None:
                found[one.decision.standing].append((package, one.decision, ", ".join(one.ids)))
    return found


def note_words(note: DecisionNote) -> str:
    """One decision: what, whose, until when, why, where it stands."""
    why = f"{note.why}; " if note.why else ""
    return f"{why}{note.kind.words}, owner {note.owner}, until {note.expiry}: {note.reason} [{note.place}]"


def decision_lines(document: ScanDocument) -> Iterator[str]:
    """The sections of a text report."""
    for standing, found in by_standing(document.packages).items():
        lines = (f"{_named(package)}: {ids}: {note_words(note)}" for package, note, ids in found)
        yield from _section(STANDING_WORDS[standing], lines, len(found))
    report = document.decisions
    refused = (f"{one.place}: {one.problem}" for one in report.refused)
    yield from _section("Decisions refused", refused, len(report.refused))
    unused = (f"{one.place}: {one.package} {one.advisory}: {one.reason}" for one in report.without_finding)
    yield from _section("Decisions without a finding", unused, len(report.without_finding))


def _named(package: PackageEntry) -> str:
    return f"{package.name} {package.version or ''} (row {package.row})"


def _section(title: str, lines: Iterable[str], number: int) -> Iterator[str]:
    yield from section(f"{title.upper()} ({number})", _cut(lines))


def _cut(lines: Iterable[str]) -> Iterator[str]:
    for place, line in enumerate(lines):
        if place == _MOST:
            yield "... (the JSON report has them all)"
            return
        yield one_line(line)
