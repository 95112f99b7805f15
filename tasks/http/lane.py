"""Everything that concerns one service: its limits, its breaker, its connections, and the retries.

Retries happen here and nowhere else. The delay is a full-jitter exponential back-off
(https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), or what the service asked for.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TypeVar

import httpx

from tasks.errors import SourceError, SourceUnavailable
from tasks.http.breaker import Breaker
from tasks.http.connections import Connections
from tasks.http.exchange import AnswerTooLarge, exchange
from tasks.http.failures import failure, not_asked, outcome_of
from tasks.http.limiter import AdaptiveLimiter
from tasks.http.message import Answer, InvalidAnswer, ServiceRequest
from tasks.http.metrics import ServiceBooks, ServiceMetrics
from tasks.http.pacer import Pacer
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.http.shared import OWN_LIMITS, SharedLimits
from tasks.http.verdict import ANSWERED, Kind, Outcome, Unanswered, judge
from tasks.http.window import OwnWindow, Window

__all__ = ["Lane", "Timing"]

T = TypeVar("T")

BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 8.0
WISH_JITTER_S = 0.25
"""Added at random to the wait a service asks for, so that not all come back at once."""

SLOT_POLL_S = 0.1
"""Between two looks for a slot that other processes hold, at random around it."""

LIMITED_ATTEMPTS = 20
"""Being told "too many requests" is no failure of the request: the service is well, and the deadline bounds it."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from: monotonic seconds, seconds since the epoch, a sleep, 0.0 to 1.0."""

    clock: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]


