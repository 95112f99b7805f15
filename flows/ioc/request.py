"""What an IOC scan is asked to do: the flow's parameters, as the command line and the Prefect UI fill them."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tasks.ioc.config import BatchStrategy


class IocRequest(BaseModel):
    """The parameters of one IOC scan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    org: str = Field(min_length=1, description="The GitHub organisation, or a user.")
    repositories: tuple[str, ...] = Field((), description="Only these repositories.")
    team: str | None = Field(None, description="Only this team's repositories (its slug).")
    team_first_org: bool = Field(False, description="The whole organisation, each team's (or that team's) first.")
    fast: bool = Field(False, description="Only files in the top folder of each repository.")
    include_archived: bool = Field(False, description="Archived repositories too.")
    indicators: tuple[Path, ...] = Field((), description="Lists of malicious packages; empty: the advisory store.")
    allow: tuple[Path, ...] = Field((), description="Lists of packages that are not reported.")
    config: Path | None = Field(None, description="Settings file, YAML or JSON.")
    data_dir: Path = Field(Path("data"), description="Folder for checkpoints, results and what is kept.")
    json_file: Path | None = Field(None, description="Write the whole result here as JSON.")
    sarif: Path | None = Field(None, description="Write the findings here as SARIF.")
    cyclonedx: Path | None = Field(None, description="Write the findings here as CycloneDX.")
    inventory: Path | None = Field(None, description="Write every package here, one JSON object a line.")
    output: Path | None = Field(None, description="Write a findings workbook here.")
    github_block: str | None = Field(None, description="Name of a saved GitHub block with the credentials.")
    batch_strategy: BatchStrategy | None = Field(None, description="How much is asked at once.")
    batch_size: int | None = Field(None, ge=1, le=100, description="Files per batch.")
    max_concurrent: int | None = Field(None, ge=1, le=50, description="Requests in flight.")
    max_repos: int | None = Field(None, ge=1, le=10, description="Repositories at a time.")
    rate_limit_buffer: float | None = Field(None, ge=0.1, le=1, description="Share of the rate limit that is used.")
    cross_repo: bool | None = Field(None, description="Batches hold files of several repositories.")
    max_wait_s: float = Field(900, ge=0, le=86_400, description="Seconds to wait for a used-up rate limit.")
    start_fresh: bool = Field(False, description="Ignore an unfinished scan and read every file again.")

    @property
    def target(self) -> str:
        """What is scanned, as checkpoints name it: scans of one target go on with each other."""
        parts = [f"github:{self.org}"]
        parts += [f"repo={name}" for name in sorted(self.repositories)]
        parts += [f"team={self.team}"] if self.team and not self.team_first_org else []
        parts += ["fast"] if self.fast else []
        parts += ["archived"] if self.include_archived else []
        return " ".join(parts)
