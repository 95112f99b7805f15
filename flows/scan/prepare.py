"""Everything a scan needs before its first task: settings, workbook, rows, identity. No Prefect, no network."""

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from flows.command.targets import check_files, check_input, make_data_dir, read_files
from flows.scan.importing import Brought, bring, brought_in
from flows.scan.offer import offer_on_terminal
from flows.scan.prepared import Folders, PreparedScan, distinct, key_of, layout_wanted
from flows.scan.request import ScanRequest
from flows.scan.resume import Offer, Resuming
from tasks.checkpoints.batches import Identity, identity
from tasks.checkpoints.records.places import check_place
from tasks.decisions.reading import read_decisions
from tasks.engine.lookup import lookup_settings
from tasks.errors import InputError, MergeRefused, UsageError
from tasks.files.checks import check_folder, check_replaceable
from tasks.merge.ownsheet import SheetKind, own_sheet
from tasks.merge.unanswered import needs_another_try
from tasks.settings.load import Loaded, load_settings
from tasks.sources.snapshot import check_snapshot
from tasks.workbook.reader import read_review
from tasks.workbook.selection import Selection, select_rows


def prepare(request: ScanRequest, offer: Offer = offer_on_terminal) -> PreparedScan:
    """Load settings, read the workbook, choose rows, decide which scan this is. UsageError for anything wrong.

    `offer` is asked about an unfinished scan where the request is interactive and names no way.
    """
    if not request.environment:
        check_input(request.workbook)
    brought = bring(request)
    loaded = load_settings(request.config, flags=_flags(request))
    with brought_in(brought, layout_wanted(loaded.settings)):
        return _prepare(brought, loaded, offer)


def _prepare(brought: Brought, loaded: Loaded, offer: Offer) -> PreparedScan:
    request = brought.request
    _check_paths(request, brought.source)
    settings, folders = loaded.settings, Folders(request.data_dir)
    if request.offline and settings.offline.snapshot is not None:
        check_snapshot(settings.offline.snapshot)
    check_place(settings.execution.results)
    workbook = read_review(request.workbook, layout_wanted(settings))
    decisions = read_decisions(request.workbook, request.decisions or settings.decisions.file)
    selection = select_rows(
        workbook, start_row=request.start_row, end_row=request.end_row, packages=request.packages or None
    )
    selection, fitted = brought.fit(workbook.rows, selection)
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
        results=settings.execution.results,
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
        warnings=(*loaded.warnings, *decisions.sentences()),
        base=found.base,
        additions=fitted.additions,
        told=fitted.notes,
        replaces=found.replaces,
        taken=found.taken,
        left_out=found.left_out,
        decisions=decisions,
    )


def _without(selection: Selection, left_out: frozenset[Identity]) -> Selection:
    if not left_out:
        return selection
    rows = tuple(row for row in selection.rows if identity(key_of(row)) not in left_out)
    return dataclasses.replace(selection, rows=rows)


def _flags(request: ScanRequest) -> dict[str, dict[str, object]]:
    chosen = {"default_batch_size": request.batch_size, "strategy": request.batch_strategy}
    return {"batch_processing": {key: value for key, value in chosen.items() if value is not None}}


def _check_paths(request: ScanRequest, source: Path) -> None:
    workbook = request.workbook
    if not workbook.exists():
        raise InputError(f"{workbook}: no such file; give an existing workbook to --input")
    if request.output is not None and request.output.is_dir():
        raise UsageError(f"--output {request.output} is a folder; give a file name")
    taken = {request.output or workbook: "the workbook of --output", workbook: "the workbook itself"}
    named = {"--json": request.json_file, "--vex": request.vex_file, "--csv": request.csv_file}
    check_files(named, {**read_files(request.config, request.decisions), **taken, source: "the input itself"})
    if request.output is not None and request.output.suffix.lower() != workbook.suffix.lower():
        raise UsageError(f"--output {request.output} must end in {workbook.suffix}, as the workbook does")
    if not request.dry_run:
        _check_target(request.output or workbook)
    for kind in request.own_sheets:
        _check_own_sheet(workbook, kind)
    make_data_dir(request.data_dir)


def _check_own_sheet(workbook: Path, kind: SheetKind) -> None:
    try:
        own_sheet(workbook, kind)
    except MergeRefused as error:
        raise InputError(str(error)) from error


def _check_target(target: Path) -> None:
    """Refuse now what the merge would refuse after an hour of looking up."""
    try:
        if target.exists():
            check_replaceable(target)
        else:
            check_folder(target, next(folder for folder in target.resolve().parents if folder.exists()))
    except MergeRefused as error:
        raise InputError(str(error)) from error


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
