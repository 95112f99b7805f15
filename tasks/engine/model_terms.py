"""How a language model's server is asked: its address, its key, and the scan's requests as a limit of the client."""

import dataclasses
from collections.abc import Mapping

from tasks.http.policy import ServicePolicy
from tasks.opinion.choice import AskedModel, model_key
from tasks.settings.services import ModelProvider

__all__ = ["model_terms"]

ATTEMPTS = 3
"""Tries of one question at most: it is paid for, and nobody waits for it."""
PER_SECOND = 20.0
_EVER_S = 1e8
"""Some three years: a window that no scan outlives."""


def model_terms(
    policy: ServicePolicy, model: AskedModel, environment: Mapping[str, str], attempts: int, address: str
) -> ServicePolicy:
    """The policy for a model's server; the key is read where the engine runs.

    The scan's requests are a window that does not pass: the client counts every try, the retries too.
    """
    azure = model.provider is ModelProvider.AZURE
    seconds = min(model.request_seconds, model.max_seconds)
    return dataclasses.replace(
        policy,
        base_url=address,
        requests_per_second=PER_SECOND,
        requests_in_window=model.max_requests,
        window_s=_EVER_S,
        max_wait_s=model.max_seconds,
        connect_timeout_s=min(policy.connect_timeout_s, seconds),
        read_timeout_s=seconds,
        deadline_s=seconds,
        attempts=min(attempts, ATTEMPTS),
        token=model_key(model.provider, environment),
        auth_header="api-key" if azure else "Authorization",
        auth_scheme="" if azure else "Bearer",
    )
