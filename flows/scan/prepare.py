"""Everything a scan needs before its first task: settings, workbook, rows, identity. No Prefect, no network."""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.scan.offer import offer_on_terminal
from flows.scan.request import ScanRequest
from flows.scan.resume import Offer, Resuming
from tasks.checkpoints.batches import Identity, identity
from tasks.checkpoints.model import CheckpointData
from tasks.engine.lookup import LookupSettings, lookup_settings
from tasks.errors import InputError, MergeRefused, UsageError
from tasks.files.checks import check_folder, check_replaceable
from tasks.merge.unanswered import needs_another_try
from tasks.review.model import PackageKey
from tasks.settings.load import load_settings
from tasks.settings.model import Settings
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.model import PackageRow, ReviewWorkbook
from tasks.workbook.reader import read_review
from tasks.workbook.selection import Selection, select_rows


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a scan keeps its files, all under the data folder."""

    root: Path

    @property
    def checkpoints(self) -> Path:
        """Checkpoint files."""
        return self.root / "checkpoints"

    @property
    def backups(self) -> Path:
        """Backups of workbooks, and the records of merges under way."""
        return self.root / "backups"

    @property
    def results(self) -> Path:
        """Batch results, one folder a scan."""
        return self.root / "results"

    @property
    def output(self) -> Path:
        """Reports."""
        return self.root / "output"

    @property
    def history(self) -> Path:
        """Results of finished scans."""
        return self.root / "history"

    @property
    def logs(self) -> Path:
        """Log files, one a day."""
        return self.root / "logs"

    @property
    def store(self) -> Path:
        """Advisory records kept between scans."""
        return self.root / "store" / "advisories.sqlite"


@dataclass(frozen=True, slots=True)
class PreparedScan:
    """A scan ready to run. keys are the distinct package versions of the chosen rows, in sheet order.

    base is the workbook as the scan first read it, where that is not how it is now (a resumed scan). resumed is
    the scan gone on with; replaces is the one whose results of `taken` are taken over; rows of left_out are not in
    the selection any more.
    """

    request: ScanRequest
    settings: Settings
    lookup: LookupSettings
    folders: Folders
    workbook: ReviewWorkbook
    selection: Selection
    keys: tuple[PackageKey, ...]
    scan_id: str
    resumed: CheckpointData | None
    warnings: tuple[str, ...]
    base: ReviewWorkbook | None = None
    replaces: CheckpointData | None = None
    taken: frozenset[Identity] = frozenset()
    left_out: frozenset[Identity] = frozenset()

    @property
    def target(self) -> Path:
        """The workbook that is written."""
        return self.request.output or self.request.workbook


def key_of(row: PackageRow) -> PackageKey:
    """What is looked up for a row."""
    return PackageKey(
        name=row.name,
        project=row.project,
        version=row.version,
        version_text=row.version_text,
        problem=row.problem,
        is_new=row.is_new,
    )


def distinct(rows: tuple[PackageRow, ...]) -> tuple[PackageKey, ...]:
    """One key per package version, in order of first appearance."""
    return tuple({identity(key): key for key in map(key_of, reversed(rows))}.values())[::-1]


def prepare(request: ScanRequest, offer: Offer = offer_on_terminal) -> PreparedScan:
    """Load settings, read the workbook, choose rows, decide which scan this is. UsageError for anything wrong.

    `offer` is asked about an unfinished scan where the request is interactive and names no way.
    """
    _check_paths(request)
    loaded = load_settings(request.config, flags=_flags(request))
    settings, folders = loaded.settings, Folders(request.data_dir)
    workbook = read_review(request.workbook, layout_wanted(settings))
    selection = select_rows(
        workbook, start_row=request.start_row, end_row=request.end_row, packages=request.packages or None
    )
    if request.retry_failed:
        selection = dataclasses.replace(selection, rows=tuple(filter(needs_another_try, selection.rows)))
    lookup = lookup_settings(settings, offline=request.offline, store=folders.store)
    keys = distinct(selection.rows)
    resuming = Resuming(
        request,
        folders.root,
        lookup.answers_digest,
        workbook,
        layout_wanted(settings),
        keys,
        settings.batch_processing,
        offer,
    )
    found = resuming.decide()
    return PreparedScan(
        request=request,
        settings=settings,
        # What an interrupted scan fetched need not be asked for again when it goes on.
        lookup=lookup.resuming(found.resumed.batch_state.created_at) if found.resumed else lookup,
        folders=folders,
        workbook=workbook,
        selection=_without(selection, found.left_out),
        keys=tuple(key for key in keys if identity(key) not in found.left_out),
        scan_id=found.scan_id,
        resumed=found.resumed,
        warnings=loaded.warnings,
        base=found.base,
        replaces=found.replaces,
        taken=found.taken,
        left_out=found.left_out,
    )


def _without(selection: Selection, left_out: frozenset[Identity]) -> Selection:
    if not left_out:
        return selection
    rows = tuple(row for row in selection.rows if identity(key_of(row)) not in left_out)
    return dataclasses.replace(selection, rows=rows)


def _flags(request: ScanRequest) -> dict[str, dict[str, object]]:
    chosen = {"default_batch_size": request.batch_size, "strategy": request.batch_strategy}
    return {"batch_processing": {key: value for key, value in chosen.items() if value is not None}}


def layout_wanted(settings: Settings) -> LayoutWanted:
    """What the settings say of the layout."""
    excel = settings.excel
    columns = {field: letter.upper() for field, letter in excel.columns.items()} if excel.columns else None
    return LayoutWanted(excel.sheet_name, excel.header_row, excel.data_start_row, columns)


def _check_paths(request: ScanRequest) -> None:
    workbook = request.workbook
    if not workbook.exists():
        raise InputError(f"{workbook}: no such file; give an existing workbook to --input")
    for flag, path in (("--output", request.output), ("--json", request.json_file)):
        if path is not None and path.is_dir():
            raise UsageError(f"{flag} {path} is a folder; give a file name")
        if path is not None and path.resolve() == workbook.resolve() and flag == "--json":
            raise UsageError(f"{flag} {path} is the workbook itself; give another file name")
    if request.output is not None and request.output.suffix.lower() != workbook.suffix.lower():
        raise UsageError(f"--output {request.output} must end in {workbook.suffix}, as the workbook does")
    if not request.dry_run:
        _check_target(request.output or workbook)
    _check_data_dir(request.data_dir)


def _check_target(target: Path) -> None:
    """Refuse now what the merge would refuse after an hour of looking up."""
    try:
        if target.exists():
            check_replaceable(target)
        else:
            check_folder(target, next(folder for folder in target.resolve().parents if folder.exists()))
    except MergeRefused as error:
        raise InputError(str(error)) from error


def _check_data_dir(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--data-dir {folder}: cannot be made ({error.strerror}); give another folder") from error


_handed_over: contextvars.ContextVar[PreparedScan | None] = contextvars.ContextVar("prepared scan", default=None)


@contextlib.contextmanager
def hand_over(prepared: PreparedScan) -> Iterator[None]:
    """Let the flow called inside use this preparation: the command makes it while Prefect's server starts."""
    token = _handed_over.set(prepared)
    try:
        yield
    finally:
        _handed_over.reset(token)


def prepared_for(request: ScanRequest) -> PreparedScan:
    """The preparation handed over for exactly this request, else a new one."""
    given = _handed_over.get()
    return given if given is not None and given.request == request else prepare(request)