class Lane:
    """One service on one event loop."""

    def __init__(
        self,
        service: ServiceName,
        policy: ServicePolicy,
        timing: Timing,
        connections: Connections,
        shared: SharedLimits = OWN_LIMITS,
        window: Window | None = None,
    ) -> None:
        self._service = service
        self._policy = policy
        self._timing = timing
        self._connections = connections
        self._shared = shared
        self._address = policy.address
        self._limiter = AdaptiveLimiter(policy.max_in_flight)
        in_window, window_s = policy.requests_in_window, policy.window_s
        self._pacer = Pacer(policy.requests_per_second, timing.clock, in_window, window_s)
        self._spacing = Pacer(policy.requests_per_second, timing.clock)
        own = OwnWindow(in_window, window_s, timing.clock) if in_window else None
        self._window = window if in_window and window is not None else own
        rate = policy.requests_per_second or (in_window / window_s if in_window else None)
        self._shared_interval = 1 / rate if rate else 0.0
        self._breaker = Breaker(policy.breaker_failures, policy.breaker_window_s, timing.clock)
        self._books = ServiceBooks(service)
        self._refused: Outcome | None = None

    def snapshot(self) -> ServiceMetrics:
        """The figures so far."""
        return self._books.snapshot(peak_in_flight=self._limiter.peak, breaker=self._breaker.state.value)

    def count_hit(self) -> None:
        """Note that a kept answer was used without asking."""
        self._books.count(cache_hits=1)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()

    async def ask(self, request: ServiceRequest, reader: Callable[[Answer], T]) -> T:
        """The answer as reader sees it; InvalidAnswer from reader means asking again. Raises SourceError."""
        try:
            return await self._ask(request, reader)
        except SourceError:
            self._books.count(failures=1)
            raise

    async def _ask(self, request: ServiceRequest, reader: Callable[[Answer], T]) -> T:
        left = self._policy.deadline_s
        tries = Counter[bool]()
        while True:
            left -= await self._turn(left, request)
            try:
                return await self._attempt(request, reader, left, fresh=not tries)
            except Unanswered as failed:
                tries[failed.outcome.kind is Kind.LIMITED] += 1
                left -= failed.spent
                wait = self._wait(failed.outcome, tries.total())
                if failed.outcome.final or self._spent(tries) or wait >= left or self._breaker.blocked:
                    raise self._failure(request, failed.outcome, tries.total(), left) from failed.__cause__
            await self._sleep(wait)
            left -= wait
            self._books.count(retries=1)

    def _spent(self, tries: Counter[bool]) -> bool:
        return tries[False] >= self._policy.attempts or tries[True] >= max(LIMITED_ATTEMPTS, self._policy.attempts)

    async def _turn(self, left: float, request: ServiceRequest) -> float:
        """Wait for a turn where the service wants a pause or an even rate; the seconds that count on the deadline."""
        self._check_open(request)
        held = self._pacer.held
        if held >= left:
            raise self._not_asked(f"it asked for a pause of {held:.0f} s")
        wait, most = self._pacer.expected(), self._policy.max_wait_s
        if most is not None and wait > most:
            raise self._not_asked(f"its rate limit would mean waiting {wait:.0f} s, allowed are {most:.0f} s")
        self._pacer.reserve()
        await self._sleep(wait)
        return held

    async def _shared_turn(self) -> None:
        """Wait for a turn among all processes that share this service's rate."""
        most = self._policy.max_wait_s
        wait = await self._shared.reserve(self._service, self._shared_interval, most)
        if most is not None and wait > most:
            raise self._not_asked(f"the shared rate limit would mean waiting {wait:.0f} s, allowed are {most:.0f} s")
        await self._sleep(wait)

    async def _attempt(self, request: ServiceRequest, reader: Callable[[Answer], T], left: float, *, fresh: bool) -> T:
        await self._limiter.acquire(urgent=not fresh)
        try:
            await self._shared_turn()
            async with self._place(request), self._shared_slot():
                # The turn was a plan: those whose turns passed while they waited for a place must not go in a bunch.
                await self._sleep(self._spacing.reserve())
                self._check_open(request, claim=True)
                value = await self._timed(request, reader, left)
        except Unanswered as failed:
            await self._learn(failed.outcome, fresh=fresh)
            raise
        except BaseException:
            # Cancelled, or a fault of ours: whoever comes next may probe.
            self._breaker.abandon()
            raise
        else:
            await self._learn(ANSWERED, fresh=fresh)
            return value
        finally:
            # Last, so that whoever is let in next sees what was learnt.
            self._limiter.release()

    @asynccontextmanager
    async def _place(self, request: ServiceRequest) -> AsyncIterator[None]:
        """A place in the service's window from the sending of one request to its end.

        The turn was a plan: what waited for one in flight after it may be sent much later.
        """
        if self._window is None:
            yield
            return
        while (place := self._window.take()).wait_s > 0:
            self._check_open(request)
            await self._sleep(place.wait_s)
        try:
            yield
        finally:
            self._window.give_back(place)

    @asynccontextmanager
    async def _shared_slot(self) -> AsyncIterator[None]:
        """One of the requests in flight among all processes that share this service."""
        lease = self._policy.deadline_s
        while (slot := await self._shared.enter(self._service, self._policy.max_in_flight, lease)) is None:
            await self._sleep(SLOT_POLL_S * (0.5 + self._timing.random()))
        try:
            yield
        finally:
            await self._shared.leave(self._service, slot)

    async def _timed(self, request: ServiceRequest, reader: Callable[[Answer], T], left: float) -> T:
        started = self._timing.clock()
        try:
            return await self._once(request, reader, left)
        except Unanswered as failed:
            failed.spent = self._timing.clock() - started
            raise
        finally:
            self._books.count(latency_s=self._timing.clock() - started)

    async def _once(self, request: ServiceRequest, reader: Callable[[Answer], T], left: float) -> T:
        client = self._connections.take()
        try:
            async with asyncio.timeout(left):
                wire = self._wire(client, request)
                answer = await exchange(client, wire, self._policy.max_bytes, request.target, self._count_request)
            self._books.count(received_bytes=answer.size)
            outcome = judge(answer, request.accept, self._timing.wall())
            if outcome is not ANSWERED:
                raise Unanswered(outcome)
            self._books.count(cache_hits=answer.status == HTTPStatus.NOT_MODIFIED)
            return reader(answer)
        except (AnswerTooLarge, InvalidAnswer, TimeoutError, httpx.TransportError, httpx.DecodingError) as error:
            raise Unanswered(outcome_of(error, self._policy)) from error
        finally:
            self._connections.give_back(client)

    def _wire(self, client: httpx.AsyncClient, request: ServiceRequest) -> httpx.Request:
        return client.build_request(
            request.method,
            self._address + request.path,
            params=request.params,
            headers=request.headers,
            json=request.payload,
        )

    def _count_request(self) -> None:
        self._books.count(requests=1)

    async def _learn(self, outcome: Outcome, *, fresh: bool) -> None:
        trips = self._breaker.trips
        self._breaker.record(outcome.kind, outcome.reason, fresh=fresh)
        self._books.count(breaker_trips=self._breaker.trips - trips, limited=outcome.kind is Kind.LIMITED)
        self._limiter.learn(outcome.kind, fresh=fresh)
        if outcome.kind is Kind.REFUSED and outcome.account_wide:
            self._refused = outcome
        if outcome.kind is Kind.LIMITED and (outcome.account_wide or self._policy.shared_limit):
            self._pacer.hold(outcome.retry_after_s or 0.0)
            await self._shared.hold(self._service, outcome.retry_after_s or 0.0)

    def _check_open(self, request: ServiceRequest, *, claim: bool = False) -> None:
        """Raise where asking is known to be in vain; claim makes this request the probe of a half-open breaker."""
        if self._refused is not None:
            raise failure(self._service, self._policy, request.path, self._refused, 1)
        breaker = self._breaker
        if not breaker.admit() if claim else breaker.blocked:
            window = f"{self._policy.breaker_window_s:g} s"
            raise self._not_asked(f"it failed too often in a row (last: {breaker.reason}), circuit open for {window}")

    def _not_asked(self, why: str) -> SourceUnavailable:
        self._books.count(not_asked=1)
        return not_asked(self._service, self._policy, why)

    def _failure(self, request: ServiceRequest, outcome: Outcome, attempts: int, left: float) -> SourceError:
        if outcome.retry_after_s is not None and outcome.retry_after_s >= left:
            reason = f"{outcome.reason}, and it asks to wait {outcome.retry_after_s:.0f} s"
            outcome = replace(outcome, reason=reason)
        return failure(self._service, self._policy, request.path, outcome, attempts)

    def _wait(self, outcome: Outcome, attempt: int) -> float:
        if outcome.retry_after_s is not None:
            return outcome.retry_after_s + WISH_JITTER_S * self._timing.random()
        return min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2.0 ** (attempt - 1)) * self._timing.random()

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._books.count(waits_s=seconds)
            await self._timing.sleep(seconds)
