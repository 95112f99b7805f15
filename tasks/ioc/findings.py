"""Holding packages against indicators."""

from collections.abc import Iterable, Iterator

from tasks.indicators.index import IndicatorIndex
from tasks.indicators.interface import Indicator, Match
from tasks.ioc.model import Finding
from tasks.lockfiles.interface import LockedPackage

__all__ = ["findings_in", "hits_in"]

Hit = tuple[LockedPackage, Indicator, Match]


def hits_in(packages: Iterable[LockedPackage], index: IndicatorIndex) -> tuple[Hit, ...]:
    """Every package that an indicator names, once for each; an exact claim hides a possible one."""
    hits: list[Hit] = []
    for package in packages:
        found = list(index.matches(package.ecosystem, package.name, package.version))
        certain = [hit for hit in found if hit[1] is Match.YES]
        hits += ((package, claim, answer) for claim, answer in certain or found)
    return tuple(hits)


def findings_in(repository: str, path: str, sha: str, hits: Iterable[Hit]) -> Iterator[Finding]:
    """The hits of one content as findings of one file."""
    for package, claim, answer in hits:
        yield Finding(
            repository=repository,
            path=path,
            ecosystem=package.ecosystem,
            name=package.shown_name,
            version=package.version,
            indicator=claim.id,
            source=claim.source,
            purl=package.purl,
            note=claim.note,
            sha=sha,
            certain=answer is Match.YES,
        )
