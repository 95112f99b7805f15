"""The end of an IOC scan for whoever comes later: its result is compared with the last one, kept, and reported."""

import dataclasses
import logging
from datetime import datetime

from flows.ioc.prepare import PreparedIoc
from tasks.errors import VetbookError
from tasks.history.iocchanges import IocChanges, compare_ioc
from tasks.history.model import DocumentKind, IocDocument, parse_document
from tasks.history.store import History, Label, ioc_label, load
from tasks.reports.files import document_pieces, write_page, write_report
from tasks.reports.findings import IocResult, findings_document
from tasks.reports.iocreport import ioc_report_lines
from tasks.reports.page.ioc import ioc_page
from tasks.reports.page.links import web_of
from tasks.settings.load import load_settings

__all__ = ["settle"]

_log = logging.getLogger(__name__)


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
    result = dataclasses.replace(result, since=_since(history, label, document))
    _keep(prepared, history, label, result)
    return _report(prepared, result, document)


def _since(history: History, label: Label, document: IocDocument) -> IocChanges | None:
    try:
        last = history.before(label)
        former = None if last is None else load(last)
    except (VetbookError, OSError) as error:
        _log.warning("What changed since the last scan cannot be said: %s", error)
        return None
    return compare_ioc(former, document) if isinstance(former, IocDocument) else None


def _keep(prepared: PreparedIoc, history: History, label: Label, result: IocResult) -> None:
    most = load_settings(prepared.request.config).settings.history.keep
    try:
        history.keep(label, document_pieces(findings_document(result)), most)
    except (VetbookError, OSError) as error:
        _log.warning("The result could not be kept for later comparisons: %s", error)


def _report(prepared: PreparedIoc, result: IocResult, document: IocDocument) -> IocResult:
    folder = prepared.request.data_dir / "output"
    now = datetime.now()  # noqa: DTZ005  reports carry the user's own time
    lines = ioc_report_lines(document, result.since)
    text = write_report(folder, "ioc_report", now, lines, findings_document(result))
    return dataclasses.replace(result, page=write_page(text.with_suffix(".html"), ioc_page(document, result.since)))
