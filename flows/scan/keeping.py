"""The end of a scan for whoever comes later: its result is compared with the last one, kept, and reported."""

import dataclasses
from collections.abc import Iterator

from flows.keeping import keep_result, last_before, report
from flows.scan.prepared import PreparedScan
from tasks.history.changes import compare_scans
from tasks.history.scanmodel import ScanDocument, Scope
from tasks.history.store import History, scan_label
from tasks.merge.ownsheet import NAME
from tasks.reports.page.scan import scan_page
from tasks.reports.result import ScanResult, lazy_document, scan_document
from tasks.reports.scanreport import scan_report_lines

__all__ = ["settle"]


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
    former = last_before(history, label)
    since = compare_scans(former, document) if isinstance(former, ScanDocument) else None
    result = dataclasses.replace(result, since=since)
    keep_result(history, label, lazy_document(result), prepared.settings.history.keep)
    return _report(prepared, result, document)


def _told(prepared: PreparedScan, result: ScanResult, problem: str | None) -> Iterator[str]:
    if problem:
        yield f"The workbook was not written: {problem}"
    if prepared.request.summary_sheet and result.workbook is not None:
        yield f"Sheet {NAME} was written anew"


def _report(prepared: PreparedScan, result: ScanResult, document: ScanDocument) -> ScanResult:
    lines, page = scan_report_lines(document, result.since), scan_page(document, result.since)
    most = prepared.settings.output.report_count
    written = report(prepared.folders.output, "scan_report", lines, lazy_document(result), page, most)
    return dataclasses.replace(result, page=written)
