"""What belongs together in two scans: packages whatever row they stand in, vulnerabilities whatever they are called."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from packaging.utils import canonicalize_name

from tasks.history.scanmodel import PackageEntry, VulnerabilityEntry

__all__ = ["paired", "same"]

_Part = tuple[list[VulnerabilityEntry], list[VulnerabilityEntry]]


def same(old: Sequence[VulnerabilityEntry], new: Sequence[VulnerabilityEntry]) -> Iterator[_Part]:
    """Old and new vulnerabilities that share an id or alias, directly or through others, side by side."""
    parts: list[tuple[frozenset[str], _Part]] = []
    for side, entries in ((0, old), (1, new)):
        for entry in entries:
            own = frozenset(entry.names)
            touching = [one for one in parts if not one[0].isdisjoint(own)]
            parts = [one for one in parts if one[0].isdisjoint(own)]
            part: _Part = ([], [])
            for _, other in touching:
                part[0].extend(other[0])
                part[1].extend(other[1])
            part[side].append(entry)
            parts.append((own.union(*(names for names, _ in touching)), part))
    yield from (part for _, part in parts)


_Pair = tuple[PackageEntry | None, PackageEntry | None]


def paired(before: Iterable[PackageEntry], after: Iterable[PackageEntry], *, whole: bool) -> Iterator[_Pair]:
    """Packages of both scans by normalised name (PEP 503): the same version first, then the same row, then in order.

    Of scans of some rows (not whole) packages are only matched in order where each has one to go with: with more on
    one side, the others' rows may just not have been looked at.
    """
    old, new = _by_name(before), _by_name(after)
    for name in {**new, **old}:
        was, now = old.get(name, {}), new.get(name, {})
        yield from ((was[version], now[version]) for version in was if version in now)
        gone = [package for version, package in was.items() if version not in now]
        come = [package for version, package in now.items() if version not in was]
        yield from _other_versions(gone, come, whole=whole)


def _other_versions(gone: list[PackageEntry], come: list[PackageEntry], *, whole: bool) -> Iterator[_Pair]:
    for old in tuple(gone):
        new = next((package for package in come if package.row == old.row), None)
        if new is not None:
            gone.remove(old)
            come.remove(new)
            yield old, new
    many = min(len(gone), len(come)) if whole or len(gone) == len(come) else 0
    yield from zip(gone[:many], come[:many], strict=True)
    yield from ((package, None) for package in gone[many:])
    yield from ((None, package) for package in come[many:])


def _by_name(packages: Iterable[PackageEntry]) -> dict[str, dict[str, PackageEntry]]:
    found: dict[str, dict[str, PackageEntry]] = defaultdict(dict)
    for package in packages:
        found[canonicalize_name(package.name)].setdefault(package.version or "", package)
    return found
