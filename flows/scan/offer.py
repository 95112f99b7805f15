"""The question what to do with an unfinished scan, on a terminal."""

import sys
from collections.abc import Callable

from flows.scan.request import ResumeMode
from tasks.checkpoints.recovery import RecoverySummary

_ANSWERS = {"r": ResumeMode.AUTO, "": ResumeMode.AUTO, "s": ResumeMode.FRESH}


def offer_on_terminal(
    summary: RecoverySummary, read: Callable[[], str] | None = None, say: Callable[[str], object] | None = None
) -> ResumeMode | None:
    """Show the summary and ask; AUTO to go on, FRESH to start anew, None to do neither. The end of input is None."""
    tell = say or (lambda text: print(text, end="", file=sys.stderr, flush=True))
    tell("\n".join(summary.lines) + "\n")
    while True:
        tell("Go on with it [r], start anew [s], or quit [q]? [r] ")
        line = (read or sys.stdin.readline)()
        answer = line.strip().lower()[:1]
        if not line or answer == "q":
            return None
        if answer in _ANSWERS:
            return _ANSWERS[answer]
