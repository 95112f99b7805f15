"""A language model's opinions in reports: those that raise concern, in our words and marked as the model's."""

from collections.abc import Iterable

from tasks.history.scanmodel import OpinionEntry, PackageEntry
from tasks.review.model import Concern

__all__ = ["by_model", "raised"]


def raised(packages: Iterable[PackageEntry]) -> list[tuple[PackageEntry, OpinionEntry]]:
    """The packages about which a model is concerned, most confident first; other opinions say nothing to act on."""
    found = [(p, p.opinion) for p in packages if p.opinion is not None and p.opinion.concern is Concern.RAISE]
    return sorted(found, key=lambda pair: -pair[1].confidence)


def by_model(opinion: OpinionEntry) -> str:
    """Whose opinion it is, and how sure the model says that it is."""
    return f"{opinion.model} (confidence {100 * opinion.confidence:.0f} %)"
