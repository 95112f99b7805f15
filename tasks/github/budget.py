"""How much may be asked of GitHub, and when.

Primary limit: x-ratelimit-limit, -remaining, -reset (epoch seconds) and -resource on every answer; secondary limits:
at most 900 points a minute, where a GET and a GraphQL query cost one each, and `retry-after`
(docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). A 304 costs nothing of the primary limit.
"""

import asyncio
import math
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tasks.errors import SettingsError
from tasks.github.errors import BudgetExhausted
from tasks.github.model import RateState

__all__ = ["MOST_IN_FLIGHT", "Budget", "BudgetTerms"]

MOST_IN_FLIGHT = 100
WINDOW_S = 60.0
POLL_S = 0.05
LIMITED_PAUSE_S = 60.0
"""Where GitHub does not say how long: "wait for at least one minute" (best practices for using the REST API)."""

SLOWER, FASTER = 0.7, 1.25
LEAST_RATE = 30
"""Points a minute that are always tried."""

RESET_MARGIN_S = 1.0
"""GitHub's clock and ours differ a little."""


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """Limits of our own: rate_limit_buffer is the share of the primary limit to use (0.1 to 1.0).

    A quota whose renewal, or a pause asked for, is more than max_wait_s seconds away ends the run, resumably.
    max_in_flight: requests at once, 1 to 100 (GitHub's secondary limit, REST and GraphQL together).
    """

    rate_limit_buffer: float = 0.8
    points_per_minute: int = 800
    max_wait_s: float = 900.0
    max_in_flight: int = 32

    def __post_init__(self) -> None:
        """Raise SettingsError for a value out of range."""
        if not 0.1 <= self.rate_limit_buffer <= 1.0:  # noqa: PLR2004 - the documented range
            raise SettingsError(f"rate_limit_buffer is {self.rate_limit_buffer:g}; allowed are 0.1 to 1.0.")
        if self.points_per_minute < 1 or self.max_wait_s < 0:
            raise SettingsError("points_per_minute must be at least 1, max_wait_s at least 0 seconds.")
        if not 1 <= self.max_in_flight <= MOST_IN_FLIGHT:
            raise SettingsError(f"{self.max_in_flight} requests at once; GitHub allows 1 to {MOST_IN_FLIGHT}.")


