"""What a language model is to this product: something that takes two texts and gives one back.

NoOpinion                the model was not heard; the review stays as it is, and a line of the report says why
├── BudgetSpent          the scan's requests, tokens or seconds are used up: raise the setting, or let it be
└── AnswerRefused        an answer came that is not what was asked for (shape, unknown packages or advisories)
"""

from dataclasses import dataclass
from typing import Protocol

from tasks.errors import VetbookError

__all__ = ["Adviser", "AnswerRefused", "BudgetSpent", "NoOpinion", "Prompt", "Reply"]


class NoOpinion(VetbookError):
    """The model was not heard; never a failure of the scan."""


class BudgetSpent(NoOpinion):
    """What a scan may spend on the model is spent; the message names the setting."""


class AnswerRefused(NoOpinion):
    """The model's answer is not one to what was asked; nothing of it is used."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is given: the product's own rules, and the data they are about."""

    rules: str
    data: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered; tokens of question and answer as the server counted them, None where it did not."""

    text: str
    tokens: int | None = None


class Adviser(Protocol):
    """A model that can be asked."""

    async def ask(self, prompt: Prompt) -> Reply:
        """One question, one answer, an empty text where there is none; SourceError after all retries."""
        ...
