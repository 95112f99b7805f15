"""A list of packages instead of a workbook: the workbook that is reviewed in its place, made or added to."""

import contextlib
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from flows.scan.request import ScanRequest
from tasks.errors import UsageError
from tasks.inputs.environment import read_environment
from tasks.inputs.files import is_workbook, read_file
from tasks.inputs.fitting import Fitted, fit
from tasks.inputs.interface import Listing
from tasks.inputs.new_workbook import write_new_workbook
from tasks.text.plain import counted
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.model import PackageRow
from tasks.workbook.selection import Selection

__all__ = ["Brought", "bring", "brought_in"]

_ENDING = ".review.xlsx"


@dataclass(frozen=True, slots=True)
class Brought:
    """What a request names, read: the list, if it names one; request is the same with the workbook in its place.

    is_new: that workbook is yet to be made. source is what the request named.
    """

    source: Path
    request: ScanRequest
    listing: Listing | None = None
    is_new: bool = False

    def fit(self, rows: tuple[PackageRow, ...], selection: Selection) -> tuple[Selection, Fitted]:
        """The packages to append to these rows; names that the list has are not looked for elsewhere."""
        if self.listing is None:
            return selection, Fitted((), ())
        if self.is_new:
            made = self.request.workbook.name
            told = f"{self.listing.source}: {counted(len(rows), 'package')} in the new workbook {made}"
            return selection, Fitted((), (*self.listing.notes, told))
        fitted = fit(self.listing, rows)
        wanted = {canonicalize_name(name) for name in self.request.packages}
        chosen = tuple(key for key in fitted.additions if not wanted or key.project in wanted)
        listed = {key.project for key in chosen}
        missing = tuple(name for name in selection.missing_names if canonicalize_name(name) not in listed)
        notes = (*self.listing.notes, *fitted.notes)
        return dataclasses.replace(selection, missing_names=missing), Fitted(chosen, notes)


def bring(request: ScanRequest) -> Brought:
    """Read what the request names. InputError, UsageError: it cannot be read, or says not where the workbook goes."""
    if not request.environment and is_workbook(request.workbook):
        return Brought(request.workbook, request)
    target = _target(request)
    is_new = not target.exists()
    listing = read_environment(request.workbook) if request.environment else read_file(request.workbook)
    if is_new and request.dry_run:
        target = request.data_dir / "inputs" / target.name
    changed = {"workbook": target, "output": None, "environment": False}
    return Brought(request.workbook, request.model_copy(update=changed), listing, is_new)


def _target(request: ScanRequest) -> Path:
    source = request.workbook
    if request.output is not None:
        if request.output.suffix.lower() not in (".xlsx", ".xlsm"):
            raise UsageError(f"--output {request.output} must end in .xlsx: the review of {source} is a workbook")
        if request.output.suffix.lower() == ".xlsm" and not request.output.exists():
            raise UsageError(f"--output {request.output} must end in .xlsx: a new workbook has no macros")
        return request.output
    if not request.environment:
        return source.with_name(source.name + _ENDING)
    if request.dry_run:
        return request.data_dir / "inputs" / f"environment{_ENDING}"
    raise UsageError("--environment needs --output FILE.xlsx: the review workbook to make, or to add to")


@contextlib.contextmanager
def brought_in(brought: Brought, wanted: LayoutWanted) -> Iterator[None]:
    """Make the workbook where there is none yet; it goes again when what is done inside fails.

    A dry run makes its workbook in the data folder. InputError where it cannot be made.
    """
    target, listing = brought.request.workbook, brought.listing
    if listing is None or not brought.is_new:
        yield
        return
    write_new_workbook(target, listing.packages, wanted)
    try:
        yield
    except BaseException:
        target.unlink(missing_ok=True)
        raise
