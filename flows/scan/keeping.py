"""The end of a scan for whoever comes later: its result is compared with the last one, kept, and reported."""

import dataclasses
import logging
from collections.abc import Iterator
from datetime import datetime

from flows.scan.prepared import PreparedScan
from tasks.errors import VetbookError
from tasks.history.changes import ScanChanges, compare_scans
from tasks.history.model import ScanDocument, Scope
from tasks.history.store import History, Label, load, scan_label
from tasks.merge.ownsheet import NAME
from tasks.reports.files import document_pieces, write_page, write_report
from tasks.reports.page.scan import scan_page
from tasks.reports.result import ScanResult, lazy_document, scan_document
from tasks.reports.scanreport import scan_report_lines

__all__ = ["settle"]

_log = logging.getLogger(__name__)


def settle(prepared: PreparedScan, result: ScanResult, problem: str | None) -> ScanResult:
    """Compare the result with the last kept one, keep it, and write its reports (text, JSON, page).

    problem says why the workbook was not written. The result comes back with what changed and where the page is;
    whatever cannot be read or written is a warning: the workbook is what counts.
    """
    scope, told = Scope(prepared.whole, prepared.request.dry_run), _told(prepared, result, problem)
    result = dataclasses.replace(result, scope=scope, notes=(*result.notes, *told))
    document = scan_document(result)
    label = scan_label(prepared.request.workbook, lazy_document(result))
    history = History(prepared.folders.history)
    result = dataclasses.replace(result, since=_since(history, label, document))
    _keep(prepared, history, label, result)
    return _report(prepared, result, document)


def _told(prepared: PreparedScan, result: ScanResult, problem: str | None) -> Iterator[str]:
    if problem:
        yield f"The workbook was not written: {problem}"
    if prepared.request.summary_sheet and result.workbook is not None:
        yield f"Sheet {NAME} was written anew"


def _since(history: History, label: Label, document: ScanDocument) -> ScanChanges | None:
    try:
        last = history.before(label)
        former = None if last is None else load(last)
    except (VetbookError, OSError) as error:
        _log.warning("What changed since the last scan cannot be said: %s", error)
        return None
    return compare_scans(former, document) if isinstance(former, ScanDocument) else None


def _keep(prepared: PreparedScan, history: History, label: Label, result: ScanResult) -> None:
    try:
        history.keep(label, document_pieces(lazy_document(result)), prepared.settings.history.keep)
    except (VetbookError, OSError) as error:
        _log.warning("The result could not be kept for later comparisons: %s", error)


def _report(prepared: PreparedScan, result: ScanResult, document: ScanDocument) -> ScanResult:
    folder, now = prepared.folders.output, datetime.now()  # noqa: DTZ005  reports carry the reviewer's own time
    text = write_report(folder, "scan_report", now, scan_report_lines(document, result.since), lazy_document(result))
    return dataclasses.replace(result, page=write_page(text.with_suffix(".html"), scan_page(document, result.since)))
