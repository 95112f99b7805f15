"""Reading a model's answer: strictly the shape asked for, about the packages and advisories that were shown."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, ValidationError

from tasks.opinion.evidence import PackageEvidence
from tasks.opinion.interface import AnswerRefused
from tasks.review.model import Concern, Opinion
from tasks.sources.interface import Plain
from tasks.text.plain import one_line

__all__ = ["AnsweredOpinion", "read_answer"]

LONGEST_REASON = 400
MOST_IDS = 50
LONGEST_ANSWER = 100_000
_SHOWN = 80

_Name = Annotated[str, Field(max_length=200)]


class AnsweredOpinion(Plain):
    """One element of the answer. confidence is the model's own."""

    package: _Name
    concern: Concern
    confidence: float = Field(ge=0, le=1, strict=True)
    ids: tuple[_Name, ...] = Field((), max_length=MOST_IDS)
    reason: str = Field("", max_length=LONGEST_REASON)


class _Answer(Plain):
    opinions: tuple[AnsweredOpinion, ...]


def read_answer(
    text: str, packages: Mapping[str, PackageEvidence], model: str, asked_at: datetime
) -> dict[str, Opinion]:
    """The opinions by package key; a package that is left out has none. asked_at is naive UTC.

    AnswerRefused for anything but the JSON object that was asked for, for a package or an advisory that was not in the
    question, and for two opinions on one package: an answer that is wrong in one place is not believed in another.
    """
    if len(text) > LONGEST_ANSWER:
        raise AnswerRefused(f"the answer is longer than {LONGEST_ANSWER:,} characters")
    try:
        answer = _Answer.model_validate_json(text)
    except ValidationError as error:
        raise AnswerRefused(_first(error)) from error
    found: dict[str, Opinion] = {}
    for one in answer.opinions:
        _check(one, packages, found)
        ids = tuple(sorted(set(one.ids)))
        reason = one_line(one.reason.strip())
        found[one.package] = Opinion(
            concern=one.concern, confidence=one.confidence, ids=ids, reason=reason, model=model, asked_at=asked_at
        )
    return found


def _check(one: AnsweredOpinion, packages: Mapping[str, PackageEvidence], found: Mapping[str, Opinion]) -> None:
    if one.package not in packages:
        raise AnswerRefused(f"the answer is about a package that was not asked about ({one_line(one.package, _SHOWN)})")
    if one.package in found:
        raise AnswerRefused(f"the answer holds two opinions on one package ({one.package})")
    unknown = sorted(set(one.ids) - packages[one.package].names)
    if unknown:
        raise AnswerRefused(f"the answer names an advisory that was not shown ({one_line(unknown[0], _SHOWN)})")


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "the answer is not the JSON object that was asked for"
    place = ".".join(str(part) for part in first["loc"])
    return one_line(f"the answer is not of the shape that was asked for ({place}: {first['msg']})", 200)
