"""What a command says while it runs: its own loggers' messages, on standard error, one line each."""

import logging
import os
import sys

from tasks.http.redaction import SecretFilter

OWN_LOGGERS = ("flows", "tasks", "blocks")


class _Lines(logging.Handler):
    """Writes to whatever standard error is at the moment: a progress bar redirects it while it is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split("\n"))
        kind = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        print(kind + text, file=sys.stderr)


def speak(*, verbose: bool, quiet: bool) -> None:
    """Send our loggers to standard error, and to Prefect's run log; Prefect's own console log is for --verbose.

    Call it before Prefect is imported: Prefect reads its logging settings then.
    """
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", ",".join(OWN_LOGGERS))
    if not verbose:
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    level = logging.ERROR if quiet else logging.DEBUG if verbose else logging.INFO
    for name in OWN_LOGGERS:
        logger = logging.getLogger(name)
        handler = _Lines(level)
        handler.addFilter(SecretFilter())
        logger.addHandler(handler)
        logger.setLevel(min(level, logging.INFO))
        # The root's handler is Prefect's console, which would say everything twice.
        logger.propagate = False
