"""What a review workbook is made of, as plain values shared by the reader, the writer and the merge.

The field keys and their columns are the contract of the review workbook (docs/workbook.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from pathlib import Path
from typing import Final


class Field(StrEnum):
    """A column's meaning; the values are the keys of the `excel.columns` setting."""

    INDEX = "index"
    PACKAGE_NAME = "package_name"
    CURRENT_VERSION = "current_version"
    PYPI_CURRENT_LINK = "pypi_current_link"
    DATE_PUBLISHED = "date_published"
    LATEST_VERSION = "latest_version"
    PYPI_LATEST_LINK = "pypi_latest_link"
    LATEST_RELEASE_DATE = "latest_release_date"
    REQUIRES = "requires"
    DEVELOPMENT_STATUS = "development_status"
    GITHUB_URL = "github_url"
    GITHUB_ADVISORY_URL = "github_advisory_url"
    GITHUB_ADVISORY_RESULT = "github_advisory_result"
    NOTES = "notes"
    NIST_NVD_URL = "nist_nvd_url"
    NIST_NVD_RESULT = "nist_nvd_result"
    MITRE_CVE_URL = "mitre_cve_url"
    MITRE_CVE_RESULT = "mitre_cve_result"
    SNYK_URL = "snyk_url"
    SNYK_RESULT = "snyk_result"
    EXPLOIT_DB_URL = "exploit_db_url"
    EXPLOIT_DB_RESULT = "exploit_db_result"
    RECOMMENDATION = "recommendation"


MANUAL_FIELDS = frozenset(
    {Field.INDEX, Field.PACKAGE_NAME, Field.CURRENT_VERSION, Field.PYPI_CURRENT_LINK, Field.NOTES}
)
"""Never written on an existing row."""

STANDARD_COLUMNS: Mapping[Field, str] = dict(zip(Field, "ABCDEFGHIJKLMNOPQRSTUVW", strict=True))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are: rows count from 1, columns are letters; a field without a column is never written."""

    sheet: str
    header_row: int
    data_start_row: int
    columns: Mapping[Field, str] = field(default_factory=lambda: dict(STANDARD_COLUMNS))


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula without its leading "=", and the text a viewer shows without recalculating."""

    expression: str
    cached: str


CellValue = str | int | float | datetime | Formula | None
"""What a cell may be given: `str` is always text, never a formula; `datetime` is naive; `None` empties the cell."""


class Keep(Enum):
    """In place of a value: the cell keeps what it holds, formula and all, whatever the update's style changes."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class CellStyle:
    """What an update changes of the cell's own format; `None` keeps what is there. Colours are RRGGBB."""

    fill: str | None = None
    font: str | None = None
    bold: bool | None = None
    wrap: bool | None = None
    number_format: str | None = None


@dataclass(frozen=True, slots=True)
class CellUpdate:
    """One cell's new value; with `style` None the format stays (a date gets a date format if it has none).

    `KEEP` as the value changes the format alone.
    """

    row: int
    column: str
    value: CellValue | Keep
    style: CellStyle | None = None


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Which file was read: enough to notice that it is no longer the same."""

    size: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageRow:
    """One reviewed row.

    name is the cell's text stripped; project is its PEP 503 name; version is the PEP 440 version
    as text, None where the cell holds none, and then problem says why in one plain sentence.
    is_new marks the literal NEW (not installed yet). duplicate_of is the row that names the
    same project and version first. cells holds each column's value as read (cached values for formulas).
    Where is_named is False, the name cell holds a text that no package can be called: project is that text, and problem
    says what is wrong with it.
    """

    row: int
    name: str
    project: str
    version_text: str
    version: str | None
    problem: str | None = None
    is_new: bool = False
    duplicate_of: int | None = None
    is_named: bool = True
    cells: Mapping[Field, str | int | float | datetime | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReviewWorkbook:
    """A workbook as read: its rows in sheet order, those left out with their reasons, and what file it was."""

    path: Path
    fingerprint: Fingerprint
    layout: Layout
    rows: tuple[PackageRow, ...]
    odd_rows: tuple[tuple[int, str], ...] = ()
