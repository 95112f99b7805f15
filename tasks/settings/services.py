"""Settings of who is asked: each service, the snapshot that stands for them, the language model."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_serializer, field_validator

from tasks.http.redaction import redact, without_credentials
from tasks.settings.section import Section

__all__ = ["MODEL_NAME", "AiSettings", "ModelProvider", "OfflineSettings", "ServiceSettings", "SourcesSettings"]


class _Addressed(Section):
    """A section with a `base_url`, whose credentials are neither shown nor stored."""

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """The fields, with the address's credentials hidden."""
        for name, value in super().__repr_args__():
            yield name, redact(value) if isinstance(value, str) else value

    @field_serializer("base_url", check_fields=False)
    def _without_password(self, value: str | None) -> str | None:
        return None if value is None else without_credentials(value)


class ServiceSettings(_Addressed):
    """One service: its address and how it may be asked."""

    base_url: str | None = Field(None, pattern=r"^https?://", description="Address of the service or of a mirror.")
    max_in_flight: int | None = Field(None, ge=1, le=1000, description="Requests in flight; unset: general limit.")
    requests_per_second: float | None = Field(
        None, gt=0, le=10_000, description="Requests per second; unset: no limit."
    )
    max_wait_s: float | None = Field(None, ge=0, le=86_400, description="Seconds a scan may wait for this service.")
    deadline_s: float | None = Field(
        None, gt=0, le=86_400, description="Seconds for one request with all its attempts; unset: 120, downloads 1800."
    )
    cache_hours: float | None = Field(
        None, ge=0, le=8760, description="Hours for which kept answers are used unasked; unset: 0, ask each time."
    )
    kept_days: float = Field(
        90, gt=0, le=36_500, description="Days after which kept answers are not used even offline."
    )
    live: bool | None = Field(
        None, description="Whether a scan asks github, nvd, mitre, snyk, kev, epss or exploitdb; unset: all but mitre."
    )


class SourcesSettings(Section):
    """Every service the product talks to, and what they share."""

    ca_bundle: Path | None = Field(
        None, description="PEM file with further certificates to trust; relative to the settings file that names it."
    )
    shared_limits: SecretStr | None = Field(
        None, description="redis://HOST/0: limits that count over all processes which name it; needs vetbook[redis]."
    )
    kept_mb: int = Field(512, ge=1, le=1_048_576, description="MB of kept answers; what was not used for longest goes.")
    store_max_age_hours: float = Field(
        24, ge=0, le=87_600, description="Hours for which the advisory store is used without a warning."
    )

    pypi: ServiceSettings = ServiceSettings()
    osv: ServiceSettings = ServiceSettings()
    osv_bulk: ServiceSettings = ServiceSettings()
    github: ServiceSettings = ServiceSettings()
    nvd: ServiceSettings = ServiceSettings()
    nvd_feeds: ServiceSettings = ServiceSettings()
    mitre: ServiceSettings = ServiceSettings()
    snyk: ServiceSettings = ServiceSettings()
    exploitdb: ServiceSettings = ServiceSettings()
    kev: ServiceSettings = ServiceSettings()
    epss: ServiceSettings = ServiceSettings()

    @property
    def services(self) -> Mapping[str, ServiceSettings]:
        """The services by name."""
        named = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: service for name, service in named if isinstance(service, ServiceSettings)}

    @field_validator("shared_limits")
    @classmethod
    def _is_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value


class ModelProvider(StrEnum):
    """Whose way of asking a language model is used: Azure OpenAI's, or OpenAI's and that of all compatible servers."""

    AZURE = "azure"
    OPENAI = "openai"


MODEL_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,99}$"
"""What a model may be called: it stands in cells and reports."""


class AiSettings(_Addressed):
    """The language model that is asked for a second opinion (docs/opinions.md), and what it may cost per scan."""

    enabled: bool | None = Field(
        None, description="Whether a model is asked; unset: where a key and a model are named in the environment."
    )
    provider: ModelProvider | None = Field(
        None, description="azure or openai (also all compatible servers); unset: azure where AZURE_OPENAI_KEY is set."
    )
    base_url: str | None = Field(
        None, pattern=r"^https?://", description="Address; unset: AZURE_OPENAI_ENDPOINT, OPENAI_BASE_URL or OpenAI's."
    )
    model: str | None = Field(
        None, pattern=MODEL_NAME, description="Model or deployment; unset: AZURE_OPENAI_MODEL or OPENAI_MODEL."
    )
    api_version: str | None = Field(
        None, pattern=r"^[0-9A-Za-z.-]{1,40}$", description="Azure's; unset: AZURE_OPENAI_API_VERSION or 2024-10-21."
    )
    json_mode: bool = Field(True, description="Ask for JSON by response_format; false for servers that refuse it.")
    max_requests: int = Field(100, ge=1, le=10_000, description="Requests per scan, retries included.")
    max_tokens: int = Field(200_000, ge=1, le=100_000_000, description="Tokens per scan, as the server counts them.")
    max_seconds: float = Field(120, gt=0, le=86_400, description="Seconds per scan of waiting for the model.")
    request_seconds: float = Field(60, gt=0, le=3600, description="Seconds for one request with its retries.")
    packages_per_request: int = Field(8, ge=1, le=50, description="Packages that one request asks about.")
    kept_days: float = Field(365, gt=0, le=36_500, description="Days for which the model's answers are kept.")


class OfflineSettings(Section):
    """What `--offline` reads instead of asking."""

    snapshot: Path | None = Field(
        None, description="Folder with snapshot.json, pypi/ and osv/; relative to the settings file that names it."
    )
