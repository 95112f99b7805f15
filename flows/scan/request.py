"""What a scan is asked to do: the flow's parameters, as the command line and the Prefect UI fill them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from tasks.checkpoints.recovery import RecoveryMode, RecoveryOptions
from tasks.merge.ownsheet import SheetKind
from tasks.progress.display import DisplayKind
from tasks.settings.processing import MergeStrategy, Strategy


class ResumeMode(StrEnum):
    """What to do with an unfinished scan of the same workbook."""

    ASK = "ask"
    AUTO = "auto"
    FRESH = "fresh"


class ScanRequest(BaseModel):
    """The parameters of one scan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workbook: Path = Field(description="The review workbook (.xlsx or .xlsm), or a lockfile, SBOM or requirements.txt.")
    environment: bool = Field(False, description="The input is a Python interpreter: review what is installed.")
    output: Path | None = Field(None, description="Write a full copy here; of a list: the workbook to make or add to.")
    config: Path | None = Field(None, description="Settings file, YAML or JSON.")
    decisions: Path | None = Field(None, description="Reviewers' decisions, YAML; beside the sheet Decisions.")
    data_dir: Path = Field(Path("data"), description="Folder for checkpoints, results, backups and reports.")
    json_file: Path | None = Field(None, description="Write the whole result here as JSON.")
    vex_file: Path | None = Field(None, description="Write the findings here as CycloneDX VEX.")
    csv_file: Path | None = Field(None, description="Write the findings here as CSV.")
    start_row: int | None = Field(None, ge=1, description="First Excel row to review.")
    end_row: int | None = Field(None, ge=1, description="Last Excel row to review.")
    packages: tuple[str, ...] = Field((), description="Only these packages; one that is new on PyPI is appended.")
    retry_failed: bool = Field(False, description="Only rows in which something could not be checked.")
    dry_run: bool = Field(False, description="Look everything up but write no workbook.")
    offline: bool = Field(False, description="Open no connection; use the snapshot and what earlier runs kept.")
    sync: bool = Field(False, description="First bring the advisory store up to date.")
    batch_size: int | None = Field(None, ge=1, le=1000, description="Packages per batch; unset: chosen by size.")
    batch_strategy: Strategy | None = Field(None, description="How packages are cut into batches.")
    resume: ResumeMode = Field(ResumeMode.AUTO, description="What to do with an unfinished scan of this workbook.")
    resume_from_package: int | None = Field(None, ge=1, description="Begin at this package, counted from 1.")
    resume_from_batch: int | None = Field(None, ge=1, description="Begin at this batch, counted from 1.")
    force_continue: bool = Field(False, description="Go on with an unfinished scan whatever its validation finds.")
    merge_strategy: MergeStrategy = Field(MergeStrategy.MERGE, description="Who wins a cell that both changed.")
    lock_timeout_s: float = Field(60, ge=0, le=86_400, description="Seconds to wait for a workbook that is open.")
    format_check: bool = Field(False, description="Mend cells whose colours do not say what their text says.")
    upgrade_sheet: bool = Field(False, description="Add or renew the sheet Vetbook upgrades in the workbook.")
    summary_sheet: bool = Field(False, description="Add or renew the sheet Vetbook summary in the workbook.")
    # Only a terminal can fill these two: they have no place in the form of a deployment.
    interactive: Annotated[bool, SkipJsonSchema()] = Field(
        False, description="Ask on the terminal about cells that both sides changed."
    )
    display: Annotated[DisplayKind, SkipJsonSchema()] = Field(DisplayKind.LINES, description="How progress is shown.")

    @property
    def own_sheets(self) -> tuple[SheetKind, ...]:
        """The sheets of ours that are wanted."""
        wanted = {SheetKind.SUMMARY: self.summary_sheet, SheetKind.UPGRADES: self.upgrade_sheet}
        return tuple(kind for kind, asked in wanted.items() if asked)

    @property
    def recovery(self) -> RecoveryOptions:
        """The same as the batch design has it: numbers from 0."""
        custom = self.resume_from_package is not None or self.resume_from_batch is not None
        fresh = RecoveryMode.FRESH if self.resume is ResumeMode.FRESH else RecoveryMode.AUTO
        return RecoveryOptions(
            resume_mode=RecoveryMode.CUSTOM if custom else fresh,
            start_from_package=(self.resume_from_package or 1) - 1,
            start_from_batch=(self.resume_from_batch or 1) - 1,
            force_continue=self.force_continue,
            validate_excel_state=not self.force_continue,
            merge_strategy=self.merge_strategy,
        )
