"""Keeping tens of thousands of reviews in little memory: what is equal is kept once."""

from pydantic import BaseModel

from tasks.review.model import PackageReview, SourceAnswer

_MOST = 20_000
"""Distinct values that are kept once, of each kind; beyond that they stay as they are."""


class Compactor:
    """Makes reviews share their equal parts: most packages get the same answers and sets of fields."""

    def __init__(self) -> None:
        self._answers: dict[SourceAnswer, SourceAnswer] = {}
        self._fields: dict[frozenset[str], set[str]] = {}

    def compact(self, review: PackageReview) -> PackageReview:
        """A review equal to the given one."""
        sources = {name: self._answer(answer) for name, answer in review.sources.items()}
        compact = review.model_copy(update={"sources": sources})
        for part in (compact, compact.facts, compact.recommendation, *compact.vulnerabilities):
            if part is not None:
                self._share_fields(part)
        return compact

    def _answer(self, answer: SourceAnswer) -> SourceAnswer:
        self._share_fields(answer)
        if len(self._answers) >= _MOST:
            return self._answers.get(answer, answer)
        return self._answers.setdefault(answer, answer)

    def _share_fields(self, part: BaseModel) -> None:
        # Each value has a set of its own that names the fields it was given: the largest part of a small one.
        own = part.model_fields_set
        shared = self._fields.setdefault(frozenset(own), own)
        object.__setattr__(part, "__pydantic_fields_set__", shared)
