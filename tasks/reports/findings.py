"""The result of an IOC scan: as JSON, version 1, as a workbook, and in a few lines."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from tasks.errors import CheckpointError
from tasks.files.atomic import copy_atomically, write_atomically
from tasks.ioc.model import FileRecord, FileStatus, Finding, RepositoryRecord, RepositoryStatus
from tasks.reports.files import write_document

__all__ = ["IocMetrics", "IocResult", "findings_document", "write_findings", "write_findings_workbook"]

SCHEMA = 1
_LONGEST_CELL = 32_767
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_MOST_ROWS = 1_048_575
_NOTES = "Notes"
_FINDING_COLUMNS = ("Repository", "File", "Ecosystem", "Package", "Version", "Indicator", "Source", "Note", "Certain")
_KEY_COLUMNS = 6
"""What tells findings apart: all columns up to the indicator."""


@dataclass(frozen=True, slots=True)
class IocMetrics:
    """What a scan cost: seconds, batches, requests by service, peak memory in MB (10^6 bytes)."""

    wall_s: float = 0.0
    batches: int = 0
    cached_batches: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    peak_rss_mb: int = 0
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class IocResult:
    """Everything an IOC scan found out. Times are naive UTC.

    possible are packages whose version is not stated or cannot be compared with an indicator's: to be looked at.
    indicators_from describes advisory stores among the lists, with their ecosystems and age.
    """

    scan_id: str
    target: str
    started_at: datetime
    finished_at: datetime
    findings: tuple[Finding, ...]
    possible: tuple[Finding, ...]
    files: tuple[FileRecord, ...]
    repositories: tuple[RepositoryRecord, ...]
    metrics: IocMetrics
    indicators: int
    withdrawn: int = 0
    indicators_digest: str = ""
    notes: tuple[str, ...] = ()
    indicators_from: tuple[str, ...] = ()

    @property
    def failed_files(self) -> tuple[FileRecord, ...]:
        """Files that could not be read."""
        return tuple(one for one in self.files if one.status is FileStatus.FAILED)

    @property
    def failed_repositories(self) -> tuple[RepositoryRecord, ...]:
        """Repositories whose files could not be listed."""
        return tuple(one for one in self.repositories if one.status is RepositoryStatus.FAILED)

    def summary_lines(self) -> list[str]:
        """What a person wants to know at once."""
        counts = Counter(one.status for one in self.files)
        hit = len({one.repository for one in self.findings})
        lines = [
            f"{len(self.findings)} findings in {hit} repositories",
            f"{len(self.repositories)} repositories, {len(self.files)} lockfiles: {counts[FileStatus.SCANNED]} read,"
            f" {counts[FileStatus.CACHED]} known, {counts[FileStatus.FAILED]} could not be read",
            f"{self.indicators} indicators, {self.withdrawn} withdrawn"
            + "".join(f", from {o}" for o in self.indicators_from),
            f"{sum(self.metrics.requests.values())} requests, {self.metrics.wall_s:.1f} s",
        ]
        if self.possible:
            lines.append(f"{len(self.possible)} packages without a comparable version are worth a look (possible)")
        if self.failed_repositories:
            lines.append(f"{len(self.failed_repositories)} repositories could not be read")
        return lines


def findings_document(result: IocResult) -> dict[str, Any]:
    """The result as plain data in the documented shape."""
    return {
        "schema": SCHEMA,
        "scan_id": result.scan_id,
        "target": result.target,
        "started_at": result.started_at.isoformat() + "Z",
        "finished_at": result.finished_at.isoformat() + "Z",
        "findings": [_finding(one) for one in result.findings],
        "possible": [_finding(one) for one in result.possible],
        "files": [
            {
                "repository": one.repository,
                "path": one.path,
                "sha": one.sha,
                "status": one.status.value,
                "reason": one.reason,
                "packages": one.packages,
            }
            for one in result.files
        ],
        "repositories": [
            {
                "repository": one.repository,
                "status": one.status.value,
                "commit": one.commit,
                "files": one.files,
                "archived": one.archived,
                "reason": one.reason,
            }
            for one in result.repositories
        ],
        "indicators": {
            "count": result.indicators,
            "withdrawn": result.withdrawn,
            "digest": result.indicators_digest,
            "stores": list(result.indicators_from),
        },
        "notes": list(result.notes),
        "metrics": {
            "wall_s": result.metrics.wall_s,
            "batches": result.metrics.batches,
            "cached_batches": result.metrics.cached_batches,
            "requests": dict(result.metrics.requests),
            "peak_rss_mb": result.metrics.peak_rss_mb,
            "waited_s": result.metrics.waited_s,
        },
    }


def _finding(one: Finding) -> dict[str, Any]:
    return {
        "repository": one.repository,
        "path": one.path,
        "ecosystem": one.ecosystem,
        "name": one.name,
        "version": one.version,
        "indicator": one.indicator,
        "source": one.source,
        "purl": one.purl,
        "note": one.note,
        "sha": one.sha,
    }


def write_findings(path: Path, result: IocResult) -> None:
    """Write the JSON file, whole or not at all; CheckpointError when it cannot be written."""
    write_document(path, findings_document(result))


def write_findings_workbook(path: Path, result: IocResult, backups: Path) -> None:
    """Write a new workbook with findings and coverage; notes typed into a former one at this place are carried over.

    A former file is copied to `backups` first. CheckpointError when something cannot be written.
    """
    notes = _former_notes(path)
    if path.exists():
        copy_atomically(
            path, backups / f"{path.stem}.backup_{result.finished_at:%Y%m%d_%H%M%S_%f}.xlsx", failure=CheckpointError
        )
    content = _workbook(result, notes)
    write_atomically(path, content)


def _workbook(result: IocResult, notes: Mapping[tuple[str, ...], str]) -> bytes:
    from openpyxl import Workbook  # noqa: PLC0415  slow to import, and only needed with --output

    book = Workbook()
    book.remove(book.worksheets[0])
    rows = [_row(one) for one in (*result.findings, *result.possible)]
    noted = [[*row, notes.get(tuple(row[:_KEY_COLUMNS]), "")] for row in rows]
    _sheet(book, "Findings", (*_FINDING_COLUMNS, _NOTES), noted)
    _sheet(book, "Coverage", ("What", "Where", "Status", "Reason"), list(_coverage(result)))
    _sheet(
        book,
        "Repositories",
        ("Repository", "Status", "Commit", "Lockfiles", "Archived"),
        [[r.repository, r.status.value, r.commit or "", r.files, r.archived] for r in result.repositories],
    )
    _sheet(
        book,
        "Files",
        ("Repository", "File", "Blob", "Status", "Packages", "Reason"),
        [[f.repository, f.path, f.sha, f.status.value, f.packages, f.reason or ""] for f in result.files],
    )
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _row(one: Finding) -> list[str]:
    certain = "yes" if one.certain else "possible"
    texts = (one.repository, one.path, one.ecosystem, one.name, one.version or "", one.indicator, one.source, one.note)
    return [_plain(text) for text in (*texts, certain)]


def _coverage(result: IocResult) -> Iterator[list[Any]]:
    yield from ([line, "", "", ""] for line in result.summary_lines())
    for repository in result.failed_repositories:
        yield ["repository", repository.repository, "failed", repository.reason or ""]
    for file in result.failed_files:
        yield ["file", f"{file.repository}: {file.path}", "failed", file.reason or ""]


def _sheet(book: Any, title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from openpyxl.styles import Font  # noqa: PLC0415  as above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415  as above

    sheet = book.create_sheet(title)
    sheet.append(list(headers))
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    for number, row in enumerate(rows[:_MOST_ROWS], 2):
        for column, value in enumerate(row, 1):
            cell = sheet.cell(number, column)
            cell.value = _plain(value) if isinstance(value, str) else value
            if isinstance(value, str):
                # A name that begins with "=" is text, never a formula.
                cell.data_type = "s"
    sheet.freeze_panes = "A2"
    if rows:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{len(rows) + 1}"
    for column, header in enumerate(headers, 1):
        longest = max([len(header), *(len(str(row[column - 1])) for row in rows[:200])])
        sheet.column_dimensions[get_column_letter(column)].width = min(60, longest + 2)


def _plain(text: str) -> str:
    return _CONTROL.sub("", text)[:_LONGEST_CELL]


def _former_notes(path: Path) -> dict[tuple[str, ...], str]:
    """What people typed beside findings; CheckpointError where the file there is no workbook, so it is not replaced."""
    if not path.exists():
        return {}
    from openpyxl import load_workbook  # noqa: PLC0415  as above

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book["Findings"]
        rows = sheet.iter_rows(values_only=True)
        headers = [str(value) for value in next(rows, ())]
        place = headers.index(_NOTES)
        found = {
            tuple(str(value or "") for value in row[:_KEY_COLUMNS]): str(row[place])
            for row in rows
            if len(row) > place and row[place]
        }
        book.close()
    except Exception as error:
        # Whatever makes it unreadable: it is not a findings workbook of ours, and is left alone.
        raise CheckpointError(f"{path} is not a findings workbook; name another file for --output") from error
    return found
