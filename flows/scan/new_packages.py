"""Packages of a list, or named on the command line, that the workbook lacks: looked up and appended."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from packaging.utils import canonicalize_name

from flows.scan.prepared import PreparedScan
from tasks.engine.engine import close_engine, engine_for
from tasks.errors import SourceError, UsageError
from tasks.inputs.fitting import same_version
from tasks.review.cells import CellProposal, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import PackageKey, PackageReview
from tasks.settings.addresses import PYPI
from tasks.workbook.model import CellValue, Field, Layout, PackageRow, ReviewWorkbook
from tasks.workbook.writer import NewRow


@dataclass(frozen=True, slots=True)
class NewPackage:
    """A package to append: what is looked up, and the row it will get.

    one_version: it is this version of the project that the workbook lacks, not the project.
    """

    key: PackageKey
    row: int
    one_version: bool = False

    def is_in(self, rows: Sequence[PackageRow]) -> bool:
        """Whether the rows have it by now."""
        own = [row for row in rows if row.project == self.key.project]
        wanted = same_version(self.key.version, self.key.version_text)
        return any(not self.one_version or same_version(row.version, row.version_text) == wanted for row in own)


def resolve_new(prepared: PreparedScan) -> tuple[NewPackage, ...]:
    """What is to be appended: the packages of a list, and the missing names at their latest version.

    UsageError for a name that PyPI does not know.
    """
    after = last_row(prepared.workbook)
    latest = tuple(_latest(prepared, name) for name in prepared.selection.missing_names)
    keys = (*((key, key.version is not None) for key in prepared.additions), *((key, False) for key in latest))
    return tuple(NewPackage(key, after + place, one) for place, (key, one) in enumerate(keys, start=1))


def check_names(prepared: PreparedScan) -> None:
    """UsageError for a name that is neither in the workbook nor known to PyPI, or that nobody may ask for offline."""
    try:
        for name in prepared.selection.missing_names:
            _latest(prepared, name)
    except UsageError:
        close_engine(prepared.lookup)
        raise


def last_row(workbook: ReviewWorkbook) -> int:
    """The last row that holds a package."""
    return max(row.row for row in workbook.rows)


def _latest(prepared: PreparedScan, name: str) -> PackageKey:
    project = str(canonicalize_name(name))
    try:
        facts = engine_for(prepared.lookup).project(project)
    except SourceError as error:
        raise UsageError(
            f"--packages {name}: not in {prepared.request.workbook}, and PyPI was not asked: {error}"
        ) from error
    if not facts.found or facts.latest_version is None:
        raise UsageError(f"--packages {name}: neither in {prepared.request.workbook} nor on PyPI; check the spelling")
    version = facts.latest_version
    return PackageKey(name=facts.name, project=project, version=version, version_text=version)


def new_rows(packages: Sequence[NewPackage], reviews: Sequence[PackageReview], layout: Layout) -> tuple[NewRow, ...]:
    """The rows to append, in the look of new data where a cell's content has no look of its own."""
    pairs = zip(packages, reviews, strict=True)
    return tuple(_new_row(package, proposals(review), layout) for package, review in pairs)


def _new_row(package: NewPackage, proposed: Sequence[CellProposal], layout: Layout) -> NewRow:
    values: dict[Field, CellValue] = {
        Field.INDEX: package.row - layout.header_row,
        Field.PACKAGE_NAME: package.key.name,
        Field.CURRENT_VERSION: package.key.version_text,
        Field.PYPI_CURRENT_LINK: f"{PYPI}/project/{quote(package.key.project)}/",
    }
    values |= {proposal.field: proposal.value for proposal in proposed}
    columns = layout.columns
    return NewRow(
        values={columns[field]: value for field, value in values.items() if field in columns},
        style=Meaning.SAFE.style,
        styles={columns[p.field]: p.meaning.style for p in proposed if p.field in columns},
    )
