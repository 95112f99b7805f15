"""What an engine is built from: the part of a run's settings that a lookup needs, on whatever machine it runs."""

import hashlib
from pathlib import Path

from tasks.settings.model import ServiceSettings, Settings
from tasks.sources.interface import Plain

ANSWERS_VERSION = 1
"""Raised when the same facts would lead to another review: results of older versions are then not reused."""


class LookupSettings(Plain):
    """How packages are looked up. Holds addresses and limits, never tokens."""

    services: dict[str, ServiceSettings]
    concurrent_requests: int
    request_timeout: float
    retry_attempts: int
    uncertain_limit: int = 1
    offline: bool
    snapshot: Path | None
    store: Path | None

    @property
    def answers_digest(self) -> str:
        """SHA-256 over what changes answers: addresses, offline and snapshot, uncertain_limit; not speed."""
        addresses = sorted((name, service.base_url) for name, service in self.services.items())
        snapshot = str(self.snapshot) if self.offline else ""
        parts = (ANSWERS_VERSION, addresses, self.offline, snapshot, self.uncertain_limit)
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def _known(service: ServiceSettings) -> ServiceSettings:
    return ServiceSettings(**service.model_dump(include=set(ServiceSettings.model_fields)))


def lookup_settings(settings: Settings, *, offline: bool, store: Path | None) -> LookupSettings:
    """The lookup part of a run's settings; keys that nobody knows stay behind, for they may hold a secret."""
    services = settings.sources
    return LookupSettings(
        services={name: _known(getattr(services, name)) for name in type(services).model_fields},
        concurrent_requests=settings.processing.concurrent_requests,
        request_timeout=settings.processing.request_timeout,
        retry_attempts=settings.processing.retry_attempts,
        uncertain_limit=settings.processing.uncertain_limit,
        offline=offline,
        snapshot=settings.offline.snapshot,
        store=store,
    )
