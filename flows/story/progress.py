"""Progress in the Prefect UI while a run goes on: a thread that says now and then how far it is.

The run itself only notes a number: no call of the API lies in its path, however many batches end.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Protocol
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate

from flows.story.pieces import key_for
from flows.story.publish import current_run, forgiving
from tasks.progress.display import Display
from tasks.progress.tally import Figures

_log = logging.getLogger(__name__)
EVERY_S = 3.0
"""Seconds between two updates; a run that ends before the first one has no progress artifact at all."""

_END_S = 5.0


class Showing(Protocol):
    """Where progress is shown: `percent` from 0 to 100, and a line of text."""

    def __call__(self, percent: float, text: str) -> object:
        """Show this."""
        ...


class ProgressTeller:
    """Hands the newest of many figures to `show`, at most every `every_s` seconds, and the last one at the end."""

    def __init__(self, show: Showing, every_s: float = EVERY_S) -> None:
        self._show = show
        self._every_s = every_s
        self._ended = threading.Event()
        self._newest: tuple[float, str] | None = None
        self._shown: tuple[float, str] | None = None
        self._thread = threading.Thread(target=self._tell, name="progress-teller", daemon=True)

    def note(self, done: int, total: int, text: str) -> None:
        """Note how far the run is; returns at once."""
        self._newest = (round(min(100.0, 100 * done / total), 1) if total else 100.0, text)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def end(self) -> None:
        """Tell the last figures, if any were told before, and stop; waits a few seconds at most."""
        self._ended.set()
        self._thread.join(_END_S)

    def _tell(self) -> None:
        while not self._ended.wait(self._every_s):
            self._show_newest()
        if self._shown is not None:
            self._show_newest()

    def _show_newest(self) -> None:
        if self._newest is not None and self._newest != self._shown:
            self._shown = self._newest
            self._show(*self._newest)


class _Artifact:
    """One progress artifact of a flow run: created by the first call, updated by later ones."""

    def __init__(self, client: SyncPrefectClient, run_id: UUID, subject: str) -> None:
        self._client, self._run_id, self._subject = client, run_id, subject
        self._id: UUID | None = None
        self._silent = False

    def __call__(self, percent: float, text: str) -> None:
        with forgiving("Progress", self._say_once):
            if self._id is not None:
                self._client.update_artifact(self._id, ArtifactUpdate(data=percent, description=text))
                return
            new = ArtifactCreate(
                key=key_for("progress", self._subject),
                type="progress",
                description=text,
                data=percent,
                flow_run_id=self._run_id,
            )
            self._id = self._client.create_artifact(new).id

    def _say_once(self, text: str) -> None:
        if not self._silent:
            _log.warning("%s", text)
        self._silent = True


@contextlib.contextmanager
def told_progress(subject: str) -> Iterator[Callable[[int, int, str], None]]:
    """Inside a flow run: a function to note (done, total, text) with; the UI shows it a few seconds later."""
    run_id = current_run()
    if run_id is None:
        yield lambda *_: None
        return
    with get_client(sync_client=True) as client:
        teller = ProgressTeller(_Artifact(client, run_id, subject))
        teller.start()
        try:
            yield teller.note
        finally:
            teller.end()


class TellingDisplay:
    """A display that also notes its figures for the UI."""

    def __init__(self, display: Display, note: Callable[[int, int, str], None]) -> None:
        self._display, self._note = display, note

    def show(self, figures: Figures, *, last: bool = False) -> None:
        """Show the figures and note them."""
        self._note(figures.packages, figures.total_packages, str(figures))
        self._display.show(figures, last=last)

    def close(self) -> None:
        """Close the display; the UI's part ends with `told_progress`."""
        self._display.close()
