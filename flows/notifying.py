"""Notifications of a run: new critical findings at its end, and failures; one that fails is a warning."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectException
from prefect.settings import get_current_settings

from blocks.notifications import Notifications
from tasks.errors import VetbookError
from tasks.http.redaction import redact
from tasks.notifying.news import News, body_of
from tasks.notifying.told import Told
from tasks.settings.keeping import NotificationSettings
from tasks.settings.load import load_settings
from tasks.text.plain import counted

_log = logging.getLogger(__name__)
_LONGEST = 1000
_FAILURES = (PrefectException, httpx.HTTPError, OSError, RuntimeError, ValueError, VetbookError)
"""What loading a block and writing a note may raise; Apprise itself answers with False."""


@contextlib.contextmanager
def _forgiving() -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        first = (redact(str(error)).splitlines() or [""])[0]
        _log.warning("No notification was sent (%s: %s)", type(error).__name__, first[:_LONGEST])


def notify_findings(settings: NotificationSettings, data_dir: Path, target: str, news: Iterable[News]) -> None:
    """Tell what was not told yet of this target; nothing where no block is set."""
    if settings.block is None:
        return
    with _forgiving():
        told, every = Told(data_dir / "notified", target), tuple(news)
        fresh = told.not_told(every)
        if fresh and not _send(
            settings.block, f"{counted(len(fresh), 'new critical finding')}: {target}", body_of(fresh)
        ):
            return
        told.note(every)


def notify_problem(settings: NotificationSettings, title: str, problem: str) -> None:
    """Tell of something that went wrong; nothing where no block is set."""
    if settings.block is not None:
        with _forgiving():
            _send(settings.block, title, redact(problem)[:_LONGEST])


def _send(name: str, title: str, body: str) -> bool:
    block = Notifications.load(name)
    assert isinstance(block, Notifications)  # noqa: S101  a coroutine only where an event loop runs
    sent = block.send(title, body)
    if not sent:
        _log.warning('A service of the block "%s" did not take the notification "%s"', name, title)
    return sent


def tell_failure(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Prefect's hook for failed and crashed runs: tell of it as the run's settings say."""
    if state.is_crashed() and flow_run.deployment_id is None:
        return  # somebody stopped it at the keyboard
    with _forgiving():
        settings = load_settings(_config_of(flow_run.parameters)).settings.notifications
        notify_problem(
            settings, f"{flow.name} {flow_run.name}: {state.name}", f"{state.message or ''}{_link(flow_run)}"
        )


def _config_of(parameters: Mapping[str, Any]) -> Path | None:
    request = parameters.get("request")
    found = request.get("config") if isinstance(request, Mapping) else getattr(request, "config", None)
    return Path(found) if found else None


def _link(run: FlowRun) -> str:
    address = get_current_settings().ui_url
    return f"\n{address}/runs/flow-run/{run.id}" if address else ""
