"""What is known of a project's advisories without asking anybody: for rows whose sources have just failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.advisories.model import Advisory
from tasks.sources.interface import AdvisoryCache, AdvisoryRef
from tasks.sources.kept_index import KeptIndex

__all__ = ["NOTHING_AT_HAND", "AtHand"]


@dataclass(frozen=True, slots=True)
class AtHand:
    """What earlier runs kept; None: nothing is kept. Never evidence of safety, only of what to ask about."""

    index: KeptIndex | None = None
    cache: AdvisoryCache | None = None

    def refs(self, names: Sequence[str]) -> Mapping[str, tuple[AdvisoryRef, ...]]:
        """The advisories that named each project when it was last asked about, where that is kept."""
        return self.index.usable(names) if self.index is not None and names else {}

    def records(self, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
        """Those records by id that are kept in exactly this state."""
        return self.cache.get_many(refs) if self.cache is not None and refs else {}


NOTHING_AT_HAND = AtHand()
