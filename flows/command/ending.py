"""How every command ends: with an exit code and, where something went wrong, one line that says what."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from flows.console import complain, write_any_letter
from tasks.errors import ExitCode, VetbookError
from tasks.files.reasons import explain


def ended(answer: Callable[[], int], interrupted: str = "") -> int:
    """The exit code of answer, or that of what ended it; interrupted tells the person how to go on after Ctrl-C."""
    write_any_letter()
    try:
        return _flushed(answer())
    except VetbookError as error:
        complain(f"vetbook: {error}")
        return error.exit_code
    except BrokenPipeError:
        # Whoever read our output (head, less) has seen enough; the interpreter must not flush into the closed pipe.
        sys.stdout = None
        return ExitCode.DONE
    except OSError as error:
        # Without a file it is no place that a person could mend.
        if error.filename is None:
            raise
        complain(f"vetbook: {error.filename}: {explain(error, Path(os.fsdecode(error.filename)))}")
        return ExitCode.MERGE_FAILED
    except KeyboardInterrupt:
        return _interrupted(ExitCode.INTERRUPTED, interrupted)
    except SystemExit as end:
        if end.code != ExitCode.TERMINATED:
            raise
        return _interrupted(ExitCode.TERMINATED, interrupted)


def _flushed(code: int) -> int:
    """The code, when all that was said has left: a reader who has gone by now changes nothing about it."""
    try:
        print(end="", flush=True)
    except BrokenPipeError:
        sys.stdout = None
    return code


def end_on_terminate() -> None:
    """Let SIGTERM unwind the run as Ctrl-C does, so that `ended` and every context manager see it."""
    signal.signal(signal.SIGTERM, _terminate)


def _interrupted(code: ExitCode, how_to_go_on: str) -> int:
    complain(f"vetbook: interrupted; {how_to_go_on}" if how_to_go_on else "vetbook: interrupted")
    return code


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(ExitCode.TERMINATED)
