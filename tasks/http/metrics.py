"""What talking to one service cost."""

from dataclasses import dataclass

__all__ = ["ServiceCounters", "ServiceMetrics"]


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """Figures of one service since the client was made, for reports.

    requests counts what went over the wire (redirects and retries too), retries the second and later attempts,
    failures the requests that ended without an answer, not_asked those of them that the open breaker
    or a limit turned down; waits_s the seconds spent in back-off and pacing, latency_s
    the seconds of all attempts together; received_bytes counts decoded bytes.
    """

    requests: int = 0
    retries: int = 0
    failures: int = 0
    not_asked: int = 0
    waits_s: float = 0.0
    latency_s: float = 0.0
    received_bytes: int = 0
    breaker_trips: int = 0
    peak_in_flight: int = 0


@dataclass(slots=True)
class ServiceCounters:
    """The running figures; `snapshot` freezes them."""

    requests: int = 0
    retries: int = 0
    failures: int = 0
    not_asked: int = 0
    waits_s: float = 0.0
    latency_s: float = 0.0
    received_bytes: int = 0

    def snapshot(self, *, breaker_trips: int, peak_in_flight: int) -> ServiceMetrics:
        """The figures as they are now."""
        return ServiceMetrics(
            self.requests,
            self.retries,
            self.failures,
            self.not_asked,
            round(self.waits_s, 3),
            round(self.latency_s, 3),
            self.received_bytes,
            breaker_trips,
            peak_in_flight,
        )
