"""The sources of a run that may not ask anybody and has no snapshot: every question is "could not check"."""

from collections.abc import Mapping, Sequence

from tasks.advisories.model import Advisory
from tasks.errors import SourceOffline
from tasks.sources.interface import AdvisoryRef, ProjectFacts

__all__ = ["OfflineAdvisories", "OfflineProjects"]


class OfflineProjects:
    """`ProjectSource` that always raises SourceOffline."""

    async def project(self, name: str, installed: str | None) -> ProjectFacts:  # noqa: ARG002 - the protocol's
        """Raise SourceOffline."""
        raise SourceOffline(f"pypi: {name} was not asked for because of --offline; run once without --offline.")


class OfflineAdvisories:
    """`AdvisorySource` that always raises SourceOffline."""

    async def index(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """Raise SourceOffline where anything is asked."""
        if not names:
            return {}
        raise SourceOffline(f"osv: {_some(names)} not asked for because of --offline; run once without --offline.")

    async def advisories(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Raise SourceOffline where anything is asked."""
        if not refs:
            return {}
        ids = [ref.id for ref in refs]
        raise SourceOffline(f"osv: {_some(ids)} not asked for because of --offline; run once without --offline.")


def _some(names: Sequence[str]) -> str:
    return f"{names[0]} was" if len(names) == 1 else f"{names[0]} and {len(names) - 1} more were"
