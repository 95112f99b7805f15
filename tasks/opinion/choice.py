"""Which language model is asked, out of settings and environment; no key is ever part of it."""

import logging
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

from tasks.errors import SettingsError
from tasks.http.redaction import without_credentials
from tasks.settings.services import MODEL_NAME, AiSettings, ModelProvider
from tasks.sources.interface import Plain

__all__ = ["AskedModel", "address_credentials", "asked_model", "model_key"]

OPENAI = "https://api.openai.com/v1"
AZURE_API_VERSION = "2024-10-21"
"""The oldest generally available one that knows JSON mode (learn.microsoft.com/azure/ai-services/openai/reference)."""

_KEYS = {ModelProvider.AZURE: "AZURE_OPENAI_KEY", ModelProvider.OPENAI: "OPENAI_API_KEY"}
_MODELS = {ModelProvider.AZURE: "AZURE_OPENAI_MODEL", ModelProvider.OPENAI: "OPENAI_MODEL"}
_ADDRESSES = {ModelProvider.AZURE: "AZURE_OPENAI_ENDPOINT", ModelProvider.OPENAI: "OPENAI_BASE_URL"}

_log = logging.getLogger(__name__)


class AskedModel(Plain):
    """A language model and what it may cost; seconds, tokens and requests are per scan. base_url has no credentials."""

    provider: ModelProvider
    base_url: str
    model: str
    api_version: str = AZURE_API_VERSION
    json_mode: bool = True
    max_requests: int = 100
    max_tokens: int = 200_000
    max_seconds: float = 120
    request_seconds: float = 60
    packages_per_request: int = 8
    kept_days: float = 365

    @property
    def identity(self) -> tuple[str, ...]:
        """What another answer would have to be expected from: provider, address, model, API version."""
        version = self.api_version if self.provider is ModelProvider.AZURE else ""
        return self.provider.value, self.base_url, self.model, version


def asked_model(settings: AiSettings, environment: Mapping[str, str]) -> AskedModel | None:
    """The model that settings and environment name, None where none is to be asked.

    Unset, `ai.enabled` means: where there are a key and a model. SettingsError where it is true and something is
    missing or, in a variable, wrong.
    """
    provider = settings.provider or _provider(environment)
    if settings.enabled is False or (settings.enabled is None and not model_key(provider, environment)):
        return None
    model = settings.model or _variable(environment, _MODELS[provider])
    base_url = _address(settings, provider, environment)
    problem = _problem(provider, model, base_url)
    if problem is not None and settings.enabled is None:
        _log.warning("No language model is asked: %s is set, but %s", _KEYS[provider], problem)
        return None
    if problem is not None:
        raise SettingsError(f"ai.enabled is true, but {problem}.")
    return AskedModel(
        provider=provider,
        base_url=without_credentials(base_url).rstrip("/"),
        model=model,
        api_version=settings.api_version or _variable(environment, "AZURE_OPENAI_API_VERSION") or AZURE_API_VERSION,
        json_mode=settings.json_mode,
        max_requests=settings.max_requests,
        max_tokens=settings.max_tokens,
        max_seconds=settings.max_seconds,
        request_seconds=settings.request_seconds,
        packages_per_request=settings.packages_per_request,
        kept_days=settings.kept_days,
    )


def model_key(provider: ModelProvider, environment: Mapping[str, str]) -> SecretStr | None:
    """The provider's key, read where the model is asked; None where none is set (many local servers want none)."""
    key = _variable(environment, _KEYS[provider])
    return SecretStr(key) if key else None


def address_credentials(settings: AiSettings, environment: Mapping[str, str]) -> SecretStr | None:
    """ "user:password" out of the model's address, None where it has none."""
    provider = settings.provider or _provider(environment)
    user, at, _ = urlsplit(_address(settings, provider, environment)).netloc.rpartition("@")
    return SecretStr(user) if at else None


def _variable(environment: Mapping[str, str], name: str) -> str:
    return environment.get(name, "").strip()


def _provider(environment: Mapping[str, str]) -> ModelProvider:
    return ModelProvider.AZURE if model_key(ModelProvider.AZURE, environment) else ModelProvider.OPENAI


def _address(settings: AiSettings, provider: ModelProvider, environment: Mapping[str, str]) -> str:
    named = settings.base_url or _variable(environment, _ADDRESSES[provider])
    return named or (OPENAI if provider is ModelProvider.OPENAI else "")


def _problem(provider: ModelProvider, model: str, base_url: str) -> str | None:
    """What is missing, or cannot be used because a variable says it wrongly; settings are checked already."""
    if not model:
        return f"no model is named; set ai.model or {_MODELS[provider]}"
    if not base_url:
        return f"no address is set; set ai.base_url or {_ADDRESSES[provider]}"
    if not re.match(MODEL_NAME, model):
        return f"{_MODELS[provider]} is no name of a model (letters, digits and ._:/@+-)"
    return None if re.match(r"https?://", base_url) else f"{_ADDRESSES[provider]} does not begin with https://"
