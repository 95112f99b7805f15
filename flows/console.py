"""What a command says: every line free of secrets and of characters that a terminal would obey."""

import io
import logging
import os
import sys

from tasks.http.redaction import guard_logs, redact, secrets_of
from tasks.text.plain import one_line

OWN_LOGGERS = ("flows", "tasks", "blocks")
_LONGEST = 4_000
"""Characters of one line: names and reasons come from workbooks and services."""


def shown(text: str) -> str:
    """The text as one line for a terminal: no secret, no control character, nothing that turns the writing round."""
    return one_line(redact(text, secrets_of(os.environ)), _LONGEST)


def say(text: str) -> None:
    """Print one line to standard output."""
    print(shown(text))


def complain(text: str) -> None:
    """Print one line to standard error."""
    print(shown(text), file=sys.stderr)


def write_any_letter() -> None:
    """Let output write out (`\\u1f4e6`) what its encoding has no letter for: Windows pipes are not UTF-8."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Lines(logging.Handler):
    """Writes to whatever standard error is at the moment: a progress bar redirects it while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as one line."""
        text = " ".join(record.getMessage().split("\n"))
        kind = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        complain(kind + text)


def speak(*, verbose: bool, quiet: bool) -> None:
    """Send our loggers to standard error, and to Prefect's run log; Prefect's own console log is for --verbose.

    Call it before Prefect is imported: Prefect reads its logging settings then. A second call adds nothing.
    """
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", ",".join(OWN_LOGGERS))
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    guard_logs()
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO
    for name in OWN_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, Lines) for handler in logger.handlers):
            logger.addHandler(Lines(level))
        logger.setLevel(min(level, logging.INFO))
        # The root's handler is Prefect's console, which would say everything twice.
        logger.propagate = False
