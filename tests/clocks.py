"""Clocks that go only when a test says so."""


class Clock:
    """A clock that stands until told, by its `now`, in seconds."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class SleepersClock(Clock):
    """Time that passes only by sleeping."""

    def __init__(self, now: float = 1_000.0) -> None:
        super().__init__(now)
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        assert seconds > 0
        self.slept.append(seconds)
        self.now += seconds
