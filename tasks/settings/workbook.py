"""Settings of what is read: the workbook, decisions about findings, and what upgrades have to run on."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from tasks.settings.section import Section
from tasks.workbook.model import Field as Column

__all__ = ["DecisionSettings", "ExcelSettings", "Letter", "UpgradeSettings"]

Letter = Annotated[str, Field(pattern=r"^[A-Za-z]{1,3}$")]


class ExcelSettings(Section):
    """The workbook's layout; everything unset is found from the headers."""

    sheet_name: str | None = Field(None, description="The sheet; unset: the one whose headers fit.")
    header_row: int | None = Field(None, ge=1, le=1_048_576, description="Row of the headers, counted from 1.")
    data_start_row: int | None = Field(None, ge=1, le=1_048_576, description="First row of packages, counted from 1.")
    columns: dict[Column, Letter] | None = Field(
        None, description="Field key to column letter; a field left out is never written."
    )


class DecisionSettings(Section):
    """Reviewers' decisions about findings."""

    file: Path | None = Field(
        None, description="YAML file of decisions, beside the sheet Decisions; relative to the settings file."
    )


class UpgradeSettings(Section):
    """The upgrade plan."""

    python: str | None = Field(
        None,
        pattern=r"^[23]\.\d{1,3}(\.\d{1,3})?$",
        description="Python that upgrades have to run on, such as 3.11; others are marked.",
    )
