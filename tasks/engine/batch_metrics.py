"""What one batch cost, small enough to be stored with its result."""

import dataclasses
from typing import Self

from pydantic import Field

from tasks.http.metrics import Ledger, ServiceCounters
from tasks.http.policy import ServiceName
from tasks.sources.interface import Plain

__all__ = ["BatchMetrics"]


class BatchMetrics(Plain):
    """One batch's cost over all services and by each, its share of what was asked ahead included.

    Seconds and decoded bytes.
    `with measured() as cost:` (tasks.http.metrics) around `Engine.review_batch` calls, then `BatchMetrics.of(cost)`.
    """

    requests: int = 0
    retries: int = 0
    failures: int = 0
    waits_s: float = 0.0
    cache_hits: int = 0
    received_bytes: int = 0
    breaker_trips: int = 0
    services: dict[ServiceName, ServiceCounters] = Field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """The figures of a ledger."""
        total = ledger.total
        return cls(
            requests=total.requests,
            retries=total.retries,
            failures=total.failures,
            waits_s=round(total.waits_s, 3),
            cache_hits=total.cache_hits,
            received_bytes=total.received_bytes,
            breaker_trips=total.breaker_trips,
            services={name: _rounded(counters) for name, counters in ledger.services.items()},
        )

    @property
    def ledger(self) -> Ledger:
        """The figures by service, to be added to others."""
        return Ledger(dict(self.services))

    def __str__(self) -> str:
        return (
            f"{self.requests} requests, {self.retries} retries, {self.waits_s:.1f} s of waits,"
            f" {self.cache_hits} from the cache, {self.received_bytes / 1e6:.1f} MB,"
            f" {self.failures} failed, {self.breaker_trips} breaker trips"
        )


def _rounded(counters: ServiceCounters) -> ServiceCounters:
    return dataclasses.replace(counters, waits_s=round(counters.waits_s, 3), latency_s=round(counters.latency_s, 3))