class Budget:
    """Gives out turns for one token; belongs to one event loop. clock: monotonic seconds, wall: epoch seconds."""

    def __init__(
        self,
        terms: BudgetTerms = BudgetTerms(),
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._terms = terms
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        # The client's own queue lies behind this one: a turn has to go out at once, or its time would mean nothing.
        self._slots = asyncio.Semaphore(terms.max_in_flight)
        self._points: deque[float] = deque()
        self._in_flight: Counter[str] = Counter()
        self._resource_of: dict[str, str] = {}
        self._states: dict[str, RateState] = {}
        self._held_until = 0.0
        self._rate = terms.points_per_minute
        self._slowed_at = -math.inf
        self.waited_s = 0.0
        self._waited_until = -math.inf
        self.rejected = 0

    @property
    def states(self) -> Mapping[str, RateState]:
        """The latest state of each bucket, by resource."""
        return dict(self._states)

    @property
    def held(self) -> float:
        """Seconds left of a pause that GitHub asked for."""
        return max(0.0, self._held_until - self._clock())

    @asynccontextmanager
    async def turn(self, bucket: str) -> AsyncIterator[float]:
        """Wait until one request of the bucket ("core" or "graphql") may go out; yields when it did.

        Raises BudgetExhausted where that would take longer than max_wait_s.
        """
        async with self._slots:
            await self._wait_for(bucket)
            sent_at = self._clock()
            self._points.append(sent_at)
            self._in_flight[bucket] += 1
            try:
                yield sent_at
            finally:
                self._in_flight[bucket] -= 1

    def observe(self, bucket: str, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers; without them (rate limiting switched off) there is no primary limit."""
        values = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
        if all(value.isascii() and value.isdigit() for value in values):
            limit, remaining, reset = (int(value[:12]) for value in values)
            resource = headers.get("x-ratelimit-resource") or bucket
            self._resource_of[bucket] = resource
            self._note(RateState(resource, limit, remaining, float(reset)))

    def observe_all(self, answer: Any) -> None:
        """Learn from the answer of GET /rate_limit."""
        resources = answer.get("resources") if isinstance(answer, dict) else None
        for name, state in resources.items() if isinstance(resources, dict) else ():
            if isinstance(state, dict):
                self.observe(name, {f"x-ratelimit-{key}": str(value) for key, value in state.items()})

    def count(self, points: int) -> None:
        """Count requests that went out beside the one a turn was given for (retries, redirects)."""
        self._points.extend([self._clock()] * max(0, points))

    def hold(self, seconds: float) -> None:
        """Let nothing go out before that many seconds have passed."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    def limited(self, sent_at: float, headers: Mapping[str, str], retry_after_s: float | None) -> None:
        """A request sent at that time was turned down by a rate limit: pause, and go on more slowly.

        Others with the same token may use the rest of the 900 points; the rate is found by trying, as TCP does.
        """
        self.rejected += 1
        if headers.get("x-ratelimit-remaining") == "0":
            # The primary limit: `observe` has learnt until when.
            return
        self.hold(LIMITED_PAUSE_S if retry_after_s is None else retry_after_s)
        # All that were under way together are one sign.
        if sent_at > self._slowed_at:
            self._slowed_at = self._clock()
            self._rate = max(LEAST_RATE, min(self._rate, int(len(self._points) * SLOWER)))

    def spent(self, bucket: str) -> None:
        """GitHub said, without a header, that the bucket is empty."""
        state = self._state(bucket)
        if state is None:
            self.hold(WINDOW_S)
        else:
            self._note(RateState(state.resource, state.limit, 0, state.reset_at))

    def _note(self, new: RateState) -> None:
        """Answers overtake each other: within one period the lowest figure is the latest."""
        old = self._states.get(new.resource)
        if old is None or new.reset_at > old.reset_at + RESET_MARGIN_S:
            self._states[new.resource] = new
        elif new.remaining < old.remaining:
            self._states[new.resource] = RateState(new.resource, new.limit, new.remaining, old.reset_at)

    def _state(self, bucket: str) -> RateState | None:
        state = self._states.get(self._resource_of.get(bucket, bucket))
        if state is not None and self._wall() >= state.reset_at + RESET_MARGIN_S:
            del self._states[state.resource]
            return None
        return state

    async def _wait_for(self, bucket: str) -> None:
        while True:
            self._check_wait(bucket)
            wait = max(self.held, self._quota_wait(bucket), self._window_wait())
            if wait <= 0:
                return
            await self._pause(wait)

    async def _pause(self, seconds: float) -> None:
        began = self._clock()
        await self._sleep(seconds)
        # Many wait at the same time: what counts is how long anybody did.
        ended = self._clock()
        self.waited_s += max(0.0, ended - max(began, self._waited_until))
        self._waited_until = max(ended, self._waited_until)

    def _check_wait(self, bucket: str) -> None:
        most = self._terms.max_wait_s
        if self.held > most:
            raise self._exhausted("GitHub asked for a pause", self._wall() + self.held)
        state = self._state(bucket)
        if state is not None and self._left(state) <= 0 and state.reset_at - self._wall() > most:
            share = f", of which rate_limit_buffer lets {self._terms.rate_limit_buffer:.0%} be used"
            what = f"GitHub's {state.resource} quota: {state.remaining} of {state.limit} left{share}"
            raise self._exhausted(what, state.reset_at)

    def _exhausted(self, what: str, until: float) -> BudgetExhausted:
        moment = datetime.fromtimestamp(until, UTC)
        message = (
            f"{what}; it goes on at {moment:%H:%M:%S} UTC, in {until - self._wall():.0f} s, and at most "
            f"{self._terms.max_wait_s:.0f} s are to be waited. Run again then: what is finished is kept."
        )
        return BudgetExhausted(message, moment)

    def _left(self, state: RateState) -> int:
        return state.remaining - math.floor(state.limit * (1 - self._terms.rate_limit_buffer) + 1e-9)

    def _quota_wait(self, bucket: str) -> float:
        state = self._state(bucket)
        if state is None:
            return 0.0
        left = self._left(state)
        if left <= 0:
            return max(POLL_S, state.reset_at + RESET_MARGIN_S - self._wall())
        sharing = sum(
            n for other, n in self._in_flight.items() if self._resource_of.get(other, other) == state.resource
        )
        # Those in flight may use up the rest, or cost nothing (304): their answers tell.
        return POLL_S if sharing >= left else 0.0

    def _window_wait(self) -> float:
        now = self._clock()
        if self._rate < self._terms.points_per_minute and now - self._slowed_at >= WINDOW_S:
            self._rate = min(self._terms.points_per_minute, int(self._rate * FASTER))
            self._slowed_at = now
        while self._points and now - self._points[0] >= WINDOW_S:
            self._points.popleft()
        over = len(self._points) - self._rate
        return self._points[over] + WINDOW_S - now if over >= 0 else 0.0
