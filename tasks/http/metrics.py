"""What talking to one service cost: in all, and for whoever asks inside `measured`."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tasks.http.policy import ServiceName

__all__ = ["Ledger", "ServiceBooks", "ServiceCounters", "ServiceMetrics", "charge", "measured"]


@dataclass(slots=True)
class ServiceCounters:
    """Running figures of one service; see `ServiceMetrics`."""

    requests: int = 0
    retries: int = 0
    failures: int = 0
    not_asked: int = 0
    waits_s: float = 0.0
    latency_s: float = 0.0
    received_bytes: int = 0
    cache_hits: int = 0
    breaker_trips: int = 0
    limited: int = 0

    def add(self, other: "ServiceCounters") -> None:
        """Add another's figures to these."""
        for name in _FIGURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_FIGURES = tuple(figure.name for figure in dataclasses.fields(ServiceCounters))


@dataclass(frozen=True, slots=True)
class ServiceMetrics:
    """Figures of one service since the client was made, for reports.

    requests counts what went over the wire (redirects and retries too), retries the second and later attempts,
    failures the requests that ended without an answer, not_asked those of them that the open breaker
    or a limit turned down; waits_s the seconds spent in back-off and pacing, latency_s
    the seconds of all attempts together; received_bytes counts decoded bytes; cache_hits the answers that were kept
    and still held, by their age or by the service's own word; limited counts the times it asked for fewer requests;
    breaker is the circuit breaker's present state.
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
    cache_hits: int = 0
    limited: int = 0
    breaker: str = "closed"

    def plus(self, other: ServiceCounters) -> "ServiceMetrics":
        """With what another process asked of the same service; its requests at once and its breaker are not known."""
        return dataclasses.replace(self, **{name: getattr(self, name) + getattr(other, name) for name in _FIGURES})


@dataclass(slots=True)
class Ledger:
    """The cost of one piece of work, by service."""

    services: dict[ServiceName, ServiceCounters] = field(default_factory=dict)

    def of(self, service: ServiceName) -> ServiceCounters:
        """The figures of one service."""
        return self.services.setdefault(service, ServiceCounters())

    def add(self, other: "Ledger") -> None:
        """Take another piece of work's cost over."""
        for service, counters in other.services.items():
            self.of(service).add(counters)

    @property
    def total(self) -> ServiceCounters:
        """All services together."""
        total = ServiceCounters()
        for counters in self.services.values():
            total.add(counters)
        return total


_ledger: ContextVar[Ledger | None] = ContextVar("cost of the present work", default=None)


@contextmanager
def measured() -> Iterator[Ledger]:
    """Count what is asked inside, in this task and those it starts, for whichever work shares the client."""
    ledger = Ledger()
    token = _ledger.set(ledger)
    try:
        yield ledger
    finally:
        _ledger.reset(token)


def charge(cost: Ledger) -> None:
    """Add what was asked ahead of time to the present work's cost."""
    ledger = _ledger.get()
    if ledger is not None:
        ledger.add(cost)


class ServiceBooks:
    """One service's figures, kept for the client as a whole and for the present work."""

    def __init__(self, service: ServiceName) -> None:
        self._service = service
        self._total = ServiceCounters()

    def count(self, **amounts: float) -> None:
        """Add to figures by their names."""
        ledger = _ledger.get()
        for counters in (self._total,) if ledger is None else (self._total, ledger.of(self._service)):
            for name, amount in amounts.items():
                setattr(counters, name, getattr(counters, name) + amount)

    def snapshot(self, *, peak_in_flight: int, breaker: str) -> ServiceMetrics:
        """The figures as they are now."""
        figures: Mapping[str, float] = dataclasses.asdict(self._total)
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
        return ServiceMetrics(**rounded, peak_in_flight=peak_in_flight, breaker=breaker)  # type: ignore[arg-type]  # by name
