"""From the cells of a sheet's rows to package rows; rows that look like one but are not are named with a reason."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from packaging.utils import canonicalize_name
from packaging.version import Version

from tasks.workbook.model import Field, PackageRow
from tasks.workbook.versions import InstalledVersion, Unread, clean_text, excerpt, parse_installed, shown_text

__all__ = ["CellContent", "PackageName", "RowCells", "SheetRow", "collect_rows", "parse_name"]

CellContent = str | int | float | datetime | bool | None
"""A cell as read: `None` is blank, a date without a time is midnight, a time of day or a duration is its text."""

# PEP 508, https://packaging.python.org/en/latest/specifications/name-normalization/, with optional extras.
_NAME = re.compile(r"([A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?)\s*(?:\[[A-Z0-9._,\s-]*\])?", re.IGNORECASE | re.ASCII)
_GLIMPSE = 40
"""Characters of a stray cell that a reason shows."""

_SPECIFIER = re.compile(r"[<>=!~]=|[<>]| @ ")


@dataclass(frozen=True, slots=True, eq=False)
class RowCells(Mapping[Field, CellContent]):
    """One row's values by field: every mapped column is present. `fields` is shared by all rows, which saves memory."""

    fields: tuple[Field, ...]
    contents: tuple[CellContent, ...]

    def __getitem__(self, key: Field) -> CellContent:
        try:
            return self.contents[self.fields.index(key)]
        except ValueError:
            raise KeyError(key) from None

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __len__(self) -> int:
        return len(self.fields)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row of the sheet: its number in Excel (from 1), its mapped values, the first text of any other column, and
    those of the name and version cells that hold something without a value."""

    number: int
    cells: RowCells
    elsewhere: str = ""
    unread: Mapping[Field, Unread] = field(default_factory=dict)

    def content(self, key: Field) -> object:
        """The cell's value, or the content that has none; None where it is blank or has no column."""
        return self.unread.get(key) or self.cells.get(key)


@dataclass(frozen=True, slots=True)
class PackageName:
    """A name cell understood: the text as typed, its PEP 503 name ("" where problem says why there is none)."""

    text: str
    project: str = ""
    problem: str | None = None


def parse_name(value: object) -> PackageName:
    """Read one name cell: PEP 508 text (or any other value, or `Unread`), extras allowed and ignored; never raises.

    A blank cell has neither a project nor a problem.
    """
    if isinstance(value, Unread):
        return PackageName(value.text, problem=f"the package name cell holds {value.described}")
    if not isinstance(value, str):
        return PackageName("") if value is None else _no_text_name(value)
    return _parse_name(clean_text(value))


def _no_text_name(value: object) -> PackageName:
    kinds = ((bool, "the logical value"), ((int, float), "the number"), ((date, time, timedelta), "the date or time"))
    kind = next((words for types, words in kinds if isinstance(value, types)), "the value")
    shown = shown_text(value)
    advice = "format the cell as text and type the name again"
    return PackageName(shown, problem=f"the package name cell holds {kind} {shown}: {advice}")


@lru_cache(maxsize=8192)
def _parse_name(text: str) -> PackageName:
    found = _NAME.fullmatch(text)
    if found:
        return PackageName(text, canonicalize_name(found[1]))
    return PackageName(text, problem=_name_problem(text) if text else None)


def _name_problem(text: str) -> str:
    if _SPECIFIER.search(text):
        return f"{excerpt(text)} is a requirement, not a package name: put the version into its own column"
    strange = sorted({c for c in text if not (c.isascii() and c.isalnum()) and c not in "._-"})
    if not strange:
        return f"{excerpt(text)} is not a package name: it must begin and end with a letter or a digit"
    what = ", ".join("a blank" if c.isspace() else f"{c} (U+{ord(c):04X})" for c in strange[:3])
    return f"{excerpt(text)} is not a package name: it may not hold {what}"


def collect_rows(rows: Iterable[SheetRow]) -> tuple[tuple[PackageRow, ...], tuple[tuple[int, str], ...]]:
    """Sort rows into packages and odd rows (number, reason), both in sheet order; entirely blank rows are in neither.

    duplicate_of is the first row with the same PEP 503 name and an equal PEP 440 version (1.0 equals 1.0.0), or
    with NEW twice; rows without a usable version are nobody's duplicates. A text that is no package name makes a
    package that is not named where a version stands beside it, and an odd row (a footer, a remark) where none does.
    """
    packages: list[PackageRow] = []
    odd: list[tuple[int, str]] = []
    first: dict[tuple[str, Version | str], int] = {}
    for row in rows:
        name = parse_name(row.content(Field.PACKAGE_NAME))
        if name.project:
            packages.append(_package_row(row, name, first))
        elif name.problem and _is_meant(row):
            packages.append(_unnamed_row(row, name))
        elif reason := name.problem or _stray(row):
            odd.append((row.number, f"row {row.number}: {reason}; skipped"))
    return tuple(packages), tuple(odd)


def _package_row(row: SheetRow, name: PackageName, first: dict[tuple[str, Version | str], int]) -> PackageRow:
    installed = parse_installed(row.content(Field.CURRENT_VERSION))
    identity = _identity(installed)
    earlier = first.setdefault((name.project, identity), row.number) if identity is not None else row.number
    return PackageRow(
        row=row.number,
        name=name.text,
        project=name.project,
        version_text=installed.text,
        version=installed.version,
        problem=installed.problem,
        is_new=installed.is_new,
        duplicate_of=earlier if earlier != row.number else None,
        cells=row.cells,
    )


def _is_meant(row: SheetRow) -> bool:
    """Whether somebody typed a name, though a wrong one, and a version."""
    is_text = isinstance(row.content(Field.PACKAGE_NAME), str)
    return is_text and bool(parse_installed(row.content(Field.CURRENT_VERSION)).text)


def _unnamed_row(row: SheetRow, name: PackageName) -> PackageRow:
    return PackageRow(
        row=row.number,
        name=name.text,
        project=name.text,
        version_text=parse_installed(row.content(Field.CURRENT_VERSION)).text,
        version=None,
        problem=name.problem,
        is_named=False,
        cells=row.cells,
    )


def _identity(installed: InstalledVersion) -> Version | str | None:
    if installed.version is not None:
        return _comparable(installed.version)
    return "NEW" if installed.is_new else None


@lru_cache(maxsize=8192)
def _comparable(version: str) -> Version:
    return Version(version)


def _stray(row: SheetRow) -> str | None:
    """What a row without a package name holds instead, or None where it holds nothing."""
    version = clean_text(parse_installed(row.content(Field.CURRENT_VERSION)).text)
    if version:
        return f"no package name but version {excerpt(version, _GLIMPSE)}"
    texts = ((key, clean_text(shown_text(value))) for key, value in row.cells.items())
    found = next(((key, text) for key, text in texts if text), None)
    if found:
        return f"no package name but {found[0].value.replace('_', ' ')} {excerpt(found[1], _GLIMPSE)}"
    return f"no package name but {excerpt(row.elsewhere, _GLIMPSE)}" if clean_text(row.elsewhere) else None
