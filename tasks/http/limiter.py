"""How many requests may be in flight to one service, adapting to the service's signs of overload.

The limit starts small and grows with every answer, as TCP's slow start does; after the first sign of overload it
is judged once per round (as many answers as the limit or a sample): a share f of overload signs cuts it by f/2, as
DCTCP does (RFC 8257), and the rest of the round adds up to STEP. So a few failing requests among many cost
little, while a service that rejects everything is asked half as often each round. The limit at which most of a round
was turned down is remembered (CUBIC's plateau, RFC 9438): growth becomes slow below it, and quick again once past it.
Broken connections and invalid answers say nothing about load and change nothing.
"""

import asyncio
import math
from collections import Counter, deque

from tasks.http.verdict import Kind

__all__ = ["AdaptiveLimiter"]

START = 8
"""Requests in flight before the first answer: a dead service must not get more than a handful."""

STEP = 4.0
CAREFUL_STEP = 0.05

SAMPLE = 16
"""Answers from which a share is worth believing; a round with mostly overload signs ends without them."""

HARD = 0.5
HARD_LIMITED = 0.35
SURE = 0.75
"""Shares of overload signs, and of "too many requests" among them, above which a round's limit was too high."""

_SIGNS = frozenset({Kind.LIMITED, Kind.OVERLOADED})
_NEUTRAL = frozenset({Kind.BROKEN, Kind.INVALID})


class AdaptiveLimiter:
    """Slots for requests in flight on one event loop; never more than ceiling, never fewer than one.

    `peak` is the highest number that ever was in flight.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = ceiling
        self._limit = float(min(START, ceiling))
        self._starting = True
        self._round: Counter[Kind] = Counter()
        self._too_high = math.inf
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._queue: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0
        self.peak = 0

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    async def acquire(self, *, urgent: bool = False) -> None:
        """Wait for a slot; urgent ones (second and later attempts) go first, so that begun work ends."""
        if self.in_flight < self.limit and not self._urgent and not self._queue:
            self._take()
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._queue).append(turn)
        self._wake()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give the slot back."""
        self.in_flight -= 1
        self._wake()

    def learn(self, kind: Kind, *, fresh: bool = True) -> None:
        """Take what one attempt came to into account; fresh marks a request's first attempt.

        A 503 to a retry is passed over: what failed comes back in a crowd, and the crowd is no fair sample.
        """
        if kind in _NEUTRAL or (kind is Kind.OVERLOADED and not fresh):
            return
        if self._starting:
            self._starting = kind not in _SIGNS
            self._set(self._limit + 1 if self._starting else self._limit / 2)
            return
        self._round[kind] += 1
        answers = self._round.total()
        if answers >= self.limit and (answers >= SAMPLE or self._share() > HARD):
            self._end_round()

    def _share(self) -> float:
        return (self._round[Kind.LIMITED] + self._round[Kind.OVERLOADED]) / self._round.total()

    def _end_round(self) -> None:
        share = self._share()
        limited = self._round[Kind.LIMITED] / self._round.total()
        if share > SURE or (self._round.total() >= SAMPLE and (share > HARD or limited > HARD_LIMITED)):
            self._too_high = self._limit
        elif share == 0 and self._limit >= self._too_high:
            self._too_high = math.inf
        step = STEP if self._limit + STEP < self._too_high else CAREFUL_STEP
        self._set(self._limit * (1 - share / 2) + step * (1 - share))

    def _set(self, limit: float) -> None:
        self._limit = min(max(limit, 1.0), float(self._ceiling))
        self._round.clear()
        self._wake()

    def _take(self) -> None:
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)

    def _wake(self) -> None:
        while self.in_flight < self.limit and (turn := self._next()) is not None:
            self._take()
            turn.set_result(None)

    def _next(self) -> asyncio.Future[None] | None:
        for queue in (self._urgent, self._queue):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    return turn
        return None
