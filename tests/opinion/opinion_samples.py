"""Open rows, a consultant, and a language model on loopback, for the tests of second opinions."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.advisories.model import Advisory
from tasks.engine.model_terms import model_terms
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName, public_policies
from tasks.opinion.at_hand import NOTHING_AT_HAND, AtHand
from tasks.opinion.budget import Budget
from tasks.opinion.chat import ChatModel
from tasks.opinion.choice import AskedModel
from tasks.opinion.consult import Consultant
from tasks.opinion.kept import KeptOpinions
from tasks.review.model import PackageKey, PackageReview
from tasks.review.reviewer import Reviewer
from tasks.settings.services import ModelProvider
from tasks.sources.answer_store import AnswerStore
from tests.review.review_samples import NOW, Advisories, Projects, advisory, facts, key

OPEN_VERSION = "latest (see notes)"
KEY = "sk-this-is-s3cret"

Opinions = Callable[[dict[str, Any]], Any]
"""From the packages of a question, by their keys, to the content of the model's message."""


def open_key(name: str = "demo") -> PackageKey:
    """A row whose version cannot be compared with anything."""
    return key(None, name=name, text=OPEN_VERSION)


def raising(packages: dict[str, Any]) -> Any:
    """Concern about every package, by its first advisory."""
    return [
        {"package": name, "concern": "raise", "confidence": 0.8, "ids": [p["records"][0]["id"]], "reason": "old"}
        for name, p in packages.items()
    ]


def silent(packages: dict[str, Any]) -> Any:
    """No concern about any."""
    return [{"package": name, "concern": "none", "confidence": 0.9, "ids": [], "reason": ""} for name in packages]


def shown(request: Request) -> dict[str, Any]:
    """The packages of a question as the server got it."""
    data = request.get_json()["messages"][1]["content"]
    found = re.fullmatch(r"<<<DATA\n(.*)\nDATA>>>", data)
    assert found is not None
    packages: dict[str, Any] = json.loads(found[1])["packages"]
    return packages


def completion(content: str, tokens: int | None = 500) -> Response:
    """A chat completion; tokens None: the server does not count."""
    usage = {} if tokens is None else {"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": tokens}}
    message = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return Response(json.dumps({"id": "x", "choices": [message], **usage}), content_type="application/json")


@dataclass
class ModelServer:
    """A model behind `/v1/chat/completions` of a server; requests are those that came."""

    server: HTTPServer
    opinions: Opinions = raising
    tokens: int | None = 500
    instead: Callable[[Request], Response] | None = None
    requests: list[Request] = field(default_factory=list)
    path: str = "/v1/chat/completions"

    def __post_init__(self) -> None:
        self.server.expect_request(self.path, method="POST").respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        request.get_data()
        self.requests.append(request)
        if self.instead is not None:
            return self.instead(request)
        return completion(json.dumps({"opinions": self.opinions(shown(request))}), self.tokens)

    def asked(self, **more: Any) -> AskedModel:
        """The settings that name this server."""
        base = self.server.url_for("/v1")
        return AskedModel(**{"provider": ModelProvider.OPENAI, "base_url": base, "model": "m-1", **more})


async def _no_sleep(_: float) -> None:
    await asyncio.sleep(0)


def client_for(model: AskedModel) -> HttpClient:
    """The project's client with a key for the model's server, and no wait between tries."""
    policy = public_policies()[ServiceName.AI]
    names = {"OPENAI_API_KEY": KEY, "AZURE_OPENAI_KEY": KEY}
    terms = model_terms(policy, model, names, attempts=5, address=model.base_url)
    return HttpClient({ServiceName.AI: terms}, sleep=_no_sleep)


def review_all(keys: Sequence[PackageKey], records: Sequence[Advisory]) -> tuple[PackageReview, ...]:
    """The rows as they are without a model."""
    return asyncio.run(_reviewed(keys, Advisories(records)))


async def _reviewed(keys: Sequence[PackageKey], advisories: Advisories) -> tuple[PackageReview, ...]:
    reviewer = Reviewer(Projects(facts()), advisories, lambda: NOW)
    return await reviewer.review_batch(keys, await advisories.index([k.project for k in keys]))


@dataclass
class Consulted:
    """Rows reviewed without and with a model."""

    plain: tuple[PackageReview, ...]
    reviews: tuple[PackageReview, ...]
    budget: Budget


def consulted(
    model: AskedModel,
    keys: Sequence[PackageKey] | None = None,
    records: Sequence[Advisory] | None = None,
    *,
    store: AnswerStore | None = None,
    budget: Budget | None = None,
    at_hand: AtHand = NOTHING_AT_HAND,
    failing: Advisories | None = None,
    rounds: int = 1,
    offline: bool = False,
) -> Consulted:
    """Rows reviewed and a model asked about them, over the wire; rounds are batches that share a budget."""

    async def run() -> Consulted:
        advisories = failing or Advisories([advisory("GHSA-1")] if records is None else records)
        wanted = list(keys or [open_key()])
        spent = budget or Budget(model.max_requests, model.max_tokens, model.max_seconds)
        async with client_for(model) as client:
            adviser = None if offline else ChatModel(client, model)
            kept = KeptOpinions(store, model)
            consultant = Consultant(model, adviser, advisories, kept, spent, at_hand, lambda: NOW)
            plain = await _reviewed(wanted, advisories)
            refs = await advisories.index([k.project for k in wanted])
            for _ in range(rounds):
                found = await consultant.consult(plain, refs)
        return Consulted(plain, found, spent)

    return asyncio.run(run())
