"""Limits that count over several processes and machines: the plug point, and the one that shares nothing."""

from typing import Protocol

from tasks.http.policy import ServiceName

__all__ = ["OWN_LIMITS", "OwnLimits", "SharedLimits"]


class SharedLimits(Protocol):
    """One service's turns and slots, given out over all processes that were set to share them.

    An implementation that cannot reach its store gives leave, and says so once in a warning: each process still keeps
    its own limits, and a scan does not stop because of a limiter. All times in seconds.
    """

    async def reserve(self, service: ServiceName, interval_s: float, most_s: float | None) -> float:
        """Seconds until the next turn, which is taken unless it is further away than most_s."""
        ...

    async def hold(self, service: ServiceName, seconds: float) -> None:
        """Let nobody have a turn before that many seconds have passed."""
        ...

    async def enter(self, service: ServiceName, limit: int, lease_s: float) -> str | None:
        """A slot among limit, to be left again; None: all are taken. A slot frees itself after lease_s."""
        ...

    async def leave(self, service: ServiceName, slot: str) -> None:
        """Give a slot back."""
        ...

    async def aclose(self) -> None:
        """Release connections."""
        ...


class OwnLimits:
    """Nothing is shared: whatever the process's own limits allow is allowed."""

    async def reserve(self, service: ServiceName, interval_s: float, most_s: float | None) -> float:  # noqa: ARG002
        """At once."""
        return 0.0

    async def hold(self, service: ServiceName, seconds: float) -> None:
        """Nobody else to tell."""

    async def enter(self, service: ServiceName, limit: int, lease_s: float) -> str | None:  # noqa: ARG002
        """Always."""
        return ""

    async def leave(self, service: ServiceName, slot: str) -> None:
        """Nothing was taken."""

    async def aclose(self) -> None:
        """Nothing is open."""


OWN_LIMITS: SharedLimits = OwnLimits()
