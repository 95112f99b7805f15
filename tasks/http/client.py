"""The one HTTP client: every request of both flows goes through it.

Limits, retries and circuit breakers are per service and shared by all batches of the process; see `ServicePolicy`.
HTTP/1.1 only: HTTP/2 in pure Python costs more processor time than the connections it saves.
"""

import asyncio
import random as chance
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar

import httpx

from tasks.errors import SettingsError
from tasks.http.connections import Connections, trust
from tasks.http.lane import Lane, Timing
from tasks.http.message import Answer, JsonAnswer, ServiceRequest, Validators, read_body, read_change, read_json
from tasks.http.metrics import ServiceMetrics
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.http.redaction import guard_logs
from tasks.http.shared import OWN_LIMITS, SharedLimits
from tasks.http.window import Window

__all__ = ["HttpClient"]

T = TypeVar("T")

_MISSING = frozenset({int(HTTPStatus.NOT_FOUND)})
_UNCHANGED = frozenset({int(HTTPStatus.NOT_MODIFIED)})


class HttpClient:
    """Asks services by name; an asynchronous context manager that belongs to the event loop it is first used on.

    Every method raises SourceUnavailable (down, limited, too slow, circuit open), SourceAnswerInvalid (an answer
    that is not one, or a 4xx) or SourceRefused (401, 403), each after all retries and without secrets in the message.
    clock and wall give seconds (monotonic, and since the epoch); sleep, random and transport are there
    for tests; ca_bundle is a PEM file with further certificates to trust; shared, which the client closes, holds limits
    that count over several processes, windows those windows that do (in place of the policy's own).
    """

    def __init__(  # noqa: PLR0913 - all but the first are for set-up and tests
        self,
        policies: Mapping[ServiceName, ServicePolicy],
        *,
        ca_bundle: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Callable[[], float] = chance.random,
        transport: httpx.AsyncBaseTransport | None = None,
        shared: SharedLimits = OWN_LIMITS,
        windows: Mapping[ServiceName, Window] = MappingProxyType({}),
    ) -> None:
        self._policies = dict(policies)
        guard_logs()
        self._timing = Timing(clock, wall, sleep, random)
        self._ca_bundle = ca_bundle
        self._transport = transport
        self._shared = shared
        self._windows = windows
        self._verify: ssl.SSLContext | None = None
        self._lanes: dict[ServiceName, Lane] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for lane in self._lanes.values():
            await lane.aclose()
        await self._shared.aclose()

    def snapshot(self) -> Mapping[ServiceName, ServiceMetrics]:
        """The figures of every service asked so far."""
        return {service: lane.snapshot() for service, lane in self._lanes.items()}

    async def read(self, request: ServiceRequest, reader: Callable[[Answer], T]) -> T:
        """What reader makes of the answer; where reader raises InvalidAnswer, the service is asked again."""
        return await self._lane(request.service).ask(request, reader)

    async def get_json(
        self,
        service: ServiceName,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        missing_ok: bool = False,
    ) -> Any:
        """The JSON object or array at path; None for a 404 that is itself JSON, where missing_ok.

        A 404 with an HTML page comes from a wrong address or a proxy and says nothing about what was asked for.
        """
        accept = _MISSING if missing_ok else frozenset()
        return await self.read(ServiceRequest(service, path, "GET", params, headers, accept=accept), _json_or_missing)

    async def get_json_if_changed(self, service: ServiceName, path: str, held: Validators) -> JsonAnswer:
        """The JSON at path, unless the one whose validators are held still stands; a JSON 404 is MISSING."""
        conditions = held.headers
        accept = _MISSING | _UNCHANGED if conditions else _MISSING
        return await self.read(ServiceRequest(service, path, headers=conditions, accept=accept), read_change)

    def address(self, service: ServiceName) -> str:
        """The service's base URL without credentials: what kept answers are labelled with. SettingsError if unset."""
        return self._policy(service).address

    def count_hit(self, service: ServiceName) -> None:
        """Note that a kept answer was used without asking."""
        self._lane(service).count_hit()

    async def post_json(
        self, service: ServiceName, path: str, payload: Any, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The JSON answer to a JSON payload; only for questions, as it is sent again after a failure."""
        return await self.read(ServiceRequest(service, path, "POST", headers=headers, payload=payload), read_json)

    async def get_bytes(
        self,
        service: ServiceName,
        path: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        missing_ok: bool = False,
        check: Callable[[bytes], None] = lambda _: None,
    ) -> bytes | None:
        """The body at path; check raises InvalidAnswer for a body that is not whole; None for a 404 if missing_ok."""

        def reader(answer: Answer) -> bytes | None:
            if answer.missing:
                return None
            check(read_body(answer))
            return answer.body

        accept = _MISSING if missing_ok else frozenset()
        return await self.read(ServiceRequest(service, path, "GET", params, headers, accept=accept), reader)

    async def download(
        self,
        service: ServiceName,
        path: str,
        target: Path,
        headers: Mapping[str, str] | None = None,
        *,
        check: Callable[[Path], None] = lambda _: None,
    ) -> Answer:
        """Write the body at path to target, which is overwritten; the answer has status 200, or 304 with no body.

        check raises InvalidAnswer for a file that is not whole, and the download starts anew. After any error
        target may hold a part: give a temporary name and rename it. OSError where target cannot be written.
        """

        def reader(answer: Answer) -> Answer:
            if answer.status == HTTPStatus.OK:
                check(target)
            return answer

        request = ServiceRequest(service, path, headers=headers, accept=_UNCHANGED, target=target)
        return await self.read(request, reader)

    def _lane(self, service: ServiceName) -> Lane:
        self._check_loop()
        lane = self._lanes.get(service)
        if lane is None:
            policy = self._policy(service)
            connections = Connections(policy, self._trusted(), self._transport)
            lane = self._lanes[service] = Lane(
                service, policy, self._timing, connections, self._shared, self._windows.get(service)
            )
        return lane

    def _policy(self, service: ServiceName) -> ServicePolicy:
        policy = self._policies.get(service)
        if policy is None:
            raise SettingsError(f"No address is set for {service}; set sources.{service}.base_url.")
        return policy

    def _check_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise RuntimeError("HttpClient was first used on another event loop; make one client per loop")

    def _trusted(self) -> ssl.SSLContext:
        # Made once and late: loading the certificates costs some 30 ms.
        if self._verify is None:
            try:
                self._verify = trust(self._ca_bundle)
            except OSError as error:
                where = f"sources.ca_bundle {self._ca_bundle}" if self._ca_bundle else "SSL_CERT_FILE"
                raise SettingsError(f"{where} cannot be used ({error}); name a PEM file of certificates.") from error
        return self._verify


def _json_or_missing(answer: Answer) -> Any:
    value = read_json(answer)
    return None if answer.missing else value
