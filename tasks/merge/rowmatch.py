"""Finding a workbook's package rows again in a later state of it: by package, never by row number.

The same row names the same project (PEP 503) at an equal version (PEP 440, so 1.0 is 1.0.0); NEW is a version of
its own, and a text that is no version is itself. Rows that name the same package version are told apart by what
they look like, most alike first, and the nth of those alike is the nth of them.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from packaging.version import Version

from tasks.merge.changes import shown
from tasks.workbook.model import Field, PackageRow, ReviewWorkbook

__all__ = ["RowMatch", "match_rows"]

_BY_HAND = frozenset({Field.INDEX, Field.PYPI_CURRENT_LINK, Field.NOTES})
_ALL = frozenset(Field)
_ALIKE = (_ALL, _ALL - {Field.INDEX}, _BY_HAND, frozenset[Field]())
"""The cells two rows of the same package version must have in common to be the same row, strictest first."""


@dataclass(frozen=True, slots=True)
class RowMatch:
    """Which row became which.

    same and replaced go from the former row's number to the present row: in same it names the same package
    version, in replaced the same project at another version. gone and added are the rows with no counterpart.
    """

    same: Mapping[int, PackageRow]
    replaced: Mapping[int, PackageRow]
    gone: tuple[PackageRow, ...]
    added: tuple[PackageRow, ...]


def match_rows(former: ReviewWorkbook, present: ReviewWorkbook) -> RowMatch:
    """Match the rows of two states of one workbook; every row is in exactly one place of the answer."""
    fields = former.layout.columns.keys() & present.layout.columns.keys()
    same = dict(_paired(former.rows, present.rows, _package_version, fields))
    before, after = _unmatched(former.rows, present.rows, same)
    replaced = dict(_paired(before, after, _project, fields))
    gone, added = _unmatched(before, after, replaced)
    return RowMatch(same, replaced, tuple(gone), tuple(added))


def _unmatched(
    former: Sequence[PackageRow], present: Sequence[PackageRow], pairs: Mapping[int, PackageRow]
) -> tuple[list[PackageRow], list[PackageRow]]:
    taken = {row.row for row in pairs.values()}
    return [row for row in former if row.row not in pairs], [row for row in present if row.row not in taken]


def _paired(
    former: Sequence[PackageRow],
    present: Sequence[PackageRow],
    kind: Callable[[PackageRow], Hashable],
    fields: Set[Field],
) -> Iterator[tuple[int, PackageRow]]:
    waiting = _grouped(present, kind)
    for group, rows in _grouped(former, kind).items():
        if group in waiting:
            yield from _paired_alike(rows, waiting[group], fields)


def _grouped(rows: Sequence[PackageRow], kind: Callable[[PackageRow], Hashable]) -> dict[Hashable, list[PackageRow]]:
    groups: dict[Hashable, list[PackageRow]] = defaultdict(list)
    for row in rows:
        groups[kind(row)].append(row)
    return groups


def _paired_alike(
    former: list[PackageRow], present: list[PackageRow], fields: Set[Field]
) -> Iterator[tuple[int, PackageRow]]:
    """Pairs within rows of one package: each pass pairs those alike and leaves the others to the next, laxer one."""
    # Nearly every package has one row, whose cells then need no comparing.
    passes = _ALIKE if len(former) > 1 or len(present) > 1 else _ALIKE[-1:]
    for alike in passes:
        pairs = dict(_paired_by_cells(former, present, tuple(alike & fields)))
        yield from pairs.items()
        former, present = _unmatched(former, present, pairs)


def _paired_by_cells(
    former: list[PackageRow], present: list[PackageRow], fields: tuple[Field, ...]
) -> Iterator[tuple[int, PackageRow]]:
    waiting: dict[tuple[str, ...], deque[PackageRow]] = defaultdict(deque)
    for row in present:
        waiting[_texts(row, fields)].append(row)
    for row in former:
        if queue := waiting.get(_texts(row, fields)):
            yield row.row, queue.popleft()


def _texts(row: PackageRow, fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(shown(row.cells.get(field)) for field in fields)


def _project(row: PackageRow) -> Hashable:
    return row.project


def _package_version(row: PackageRow) -> Hashable:
    if row.version is not None:
        return row.project, _parsed(row.version)
    # A word in place of a version must not be taken for the text of another kind of cell.
    return row.project, "NEW" if row.is_new else f"text {row.version_text}"


@lru_cache(maxsize=8192)
def _parsed(version: str) -> Version:
    return Version(version)
