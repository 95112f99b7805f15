"""Asking for what will be needed soon, so that waiting for one answer does not hold up the next batch's questions."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tasks.http.metrics import Ledger, charge, measured

__all__ = ["Ahead"]

SHARED_MOST = 256
"""Answers held for rows further down that name the same project."""

STALLED_S = 3.0
"""Seconds that somebody waits for one answer, after which more may be asked for meanwhile."""

Coming = tuple[asyncio.Task[Any], Ledger]
Room = Callable[[bool], int]


class Ahead:
    """Answers by name on one event loop, a bounded number of them fetched before they are asked for.

    Who asks for a name that is on its way waits for it. The cost of an answer, or of the error in its place, goes to
    the first who asks.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[Any]]) -> None:
        self._fetch = fetch
        self._room: Room = lambda _: 0
        self._stalled = 0
        self._expected: deque[str] = deque()
        self._uses: Counter[str] = Counter()
        self._coming: dict[str, Coming] = {}
        self._shared: OrderedDict[str, Coming] = OrderedDict()

    def expect(self, names: Sequence[str], room: Room) -> None:
        """Begin with names, in order, each as often as it will be asked for.

        room says how many answers may wait for that, told whether somebody waits long for one that does not come.
        """
        self._room = room
        self._uses = Counter(names)
        self._expected = deque(name for name in self._uses if name not in self._coming)
        self._go_on()

    async def get(self, name: str) -> Any:
        """The answer for one name; raises what fetch raised."""
        task, cost = self._taken(name) or self._start(name)
        self._uses[name] -= 1
        if self._uses[name] > 0:
            self._share(name, (task, Ledger()))
        else:
            # Asked for before its turn came, it is not fetched a second time.
            del self._uses[name]
        self._go_on()
        try:
            return await self._answer(task)
        except BaseException:
            self._shared.pop(name, None)
            raise
        finally:
            charge(cost)

    async def _answer(self, task: asyncio.Task[Any]) -> Any:
        done, _ = await asyncio.wait([task], timeout=STALLED_S)
        if not done:
            self._stalled += 1
            self._go_on()
            try:
                await asyncio.wait([task])
            finally:
                self._stalled -= 1
        return task.result()

    def _taken(self, name: str) -> Coming | None:
        return self._coming.pop(name) if name in self._coming else self._shared.pop(name, None)

    def _share(self, name: str, coming: Coming) -> None:
        self._shared[name] = coming
        if len(self._shared) > SHARED_MOST:
            self._shared.popitem(last=False)

    def _go_on(self) -> None:
        while self._expected and len(self._coming) < self._room(self._stalled > 0):
            name = self._expected.popleft()
            if name in self._uses and name not in self._shared:
                self._coming[name] = self._start(name)

    def _start(self, name: str) -> Coming:
        with measured() as cost:
            task: asyncio.Task[Any] = asyncio.ensure_future(self._fetch(name))
        # Looked at, or asyncio reports an error that nobody came to ask for.
        task.add_done_callback(_looked_at)
        return task, cost


def _looked_at(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()
