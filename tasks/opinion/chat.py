"""A model behind the chat completions API, as OpenAI, Azure OpenAI and compatible servers speak it.

Source: platform.openai.com/docs/api-reference/chat/create and
learn.microsoft.com/azure/ai-services/openai/reference#chat-completions. Neither temperature nor a limit of the answer's
length is sent: newer models refuse the former and have renamed the latter.
"""

from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.opinion.choice import AskedModel
from tasks.opinion.interface import Prompt, Reply
from tasks.settings.services import ModelProvider

__all__ = ["ChatModel"]

_Tokens = Annotated[int, Field(ge=0, le=1_000_000_000)]


class _Part(BaseModel):
    """Base of what is read of the envelope: servers add keys of their own."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Message(_Part):
    content: str


class _Choice(_Part):
    message: _Message
    finish_reason: str | None = None


class _Usage(_Part):
    total_tokens: _Tokens | None = None


class _Completion(_Part):
    choices: tuple[_Choice, ...] = Field(min_length=1)


class _Counted(_Part):
    usage: _Usage | None = None


class ChatModel:
    """`Adviser` by the project's HTTP client, which holds the address and the key."""

    def __init__(self, client: HttpClient, model: AskedModel) -> None:
        self._client = client
        self._model = model

    async def ask(self, prompt: Prompt) -> Reply:
        """One question, one answer; see `Adviser`. An answer of another shape, or cut short, is an empty text."""
        answer = await self._client.post_json(ServiceName.AI, self._path(), self._payload(prompt))
        return _reply(answer)

    def _path(self) -> str:
        if self._model.provider is not ModelProvider.AZURE:
            return "/chat/completions"
        deployment, version = quote(self._model.model, safe=""), quote(self._model.api_version, safe="")
        return f"/openai/deployments/{deployment}/chat/completions?api-version={version}"

    def _payload(self, prompt: Prompt) -> dict[str, Any]:
        messages = [{"role": "system", "content": prompt.rules}, {"role": "user", "content": prompt.data}]
        form = {"response_format": {"type": "json_object"}} if self._model.json_mode else {}
        return {"model": self._model.model, "messages": messages, "stream": False, **form}


def _reply(answer: Any) -> Reply:
    tokens = _tokens(answer)
    try:
        first = _Completion.model_validate(answer).choices[0]
    except ValidationError:
        return Reply("", tokens)
    return Reply("" if first.finish_reason == "length" else first.message.content, tokens)


def _tokens(answer: Any) -> int | None:
    try:
        usage = _Counted.model_validate(answer).usage
    except ValidationError:
        return None
    return usage.total_tokens if usage is not None else None
