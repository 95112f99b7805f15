"""When Prefect repeats a batch, and how: what both lookups share."""

from concurrent.futures import CancelledError
from typing import Any, Final

from tasks.errors import SourceError

__all__ = ["BATCH_DELAYS_S", "BATCH_RETRIES", "JITTER", "is_ours_to_retry"]

BATCH_RETRIES: Final = 2
"""The client repeats single requests; a batch that failed as a whole is worth two more tries at most."""

BATCH_DELAYS_S: Final = (1, 5)
JITTER: Final = 0.5


def is_ours_to_retry(_task: object, _run: object, state: Any) -> bool:
    """A source that could not answer has been retried by the client already, and a stopped run wants no more."""
    return not isinstance(state.result(raise_on_failure=False), SourceError | CancelledError)
