"""The displays: a rich bar on a terminal, a plain line every few seconds in a pipe or a log, or nothing."""

import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tasks.progress.tally import Figures, Tally

_LINE_EVERY_S = 5.0


class DisplayKind(StrEnum):
    """How progress is shown; AUTO is a bar on a terminal and lines elsewhere."""

    AUTO = "auto"
    BAR = "bar"
    LINES = "lines"
    NONE = "none"


class Display(Protocol):
    """Something that shows figures while a run goes on."""

    def show(self, figures: Figures, *, last: bool = False) -> None:
        """Show these figures; `last` once at the end."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class _Bar:
    def __init__(self, total: int, stream: TextIO) -> None:
        columns = (TextColumn("Reviewing"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(file=stream), transient=True)
        self._task: TaskID = self._progress.add_task("", total=max(total, 1))
        self._progress.start()

    def show(self, figures: Figures, *, last: bool = False) -> None:  # noqa: ARG002  a bar is always up to date
        self._progress.update(self._task, completed=figures.packages, description=str(figures))

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    def __init__(self, write: Callable[[str], object], clock: Callable[[], float]) -> None:
        self._write = write
        self._clock = clock
        self._due = clock()

    def show(self, figures: Figures, *, last: bool = False) -> None:
        if last or self._clock() >= self._due:
            self._due = self._clock() + _LINE_EVERY_S
            self._write(f"Progress: {figures}")

    def close(self) -> None:
        return None


class _Nothing:
    def show(self, figures: Figures, *, last: bool = False) -> None:  # noqa: ARG002  the protocol's
        return None

    def close(self) -> None:
        return None


def make_display(
    kind: DisplayKind,
    total: int,
    write: Callable[[str], object],
    stream: TextIO = sys.stderr,
    clock: Callable[[], float] = time.monotonic,
) -> Display:
    """A display for `total` packages; lines go through `write`, the bar to `stream`."""
    if kind is DisplayKind.AUTO:
        kind = DisplayKind.BAR if stream.isatty() else DisplayKind.LINES
    if kind is DisplayKind.BAR:
        return _Bar(total, stream)
    return _Lines(write, clock) if kind is DisplayKind.LINES else _Nothing()


class Narrator(AbstractContextManager["Narrator"]):
    """Counts batches and shows the figures, from the first batch to the last."""

    def __init__(self, tally: Tally, display: Display) -> None:
        self._tally = tally
        self._display = display

    def __enter__(self) -> Self:
        return self

    def batch_done(self, packages: int, *, failed: int = 0, cached: bool = False, again: bool = False) -> None:
        """Count one finished batch and show the figures; `again` marks packages that failed before."""
        self._tally.batch_done(packages, failed=failed, cached=cached, again=again)
        self._display.show(self._tally.figures)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._display.show(self._tally.figures, last=True)
        finally:
            self._display.close()
