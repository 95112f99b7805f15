"""One request to a service, one answer, and reading an answer as JSON."""

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson

from tasks.http.policy import ServiceName

__all__ = [
    "Answer",
    "Change",
    "InvalidAnswer",
    "JsonAnswer",
    "ServiceRequest",
    "Validators",
    "read_body",
    "read_change",
    "read_json",
]


class InvalidAnswer(ValueError):
    """A successful status with content that cannot be an answer; `str()` says why. The client asks again."""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What to ask of which service.

    path starts with "/" and is appended to the service's base URL, already percent-encoded; payload is sent
    as JSON. accept lists the statuses beside 200 to 299 that are answers (304, 404). With target the
    body goes to that file (replaced at every attempt; the caller renames it) and Answer.body is empty.
    """

    service: ServiceName
    path: str
    method: str = "GET"
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    payload: Any = None
    accept: frozenset[int] = frozenset()
    target: Path | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: status, headers by lower-case name, decoded body, and its size in bytes."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    size: int

    @property
    def missing(self) -> bool:
        """Whether the service says that there is no such thing."""
        return self.status == HTTPStatus.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Validators:
    """What a service gave with an answer to ask later whether it still holds (RFC 9110, 8.8); verbatim."""

    etag: str | None = None
    last_modified: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The conditions to send (RFC 9110, 13.1); none where there is nothing to compare with."""
        conditions = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in conditions.items() if value}


class Change(Enum):
    """What became of an answer that is held already."""

    NEW = "new"
    UNCHANGED = "unchanged"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """An answer to a conditional question; value only where NEW, validators those of this answer."""

    change: Change
    value: Any = None
    validators: Validators = Validators()


def read_json(answer: Answer) -> Any:
    """The body as a JSON object or array; InvalidAnswer where it is HTML, empty, cut short or anything else."""
    body = read_body(answer)
    if body[:64].lstrip()[:1] == b"<":
        raise InvalidAnswer("an HTML page came instead of JSON (a proxy's or a sign-in page?)")
    try:
        value = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise InvalidAnswer("the JSON is cut short or malformed") from error
    if not isinstance(value, dict | list):
        raise InvalidAnswer("the JSON is neither an object nor an array")
    return value


def read_change(answer: Answer) -> JsonAnswer:
    """A 304, a 404 that is JSON, or a new JSON value with its validators; InvalidAnswer as `read_json`."""
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return JsonAnswer(Change.UNCHANGED)
    value = read_json(answer)
    if answer.missing:
        return JsonAnswer(Change.MISSING)
    return JsonAnswer(Change.NEW, value, Validators(answer.headers.get("etag"), answer.headers.get("last-modified")))


def read_body(answer: Answer) -> bytes:
    """The body; InvalidAnswer where it is empty."""
    if not answer.body:
        raise InvalidAnswer("the answer is empty")
    return answer.body
