"""The end of an IOC scan for whoever comes later: its result is compared with the last one, kept, and reported."""

import dataclasses

from flows.ioc.prepare import PreparedIoc
from flows.keeping import keep_result, last_before, report
from tasks.history.iocchanges import compare_ioc
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.reading import parse_document
from tasks.history.store import History, ioc_label
from tasks.reports.findings import IocResult, findings_document
from tasks.reports.iocreport import ioc_report_lines
from tasks.reports.page.ioc import ioc_page
from tasks.reports.page.links import web_of
from tasks.settings.load import load_settings

__all__ = ["settle"]


def settle(prepared: PreparedIoc, result: IocResult) -> IocResult:
    """Compare the result with the last kept one, keep it, and write its reports (text, JSON, page).

    The result comes back with what changed and where the page is; what cannot be read or written is a warning.
    """
    service = prepared.terms.lookup.services.get("github")
    result = dataclasses.replace(
        result, fast=prepared.request.fast, web_url=web_of(service.base_url if service is not None else None)
    )
    plain = findings_document(result)
    document = parse_document(DocumentKind.IOC, plain, "the result")
    assert isinstance(document, IocDocument)  # noqa: S101  as asked for
    history, label = History(prepared.request.data_dir / "history"), ioc_label(plain)
    former = last_before(history, label)
    since = compare_ioc(former, document) if isinstance(former, IocDocument) else None
    result = dataclasses.replace(result, since=since)
    settings = load_settings(prepared.request.config).settings
    keep_result(history, label, findings_document(result), settings.history.keep)
    return _report(prepared, result, document, settings.output.report_count)


def _report(prepared: PreparedIoc, result: IocResult, document: IocDocument, most: int) -> IocResult:
    lines, page = ioc_report_lines(document, result.since), ioc_page(document, result.since)
    folder, plain = prepared.request.data_dir / "output", findings_document(result)
    return dataclasses.replace(result, page=report(folder, "ioc_report", lines, plain, page, most))
