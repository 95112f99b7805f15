"""A list of packages beside the rows of a workbook: what is new there, what changed, what is not listed any more."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from packaging.utils import canonicalize_version

from tasks.inputs.interface import Listing
from tasks.review.model import PackageKey
from tasks.text.plain import counted
from tasks.workbook.model import PackageRow

__all__ = ["Fitted", "fit", "same_version"]

_MOST_NAMES = 10
_MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Fitted:
    """The packages to append, in the list's order, and sentences about how list and rows differ."""

    additions: tuple[PackageKey, ...]
    notes: tuple[str, ...]


def fit(listing: Listing, rows: Sequence[PackageRow]) -> Fitted:
    """What the rows lack of a list.

    A version that no row has is appended, for rows are the reviewer's; a package without a version only where no
    row names its project at all: somebody may have entered the version that is installed.
    """
    present = {(row.project, same_version(row.version, row.version_text)) for row in rows}
    projects = {row.project for row in rows}
    additions = tuple(key for key in listing.packages if not _is_there(key, present, projects))
    known = len(listing.packages) - len(additions)
    counts = f"{counted(len(listing.packages), 'package')}, {known:,} in the workbook already, {len(additions):,} added"
    notes = (f"{listing.source}: {counts}", *_changed(listing, rows, additions), *_gone(listing, rows))
    return Fitted(additions, notes)


def same_version(version: str | None, text: str) -> str:
    """What tells versions of a project apart: 1.0 is 1.0.0; a text that is no version is itself."""
    return canonicalize_version(version) if version is not None else text


def _is_there(key: PackageKey, present: Collection[tuple[str, str]], projects: Collection[str]) -> bool:
    if key.version is None:
        return key.project in projects
    return (key.project, same_version(key.version, key.version_text)) in present


def _changed(listing: Listing, rows: Sequence[PackageRow], additions: Sequence[PackageKey]) -> Iterator[str]:
    """A sentence for each added version of a project that has a row whose own version is not listed any more."""
    listed = {(key.project, same_version(key.version, key.version_text)) for key in listing.packages}
    left: dict[str, PackageRow] = {}
    for row in rows:
        if (row.project, same_version(row.version, row.version_text)) not in listed:
            left.setdefault(row.project, row)
    changed = [(left[key.project], key) for key in additions if key.project in left]
    for row, key in changed[:_MOST_CHANGES]:
        former, now = row.version_text or "no version", key.version_text or "no version"
        yield f"{key.name}: row {row.row} says {former}, {listing.source} {now}: a row was added, row {row.row} stays"
    if (more := len(changed) - _MOST_CHANGES) > 0:
        yield f"{listing.source}: {counted(more, 'more row')} added for versions that changed"


def _gone(listing: Listing, rows: Sequence[PackageRow]) -> Iterator[str]:
    listed = {key.project for key in listing.packages}
    gone = list(dict.fromkeys(row.name for row in rows if row.project not in listed))
    if gone:
        shown = ", ".join(gone[:_MOST_NAMES]) + (f" and {len(gone) - _MOST_NAMES:,} more" if gone[_MOST_NAMES:] else "")
        yield f"{listing.source} does not list {counted(len(gone), 'package')} of the workbook; the rows stay: {shown}"
