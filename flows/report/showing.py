"""What `python -m flows.report` prints and writes."""

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.console import complain, say
from tasks.errors import ExitCode, UsageError, VetbookError
from tasks.history.changes import ScanChanges, compare_scans
from tasks.history.choose import Chosen, choose
from tasks.history.iocchanges import IocChanges, compare_ioc
from tasks.history.iocmodel import IocDocument
from tasks.history.model import DocumentKind
from tasks.history.scanmodel import ScanDocument
from tasks.history.store import History, KeptScan, load
from tasks.reports.files import write_document, write_text
from tasks.reports.iocreport import ioc_report_lines
from tasks.reports.scanreport import scan_report_lines
from tasks.reports.since import since_document, since_lines
from tasks.text.plain import one_line

__all__ = ["Wanted", "show_comparison", "show_list", "show_report"]

Changes = ScanChanges | IocChanges


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where scans are kept, which ones count, and where the answer goes."""

    data_dir: Path
    workbook: Path | None = None
    organisation: str | None = None
    json_file: Path | None = None
    html_file: Path | None = None

    @property
    def history(self) -> History:
        """The kept scans."""
        return History(self.data_dir / "history")

    @property
    def target(self) -> str | None:
        """The workbook's full path or the organisation, as labels name it."""
        if self.workbook is not None:
            return os.path.realpath(self.workbook)
        return f"github:{self.organisation}" if self.organisation is not None else None


def show_list(wanted: Wanted) -> int:
    """Print the kept scans, newest first."""
    _listen()
    if wanted.html_file is not None:
        raise UsageError("--html: a list has no page; leave it out")
    scans = wanted.history.scans(target=wanted.target)
    if wanted.json_file is not None:
        write_document(wanted.json_file, {"schema": 1, "scans": [_plain(kept) for kept in scans]})
    _print(map(_line, scans) if scans else [f"{wanted.history.folder}: no scan is kept there"])
    return ExitCode.DONE


def _line(kept: KeptScan) -> str:
    label = kept.label
    marks = [word for word, holds in (("dry run", label.scope.dry_run), ("some rows", not label.scope.whole)) if holds]
    figures = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in label.figures.items())
    noted = f" ({', '.join(marks)})" if marks else ""
    return one_line(f"{label.scan_id}  {label.finished_at:%Y-%m-%d %H:%M:%S} UTC  {label.target}{noted}: {figures}")


def _plain(kept: KeptScan) -> dict[str, Any]:
    label = kept.label
    return {
        "scan_id": label.scan_id,
        "kind": label.kind.value,
        "target": label.target,
        "finished_at": label.finished_at.isoformat().replace("+00:00", "Z"),
        "whole": label.scope.whole,
        "dry_run": label.scope.dry_run,
        "figures": dict(label.figures),
        "file": str(kept.path),
    }


def show_comparison(wanted: Wanted, before: str, after: str) -> int:
    """Print what changed from one scan to the other; the page is that of the later scan."""
    _listen()
    old, new = (choose(wanted.history, word, wanted.target) for word in (before, after))
    changes = _compared(old.document, new.document)
    if changes is None:
        raise UsageError(f"{before} and {after}: a scan of a workbook cannot be compared with an IOC scan")
    if wanted.json_file is not None:
        write_document(wanted.json_file, since_document(changes))
    if wanted.html_file is not None:
        write_text(wanted.html_file, _page(new.document, changes))
    _print(since_lines(changes))
    return ExitCode.DONE


def show_report(wanted: Wanted, word: str) -> int:
    """Print the text report of a scan; JSON is its whole result as it was kept."""
    _listen()
    chosen = choose(wanted.history, word, wanted.target)
    changes = _since(wanted.history, chosen)
    if wanted.json_file is not None:
        write_text(wanted.json_file, [chosen.text.decode("utf-8")])
    if wanted.html_file is not None:
        write_text(wanted.html_file, _page(chosen.document, changes))
    if isinstance(chosen.document, ScanDocument):
        _print(scan_report_lines(chosen.document, changes if isinstance(changes, ScanChanges) else None))
    else:
        _print(ioc_report_lines(chosen.document, changes if isinstance(changes, IocChanges) else None))
    return ExitCode.DONE


def _since(history: History, chosen: Chosen) -> Changes | None:
    """What changed since the scan before; None for a file of the user's, and where there was none."""
    if chosen.kept is None:
        return None
    former = history.before(chosen.kept.label)
    try:
        return None if former is None else _compared(load(former), chosen.document)
    except VetbookError as error:
        complain(f"warning: what changed since the last scan cannot be said: {error}")
        return None


def _compared(old: ScanDocument | IocDocument, new: ScanDocument | IocDocument) -> Changes | None:
    if isinstance(old, ScanDocument) and isinstance(new, ScanDocument):
        return compare_scans(old, new)
    if isinstance(old, IocDocument) and isinstance(new, IocDocument):
        return compare_ioc(old, new)
    return None


def _page(document: ScanDocument | IocDocument, changes: Changes | None) -> Iterator[str]:
    if document.kind is DocumentKind.SCAN:
        from tasks.reports.page.scan import scan_page  # noqa: PLC0415  templates are only loaded for --html

        assert isinstance(document, ScanDocument)  # noqa: S101  as its kind says
        return scan_page(document, changes if isinstance(changes, ScanChanges) else None)
    from tasks.reports.page.ioc import ioc_page  # noqa: PLC0415  as above

    assert isinstance(document, IocDocument)  # noqa: S101  as above
    return ioc_page(document, changes if isinstance(changes, IocChanges) else None)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _listen() -> None:
    """Say warnings (files that are left out) on standard error."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING, stream=sys.stderr)
