"""A command's log files, one a day: `logs/vetbook_YYYYMMDD.log` under the data folder, errors once more by themselves.

What is written is what the product's own loggers say, without secrets; a file that grows too large is rotated.
"""

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from logging.handlers import RotatingFileHandler
from pathlib import Path

from flows.console import OWN_LOGGERS
from tasks.settings.keeping import LoggingSettings
from tasks.text.plain import one_line

_FORMAT = "%(asctime)s %(levelname)-8s %(name)s: %(message)s"
_NAME = re.compile(r"vetbook_(?:errors_)?(\d{8})\.log(?:\.\d+)?")
_LONGEST = 4_000
_log = logging.getLogger(__name__)


class _OneLine(logging.Formatter):
    """Keeps a message on its line, so that no text from outside can pass for an entry of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        """The entry of a record, its message on one line."""
        record.message = one_line(record.message, _LONGEST)
        return super().formatMessage(record)


class DayHandler(RotatingFileHandler):
    """Writes to `folder/PREFIX_YYYYMMDD.log` of the day (local time) that each record comes in.

    A file above `max_bytes` is rotated to `.1`, `.2`... up to `kept`; 0 bytes never rotates. OSError when the
    folder cannot be made or written.
    """

    def __init__(
        self, folder: Path, prefix: str, *, max_bytes: int, kept: int, today: Callable[[], date] = date.today
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._prefix, self._today = folder, prefix, today
        self._day = today()
        super().__init__(self._path(), maxBytes=max_bytes, backupCount=kept, encoding="utf-8", errors="replace")
        formatter = _OneLine(_FORMAT)
        formatter.converter = time.localtime
        self.setFormatter(formatter)

    def _path(self) -> Path:
        return self._folder / f"{self._prefix}_{self._day:%Y%m%d}.log"

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, in one line of its own but for a traceback, into the file of today."""
        if self._today() != self._day:
            self._day = self._today()
            self.close()
            self.baseFilename = str(self._path().absolute())
            self.stream = self._open()
        super().emit(record)


@contextlib.contextmanager
def day_logs(folder: Path, settings: LoggingSettings, today: Callable[[], date] = date.today) -> Iterator[None]:
    """Keep the log files while inside; files older than `keep_days` are removed. Without them, where they cannot be
    written, the run goes on with a warning."""
    try:
        handlers = _handlers(folder, settings, today)
        _remove_old(folder, today() - timedelta(days=settings.keep_days))
    except OSError as error:
        _log.warning("No log files are written: %s (%s)", folder, error.strerror or error)
        handlers = []
    loggers = [logging.getLogger(name) for name in OWN_LOGGERS]
    for logger in loggers:
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            for logger in loggers:
                logger.removeHandler(handler)
            handler.close()


def _handlers(folder: Path, settings: LoggingSettings, today: Callable[[], date]) -> list[DayHandler]:
    size = settings.max_file_size if settings.file_rotation else 0
    levels = {"vetbook": logging.getLevelNamesMapping()[settings.level]}
    if settings.error_log_separate:
        levels["vetbook_errors"] = logging.ERROR
    made = []
    for prefix, level in levels.items():
        handler = DayHandler(folder, prefix, max_bytes=size, kept=settings.backup_count, today=today)
        handler.setLevel(level)
        made.append(handler)
    return made


def _remove_old(folder: Path, oldest: date) -> None:
    for path in folder.iterdir():
        match = _NAME.fullmatch(path.name)
        with contextlib.suppress(ValueError, OSError):
            if match and datetime.strptime(match[1], "%Y%m%d").date() < oldest:  # noqa: DTZ007  local dates
                path.unlink()
