"""GitHub's REST and GraphQL interfaces behind one budget: one question, one answer, every failure named once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tasks.errors import SourceAnswerInvalid, SourceUnavailable
from tasks.github.budget import Budget
from tasks.github.errors import AuthenticationFailed, RepositoryInaccessible
from tasks.http.client import HttpClient
from tasks.http.message import Answer, InvalidAnswer, ServiceRequest, read_json
from tasks.http.metrics import charge, measured
from tasks.http.policy import ServiceName
from tasks.http.verdict import Kind, Outcome, judge

__all__ = ["RAW", "Credentials", "GitHubApi", "GraphQLAnswer"]

T = TypeVar("T")

RAW = "application/vnd.github.raw+json"
"""Content as it is, not in base64: up to 100 MB (docs.github.com/rest/git/blobs)."""

LIMITED_TRIES = 10
"""Being told "too many requests" is no failure of the request; each wait is bounded by the budget's max_wait_s."""

_OVERTAXED = frozenset({500, 502, 504})
"""How GraphQL answers a query that asks for too much (github.com/cli/cli/issues/12715)."""
_GONE = {
    HTTPStatus.FORBIDDEN: "may not be read with this token",
    HTTPStatus.NOT_FOUND: "is not there, or the token may not see it",
    HTTPStatus.GONE: "is gone",
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "is blocked for legal reasons",
}
# The rate limits too: the client knows one request, the budget knows them all.
_HANDLED = frozenset({401, 409, 429, *(int(status) for status in _GONE)})


class Credentials(Protocol):
    """Where the token of each request comes from, if not from the client's own policy."""

    async def token(self, client: HttpClient) -> str:
        """A token that is good now; SourceError where none is to be had."""
        ...


@dataclass(frozen=True, slots=True)
class GraphQLAnswer:
    """data (empty where there is none) and errors of a query; overtaxed: the server gave it up."""

    data: Mapping[str, Any]
    errors: Sequence[Mapping[str, Any]] = ()
    overtaxed: bool = False

    def reason(self) -> str:
        """What the first error says, on one line."""
        said = str(self.errors[0].get("message", "")) if self.errors else "no reason given"
        return "".join(c if c.isprintable() else " " for c in said)[:200]


