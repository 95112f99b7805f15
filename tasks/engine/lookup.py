"""What an engine is built from: the part of a run's settings that a lookup needs, on whatever machine it runs."""

import hashlib
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from tasks.http.policy import ServiceName
from tasks.http.redaction import without_credentials
from tasks.opinion.choice import AskedModel, address_credentials, asked_model
from tasks.opinion.prompt import PROMPT_VERSION
from tasks.settings.model import Settings
from tasks.settings.services import ServiceSettings
from tasks.sources.interface import Plain
from tasks.store.file import STORE_NAME

ANSWERS_VERSION = 2
"""Raised when the same facts would lead to another review: results of older versions are then not reused."""


class LookupSettings(Plain):
    """How packages are looked up. What is printed or stored of it holds addresses and limits, never a secret.

    credentials ("user:password" by service, out of base_url) and shared_limits are handed to the tasks of this run in
    memory only; an engine made from a stored copy goes without. Tokens are read where the engine runs.
    fresh_since (UTC) is when an interrupted scan began: what was fetched after it is used unasked.
    """

    services: dict[str, ServiceSettings]
    concurrent_requests: int
    request_timeout: float
    retry_attempts: int
    uncertain_limit: int = 1
    offline: bool
    snapshot: Path | None
    store: Path | None
    ca_bundle: Path | None = None
    kept_mb: int = 512
    memory_mb: int | None = None
    log_batch_metrics: bool = False
    fresh_since: datetime | None = None
    store_max_age_hours: float = 24
    ai: AskedModel | None = None
    credentials: dict[str, SecretStr] = Field(default_factory=dict, exclude=True, repr=False)
    shared_limits: SecretStr | None = Field(None, exclude=True, repr=False)

    @property
    def answers_digest(self) -> str:
        """SHA-256 over what changes answers: addresses, offline and snapshot, uncertain_limit, the model; not speed."""
        addresses = sorted((name, service.base_url) for name, service in self.services.items())
        snapshot = str(self.snapshot) if self.offline else ""
        parts = (ANSWERS_VERSION, addresses, self.offline, snapshot, self.uncertain_limit)
        model = () if self.ai is None else (PROMPT_VERSION, self.ai.identity)
        return hashlib.sha256(repr((*parts, *model)).encode()).hexdigest()

    @property
    def answers_file(self) -> Path | None:
        """Where answers are kept, beside the advisory records."""
        return None if self.store is None else self.store.with_name("answers.sqlite")

    @property
    def advisory_store(self) -> Path | None:
        """What `python -m flows.sync` keeps, beside the caches."""
        return None if self.store is None else self.store.with_name(STORE_NAME)

    def resuming(self, began: datetime) -> "LookupSettings":
        """The same for a scan that goes on: began is when it first started, naive UTC."""
        return self.model_copy(update={"fresh_since": began.replace(tzinfo=UTC)})

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def lookup_settings(
    settings: Settings, *, offline: bool, store: Path | None, environment: Mapping[str, str] | None = None
) -> LookupSettings:
    """The lookup part of a run's settings; keys that nobody knows stay behind, for they may hold a secret.

    The language model may be named by the environment (`os.environ` where none is given). SettingsError, as there.
    """
    sources, processing = settings.sources, settings.processing
    variables = os.environ if environment is None else environment
    credentials = {name: found for name, service in sources.services.items() if (found := _credentials(service))}
    if (of_model := address_credentials(settings.ai, variables)) is not None:
        credentials[ServiceName.AI.value] = of_model
    return LookupSettings(
        services={name: _known(name, service, settings) for name, service in sources.services.items()},
        credentials=credentials,
        concurrent_requests=processing.concurrent_requests,
        request_timeout=processing.request_timeout,
        retry_attempts=processing.retry_attempts,
        uncertain_limit=processing.uncertain_limit,
        offline=offline,
        snapshot=settings.offline.snapshot,
        store=store,
        ca_bundle=sources.ca_bundle,
        kept_mb=sources.kept_mb,
        memory_mb=settings.performance.max_memory_usage,
        log_batch_metrics=settings.performance.log_batch_metrics,
        shared_limits=sources.shared_limits,
        store_max_age_hours=sources.store_max_age_hours,
        ai=asked_model(settings.ai, variables),
    )


def _known(name: str, service: ServiceSettings, settings: Settings) -> ServiceSettings:
    fields = {key: getattr(service, key) for key in ServiceSettings.model_fields}
    if service.base_url is not None:
        fields["base_url"] = without_credentials(service.base_url)
    if name == "pypi" and service.cache_hours is None:
        fields["cache_hours"] = settings.processing.pypi_cache_hours
    return ServiceSettings(**fields)


def _credentials(service: ServiceSettings) -> SecretStr | None:
    user, at, _ = urlsplit(service.base_url or "").netloc.rpartition("@")
    return SecretStr(user) if at else None
