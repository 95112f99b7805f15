"""What a sync is asked to do: the flow's parameters, as the command line and the Prefect UI fill them."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SyncSource(StrEnum):
    """The sources that can be synced."""

    OSV = "osv"
    KEV = "kev"
    EPSS = "epss"
    EXPLOITDB = "exploitdb"
    NVD = "nvd"


class SyncRequest(BaseModel):
    """The parameters of one sync."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Field(Path("data"), description="Folder of what is kept; the store is in its folder store.")
    config: Path | None = Field(None, description="Settings file, YAML or JSON.")
    sources: tuple[SyncSource, ...] = Field((), description="Only these; empty: osv, kev, exploitdb and epss.")
    ecosystems: tuple[str, ...] = Field(("PyPI",), description="OSV ecosystems, as OSV writes them.")
    nvd: bool = Field(False, description="Also NVD's year feeds, of the years that the advisories name.")
    allow_shrink: bool = Field(False, description="Take a source that has over 20 % fewer records than are held.")
    full: bool = Field(False, description="Download everything anew, changed or not.")
    epss_file: Path | None = Field(None, description="Take EPSS's scores from this file (CSV or CSV.gz).")
