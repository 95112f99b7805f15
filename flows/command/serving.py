"""A command's run beside its Prefect server."""

import contextlib
import gc
from collections.abc import Iterator

from flows.command.ending import end_on_terminate
from flows.console import speak
from flows.local_server import LocalServer

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 50
"""Python's defaults (700, 10, 10) look through the records of a large scan hundreds of times and find nothing there."""


@contextlib.contextmanager
def beside_server(*, verbose: bool, quiet: bool) -> Iterator[LocalServer]:
    """Set up what the run says and how it is stopped, and start its server; import Prefect only inside.

    Preparing inside goes on while the server starts; call its `ready()` before the flow. Raises LocalServerError.
    """
    speak(verbose=verbose, quiet=quiet)
    end_on_terminate()
    rare_collections()
    with LocalServer() as server:
        yield server


def rare_collections() -> None:
    """Collect garbage less often: a run makes hundreds of thousands of values and few cycles among them."""
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
