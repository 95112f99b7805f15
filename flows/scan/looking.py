"""What the command answers without a scan, from workbooks as they are.

`--report-only`, `--changes-only` and `--format-check-only`.
"""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from flows.console import say
from flows.scan.prepared import Folders, layout_wanted
from tasks.errors import UsageError
from tasks.files.backups import list_backups
from tasks.merge.formatting import check_formats
from tasks.reports.changes import ChangesReport, changes_document, changes_lines, compare_workbooks
from tasks.reports.files import write_document, write_report
from tasks.reports.formats import FormatReport, formats_document, formats_lines
from tasks.reports.workbook import WorkbookReport, workbook_document, workbook_lines
from tasks.settings.load import load_settings
from tasks.workbook.reader import read_review


def show_changes(
    workbook: Path, output: Path | None, config: Path | None, data_dir: Path, json_file: Path | None
) -> None:
    """Compare a result with its original and print the difference; neither is touched.

    The original is the workbook and the result the output; without an output, the original is the newest backup.
    """
    wanted = layout_wanted(load_settings(config).settings)
    original, result = (workbook, output) if output is not None else (_newest_backup(workbook, data_dir), workbook)
    differences = compare_workbooks(read_review(original, wanted), read_review(result, wanted))
    now = datetime.now()  # noqa: DTZ005  reports carry the reviewer's own time
    report = ChangesReport(now, original, result, differences)
    _publish(data_dir, "changes_report", now, list(changes_lines(report)), changes_document(report), json_file)


def show_report(workbook: Path, config: Path | None, data_dir: Path, json_file: Path | None) -> None:
    """Say what the workbook says: verdicts by column, rows at risk, rows without an answer; nothing is touched."""
    read = read_review(workbook, layout_wanted(load_settings(config).settings))
    now = datetime.now()  # noqa: DTZ005  reports carry the reviewer's own time
    report = WorkbookReport(now, workbook, read.rows)
    _publish(data_dir, "review_report", now, list(workbook_lines(report)), workbook_document(report), json_file)


def show_formats(workbook: Path, config: Path | None, data_dir: Path, json_file: Path | None) -> None:
    """List the cells whose colours do not say what their text says; nothing is touched."""
    read = read_review(workbook, layout_wanted(load_settings(config).settings))
    now = datetime.now()  # noqa: DTZ005  reports carry the reviewer's own time
    report = FormatReport(now, workbook, len(read.rows), check_formats(workbook, read))
    _publish(data_dir, "format_check_report", now, list(formats_lines(report)), formats_document(report), json_file)


def _publish(
    data_dir: Path, name: str, now: datetime, lines: Iterable[str], document: dict[str, Any], json_file: Path | None
) -> None:
    for line in lines:
        say(line)
    path = write_report(Folders(data_dir).output, name, now, lines, document)
    say(f"Report: {path}")
    if json_file is not None:
        write_document(json_file, document)


def _newest_backup(workbook: Path, data_dir: Path) -> Path:
    folder = Folders(data_dir).backups
    found = [
        b for b in (list_backups(folder) if folder.is_dir() else ()) if b.workbook in (workbook.name, workbook.stem)
    ]
    if not found:
        raise UsageError(f"--changes-only: no backup of {workbook} in {folder}; give the result to --output")
    return max(found, key=lambda backup: backup.taken_at).path
