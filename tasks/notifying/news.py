"""Findings that somebody should be told of, as lines of text with a name by which they are known again."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.advisories.model import Severity
from tasks.reports.findings import IocResult
from tasks.review.model import PackageReview, VulnerabilityReview

_SHOWN = 15
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class News:
    """One finding. names: any of them told earlier means that this was told; line: one line of plain text."""

    names: frozenset[str]
    line: str


def scan_news(packages: Iterable[PackageReview], severity: Severity) -> Iterator[News]:
    """Malicious packages, vulnerabilities known to be exploited, and those of this severity or above.

    A report of malware counts also where no version could be held against it.

    What a decision in force is about is no news.
    """
    for review in packages:
        reported = review.reported_malicious
        if reported:
            names = frozenset(f"{review.project} {name}" for name in reported)
            yield News(
                names, _cut(f"{review.name} {review.version}: REPORTED AS MALICIOUS {reported[0]}, check by hand")
            )
        for found in review.open_vulnerabilities:
            if found.malicious or found.kev or found.severity.rank >= severity.rank:
                names = frozenset(f"{review.project} {name}" for name in (*found.ids, *found.aliases))
                yield News(names, _cut(f"{review.name} {review.version}: {_kind(found)} {found.ids[0]}{_fix(found)}"))


def _kind(found: VulnerabilityReview) -> str:
    if found.malicious:
        return "MALICIOUS"
    return found.severity.value + (", known to be exploited," if found.kev else "")


def _fix(found: VulnerabilityReview) -> str:
    return f", fixed in {found.fixed_in[0]}" if found.fixed_in else ""


def ioc_news(result: IocResult) -> Iterator[News]:
    """Every certain finding of an IOC scan."""
    for one in result.findings:
        name = f"{one.repository} {one.path} {one.ecosystem} {one.name} {one.version}"
        yield News(frozenset({name}), _cut(f"{one.repository} {one.path}: {one.name} {one.version} ({one.indicator})"))


def _cut(line: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def body_of(news: Sequence[News]) -> str:
    """The text of a notification: the first findings, and how many more there are."""
    lines = [one.line for one in news[:_SHOWN]]
    return "\n".join([*lines, *([f"... and {len(news) - _SHOWN} more"] if len(news) > _SHOWN else [])])