class GitHubApi:
    """Asks GitHub on one event loop; raises BudgetExhausted, AuthenticationFailed or another SourceError."""

    def __init__(self, client: HttpClient, budget: Budget, credentials: Credentials | None = None) -> None:
        self._client = client
        self._credentials = credentials
        self._refused: AuthenticationFailed | None = None
        self.budget = budget

    @property
    def address(self) -> str:
        """The base URL without credentials: what kept answers are labelled with."""
        return self._client.address(ServiceName.GITHUB)

    async def learn_limits(self) -> None:
        """Ask for the state of the rate limits, which costs nothing, and notice a bad token before all else."""
        request = ServiceRequest(ServiceName.GITHUB, "/rate_limit", accept=_HANDLED)
        state = await self._ask("rate_limit", request, read_json)
        # 404: rate limiting is switched off (GitHub Enterprise Server).
        if not isinstance(state, _Turned):
            self.budget.observe_all(state)

    async def get(
        self, path: str, reader: Callable[[Answer], T], *, what: str, headers: Mapping[str, str] | None = None
    ) -> T | None:
        """What reader makes of the answer; None for a repository without commits (409).

        what names the thing in the error: RepositoryInaccessible for 403, 404, 410 and 451.
        """
        accept = _HANDLED | ({int(HTTPStatus.NOT_MODIFIED)} if headers and "If-None-Match" in headers else set())
        return await self._get(ServiceRequest(ServiceName.GITHUB, path, headers=headers, accept=accept), reader, what)

    async def download(self, path: str, target: Path, *, what: str) -> None:
        """Write the raw content at path to target, which is overwritten; OSError where it cannot be written.

        what names the thing in the error: RepositoryInaccessible where it is not there.
        """
        headers = {"Accept": RAW}
        request = ServiceRequest(ServiceName.GITHUB, path, headers=headers, accept=_HANDLED, target=target)
        if await self._get(request, lambda answer: answer, what) is None:
            raise RepositoryInaccessible(f"{what} is not there: the repository is empty.")

    async def _get(self, request: ServiceRequest, reader: Callable[[Answer], T], what: str) -> T | None:
        value = await self._ask("core", request, reader)
        if not isinstance(value, _Turned):
            return value
        if value.status == HTTPStatus.CONFLICT:
            return None
        raise RepositoryInaccessible(f"{what} {_GONE[HTTPStatus(value.status)]} (HTTP {value.status}).")

    async def graphql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, may_be_too_much: bool = False
    ) -> GraphQLAnswer:
        """Data and errors; with may_be_too_much a 500, 502 or 504 is no failure but says "ask for less"."""
        accept = _HANDLED | (_OVERTAXED if may_be_too_much else frozenset())
        payload = {"query": query, "variables": dict(variables or {})}
        request = ServiceRequest(ServiceName.GITHUB, self._graphql_path, "POST", payload=payload, accept=accept)
        for _ in range(LIMITED_TRIES):
            answer = await self._ask("graphql", request, _read_graphql)
            if isinstance(answer, _Turned):
                raise SourceAnswerInvalid(
                    f"github (GraphQL): HTTP {answer.status}; sources.github.base_url has to lead to GitHub's API."
                )
            if not any(error.get("type") == "RATE_LIMITED" for error in answer.errors):
                return answer
            self.budget.spent("graphql")
        raise SourceUnavailable("github (GraphQL): the rate limit stayed used up; run again later.")

    @property
    def _graphql_path(self) -> str:
        # docs.github.com/enterprise-server/graphql/guides/forming-calls-with-graphql: /api/graphql beside /api/v3.
        return "/../graphql" if self.address.endswith("/api/v3") else "/graphql"

    async def _ask(self, bucket: str, request: ServiceRequest, reader: Callable[[Answer], T]) -> "T | _Turned":
        tries = 0
        while True:
            if self._refused is not None:
                raise self._refused
            async with self.budget.turn(bucket) as sent_at:
                headers, value = await self._once(request, reader)
            self.budget.observe(bucket, headers)
            if not isinstance(value, _Turned):
                return value
            if value.outcome.kind is not Kind.LIMITED:
                self._check(value)
                return value
            tries += 1
            self.budget.limited(sent_at, headers, value.outcome.retry_after_s)
            if tries == LIMITED_TRIES:
                raise SourceUnavailable(f"github: {value.outcome.reason} after {tries} attempts; run again later.")

    async def _once(
        self, request: ServiceRequest, reader: Callable[[Answer], T]
    ) -> "tuple[Mapping[str, str], T | _Turned]":
        signed = await self._signed(request)
        try:
            with measured() as cost:
                return await self._client.read(signed, lambda answer: (answer.headers, _sorted(answer, reader)))
        finally:
            charge(cost)
            self.budget.count(cost.of(ServiceName.GITHUB).requests - 1)

    def _check(self, turned: "_Turned") -> None:
        if turned.status == HTTPStatus.UNAUTHORIZED:
            self._refused = AuthenticationFailed(
                "GitHub does not accept the token (HTTP 401: missing, expired or revoked): set GITHUB_TOKEN."
            )
            raise self._refused

    async def _signed(self, request: ServiceRequest) -> ServiceRequest:
        if self._credentials is None:
            return request
        token = await self._credentials.token(self._client)
        return replace(request, headers={**(request.headers or {}), "Authorization": f"Bearer {token}"})


@dataclass(frozen=True, slots=True)
class _Turned:
    """Turned down, with this status."""

    status: int
    outcome: Outcome


def _sorted(answer: Answer, reader: Callable[[Answer], T]) -> T | _Turned:
    if answer.status not in _HANDLED:
        return reader(answer)
    return _Turned(answer.status, judge(answer, frozenset(), time.time()))


def _read_graphql(answer: Answer) -> GraphQLAnswer:
    if answer.status in _OVERTAXED:
        return GraphQLAnswer({}, (), overtaxed=True)
    value = read_json(answer)
    if not isinstance(value, dict):
        raise InvalidAnswer("the answer to a GraphQL query is not an object")
    data, errors = value.get("data"), value.get("errors")
    known = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return GraphQLAnswer(data if isinstance(data, dict) else {}, known)
