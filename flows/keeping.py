"""The end of a scan for whoever comes later, whatever was scanned: compared with the last one, kept, reported."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.errors import VetbookError
from tasks.history.iocmodel import IocDocument
from tasks.history.scanmodel import ScanDocument
from tasks.history.store import History, Label, load
from tasks.reports.files import document_pieces, write_page, write_report
from tasks.reports.retention import prune_reports

__all__ = ["keep_result", "last_before", "report"]

_log = logging.getLogger(__name__)


def last_before(history: History, label: Label) -> ScanDocument | IocDocument | None:
    """The result that "since the last scan" means; None, and a warning, where it cannot be read."""
    try:
        last = history.before(label)
        return None if last is None else load(last)
    except (VetbookError, OSError) as error:
        _log.warning("What changed since the last scan cannot be said: %s", error)
        return None


def keep_result(history: History, label: Label, document: Mapping[str, Any], most: int) -> None:
    """Keep a result beside at most `most` of its target; one that cannot be kept is a warning."""
    try:
        history.keep(label, document_pieces(document), most)
    except (VetbookError, OSError) as error:
        _log.warning("The result could not be kept for later comparisons: %s", error)


def report(
    folder: Path, name: str, lines: Iterable[str], document: Mapping[str, Any], page: Iterator[str], most: int
) -> Path | None:
    """Write a report as text, JSON and page, and let the oldest beyond `most` go; the page, if it could be written."""
    now = datetime.now()  # noqa: DTZ005  reports carry the user's own time
    text = write_report(folder, name, now, lines, document)
    written = write_page(text.with_suffix(".html"), page)
    try:
        prune_reports(folder, most)
    except OSError as error:
        _log.warning("Old reports in %s could not be looked for: %s", folder, error)
    return written
