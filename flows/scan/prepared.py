"""What a scan is, once it is prepared: its settings, workbook, rows, folders and identity. Plain values."""

import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from flows.scan.request import ScanRequest
from tasks.checkpoints.batches import Identity, identity
from tasks.checkpoints.model import CheckpointData
from tasks.checkpoints.records.interface import Records
from tasks.checkpoints.records.places import records_at
from tasks.decisions.model import Decisions
from tasks.engine.lookup import LookupSettings
from tasks.review.model import PackageKey
from tasks.review.reviewer import utc_now
from tasks.settings.model import Settings
from tasks.workbook.layout import LayoutWanted
from tasks.workbook.model import PackageRow, ReviewWorkbook
from tasks.workbook.selection import Selection


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
        """Batch results, one folder a scan, where the settings name no other place."""
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
class Beginning:
    """When a scan began to look things up, which a command's does while Prefect's server starts.

    at is naive UTC, moment the monotonic clock's reading in seconds.
    """

    at: datetime = field(default_factory=utc_now)
    moment: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long ago that was."""
        return time.monotonic() - self.moment


@dataclass(frozen=True, slots=True)
class PreparedScan:
    """A scan ready to run. keys are the distinct package versions of the chosen rows, in sheet order.

    base is the workbook as the scan first read it, where that is not how it is now (a resumed scan). resumed is
    the scan gone on with; replaces is the one whose results of `taken` are taken over; rows of left_out are not in
    the selection any more. additions are listed packages that the workbook lacks; told says what else the list holds.
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
    additions: tuple[PackageKey, ...] = ()
    told: tuple[str, ...] = ()
    replaces: CheckpointData | None = None
    taken: frozenset[Identity] = frozenset()
    left_out: frozenset[Identity] = frozenset()
    decisions: Decisions = field(default_factory=Decisions)
    began: Beginning = field(default_factory=Beginning)

    @property
    def records(self) -> Records:
        """Where the results of batches lie."""
        return records_at(self.settings.execution.results or str(self.folders.results))

    @property
    def target(self) -> Path:
        """The workbook that is written."""
        return self.request.output or self.request.workbook

    @property
    def whole(self) -> bool:
        """Whether every row is looked at: none was chosen, and none left out."""
        request = self.request
        chosen = request.start_row or request.end_row or request.packages or request.retry_failed
        return not (chosen or self.left_out)


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
    """One key per package version, in order of first appearance; rows that name no package are not looked up."""
    named = (row for row in reversed(rows) if row.is_named)
    return tuple({identity(key): key for key in map(key_of, named)}.values())[::-1]


def layout_wanted(settings: Settings) -> LayoutWanted:
    """What the settings say of the layout."""
    excel = settings.excel
    columns = {field: letter.upper() for field, letter in excel.columns.items()} if excel.columns else None
    return LayoutWanted(excel.sheet_name, excel.header_row, excel.data_start_row, columns)
