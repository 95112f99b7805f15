"""From settings, environment and the services' own terms to the policies the client works by."""

import dataclasses
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from tasks.engine.lookup import LookupSettings
from tasks.engine.model_terms import model_terms
from tasks.http.policy import ServiceName, ServicePolicy, public_policies
from tasks.settings.services import ServiceSettings
from tasks.sources.kept import FreshFor
from tasks.sources.nvd import NvdTerms

__all__ = ["fresh_for", "policies", "tokens"]

ENRICHING_S = 30.0
"""Seconds for one request to a source that only enriches: it must not hold a scan up."""

_ENRICHING = frozenset(
    {
        ServiceName.GITHUB,
        ServiceName.NVD,
        ServiceName.MITRE,
        ServiceName.SNYK,
        ServiceName.EPSS,
    }
)

_TOKEN_VARIABLES = {
    ServiceName.GITHUB: "GITHUB_TOKEN",
    ServiceName.NVD: "NVD_API_KEY",
    ServiceName.SNYK: "SNYK_TOKEN",
}


def tokens(environment: Mapping[str, str]) -> dict[ServiceName, SecretStr]:
    """The tokens that are set, by service. They go only to their service's own address or the one set for it."""
    found = {service: environment.get(name, "").strip() for service, name in _TOKEN_VARIABLES.items()}
    return {service: SecretStr(token) for service, token in found.items() if token}


def policies(lookup: LookupSettings, environment: Mapping[str, str]) -> dict[ServiceName, ServicePolicy]:
    """The public services' terms with the settings laid over them."""
    held = tokens(environment)
    found = {name: _adjusted(name, policy, lookup, held.get(name)) for name, policy in public_policies().items()}
    if lookup.ai is not None:
        address = _address(lookup.ai.base_url, lookup.credentials.get(ServiceName.AI.value))
        found[ServiceName.AI] = model_terms(
            found[ServiceName.AI], lookup.ai, environment, lookup.retry_attempts, address
        )
    return found


def fresh_for(lookup: LookupSettings, service: ServiceName) -> FreshFor:
    """How long answers of a service are used unasked."""
    settings = _settings(lookup, service)
    since = lookup.fresh_since.timestamp() if lookup.fresh_since is not None else None
    return FreshFor(settings.cache_hours or 0.0, settings.kept_days, since)


def _settings(lookup: LookupSettings, service: ServiceName) -> ServiceSettings:
    return lookup.services.get(service.value, ServiceSettings())


def _adjusted(
    name: ServiceName, policy: ServicePolicy, lookup: LookupSettings, token: SecretStr | None
) -> ServicePolicy:
    if name is ServiceName.AI:
        return policy
    service = _settings(lookup, name)
    is_nvd = name is ServiceName.NVD
    # The same window that `NvdApi` plans by; here every attempt counts, so that retries keep within it too.
    terms = NvdTerms.of(key=token is not None, max_wait_s=0, requests_per_second=service.requests_per_second)
    in_window = terms.in_window if is_nvd else policy.requests_in_window
    return dataclasses.replace(
        policy,
        base_url=_address(service.base_url or policy.base_url, lookup.credentials.get(name.value)),
        max_in_flight=service.max_in_flight or min(lookup.concurrent_requests, policy.max_in_flight),
        requests_per_second=(None if is_nvd else service.requests_per_second) or policy.requests_per_second,
        requests_in_window=in_window,
        max_wait_s=policy.max_wait_s if service.max_wait_s is None else service.max_wait_s,
        deadline_s=service.deadline_s or (ENRICHING_S if name in _ENRICHING else policy.deadline_s),
        read_timeout_s=lookup.request_timeout,
        attempts=lookup.retry_attempts,
        token=token,
    )


def _address(base_url: str, credentials: SecretStr | None) -> str:
    if credentials is None:
        return base_url
    parts = urlsplit(base_url)
    return urlunsplit(parts._replace(netloc=f"{credentials.get_secret_value()}@{parts.netloc}"))
