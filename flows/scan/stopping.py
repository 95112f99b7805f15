"""Ctrl-C and SIGTERM: the first one lets running batches end, the second one ends the process at once."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import NoReturn, Protocol, Self

import psutil

from tasks.errors import ExitCode

GRACE_S = 5.0
"""Seconds that batches under way may still take: with the checkpoint and Prefect's own end it is 10 s in all."""

LONGEST_S = 9.5
"""Seconds from the first signal after which the process ends, whatever still holds it."""


class Stop(Protocol):
    """Whether a run should end early."""

    @property
    def requested(self) -> bool:
        """No new batch is to be started."""
        ...

    def given_up(self) -> bool:
        """Batches under way are not waited for any longer."""
        ...


class _Never:
    requested = False

    def given_up(self) -> bool:
        return False


NEVER: Stop = _Never()


class SignalStop:
    """A context in which the first SIGINT or SIGTERM only asks to stop; `code` is then the exit code, else None.

    A second signal ends the process and its children at once: nothing is lost, since every batch that has ended
    is stored. Outside the main thread no signal arrives and none is listened for. clock is in seconds.
    """

    def __init__(self, say: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._deadline = 0.0
        self._former: dict[int, object] = {}
        self.code: ExitCode | None = None

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.code is not None

    def given_up(self) -> bool:
        """Whether the time for batches under way is over."""
        return self.requested and self._clock() >= self._deadline

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._former[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._former.items():
            # None: the handler was not installed from Python and cannot be put back.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)  # type: ignore[arg-type]  # as signal() gave it

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            end_at_once(number)
        self.code = exit_code_of(number)
        self._deadline = self._clock() + GRACE_S
        last = threading.Timer(LONGEST_S, end_at_once, (number,))
        last.daemon = True
        last.start()
        self._say(f"Stopping: batches under way have {GRACE_S:.0f} s to end; once more stops at once")

    def leave(self) -> None:
        """Raise what the signal would have raised, if one has come: KeyboardInterrupt, or SystemExit for SIGTERM."""
        if self.code is not None:
            raise_for(self.code)


def exit_code_of(number: int) -> ExitCode:
    """130 for SIGINT, 143 for SIGTERM."""
    return ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED


def raise_for(code: ExitCode) -> NoReturn:
    """KeyboardInterrupt for 130, SystemExit for any other code."""
    if code is ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    raise SystemExit(int(code))


def end_at_once(number: int) -> NoReturn:
    """End this process and its children now, without any tidying up; every batch that has ended is stored."""
    print("vetbook: stopped at once; finished batches are kept, go on with --resume-auto", file=sys.stderr, flush=True)
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    os._exit(exit_code_of(number))
