"""What a source of facts is: the answers, as plain values, and the two questions the scan asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from tasks.advisories.model import Advisory


class Plain(BaseModel):
    """Base of all values that are stored as JSON: frozen, and strict about unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ProjectFacts(Plain):
    """What PyPI says of one project and one installed version of it.

    Times are naive UTC, whole seconds. latest_version is the highest stable release by PEP 440 that is
    not yanked (the highest pre-release where there is nothing else). released_at is None when the
    installed version is not among the releases. stable_versions, pre_releases and yanked_versions have no version in
    common; pythons are the Requires-Python of versions that state one. bounds are the requirements with an upper bound
    or a pin, as described_version asks for them.
    """

    name: str
    found: bool
    latest_version: str | None = None
    latest_released_at: datetime | None = None
    released_at: datetime | None = None
    installed_yanked: bool = False
    requires: tuple[str, ...] = ()
    development_status: str | None = None
    github_url: str | None = None
    stable_versions: tuple[str, ...] = ()
    pre_releases: tuple[str, ...] = ()
    yanked_versions: tuple[str, ...] = ()
    pythons: dict[str, str] = Field(default_factory=dict)
    described_version: str | None = None
    bounds: tuple[str, ...] = ()

    def without_versions(self) -> "ProjectFacts":
        """The same without its lists of versions: hundreds that nothing downstream asks for."""
        none: dict[str, object] = {"stable_versions": (), "pre_releases": (), "yanked_versions": (), "pythons": {}}
        return self.model_copy(update=none)


class AdvisoryRef(Plain):
    """An advisory's id and the RFC 3339 time of its last change: together they name one exact record."""

    id: str
    modified: str


class ProjectSource(Protocol):
    """Where project facts come from."""

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        """Facts about one project by PEP 503 name; found=False where it does not exist; SourceError otherwise."""
        ...


class AdvisorySource(Protocol):
    """Where advisories come from."""

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Every advisory that names each PyPI project, by PEP 503 name; a name without any has an empty tuple.

        A name that is left out could not be answered for; SourceError when none could be.
        """
        ...

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """The records by id, each asked for at most once in the life of this source; SourceError otherwise."""
        ...


class AdvisoryCache(Protocol):
    """Where advisories are kept between runs; it never raises for what it merely does not have."""

    def get_many(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Those kept of exactly these records, by id."""
        ...

    def put_many(self, records: Mapping[AdvisoryRef, Advisory]) -> None:
        """Keep each record under the reference it was asked by, in place of older ones."""
        ...
