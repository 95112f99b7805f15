"""How long reports stay: the newest few of each kind and workbook or organisation.

Only files of the names that reports get are looked at: KIND_report_YYYYMMDD_HHMMSS.txt, .json and .html.
"""

import itertools
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["prune_reports"]

_NAME = re.compile(r"(scan|ioc|changes|review|format_check)_report_(\d{8}_\d{6})\.(?:txt|json|html)", re.ASCII)
_TARGET = re.compile(r'^ "(?:input|target|workbook|original)": (".*"),?$', re.MULTILINE)
_HEAD_LETTERS = 1 << 14

_Report = tuple[str, str]
"""Kind and time, as the names have them."""

_log = logging.getLogger(__name__)


def prune_reports(folder: Path, keep: int) -> tuple[Path, ...]:
    """Remove the files of all reports beyond the newest `keep` (1 or more) of a kind and target; what was removed.

    A report whose target its JSON does not tell is held against the others of which that is so. What cannot be
    removed is a warning.
    """
    files: dict[_Report, list[Path]] = {}
    for path, report in _named(folder):
        files.setdefault(report, []).append(path)
    by_target: dict[tuple[str, str], list[_Report]] = {}
    for report in sorted(files, reverse=True):
        by_target.setdefault((report[0], _target(files[report])), []).append(report)
    spare = itertools.chain.from_iterable(reports[max(1, keep) :] for reports in by_target.values())
    return tuple(path for report in spare for path in files[report] if _removed(path))


def _named(folder: Path) -> Iterator[tuple[Path, _Report]]:
    if folder.is_dir():
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match and path.is_file() and not path.is_symlink():
                yield path, (match[1], match[2])


def _target(files: list[Path]) -> str:
    """The workbook or organisation, as the head of a report's JSON names it."""
    try:
        for path in files:
            if path.suffix == ".json":
                with path.open(encoding="utf-8", errors="replace") as file:
                    match = _TARGET.search(file.read(_HEAD_LETTERS))
                return str(json.loads(match[1])) if match else ""
    except (OSError, ValueError) as error:
        _log.debug("The report %s does not tell what it is of: %s", files[0], error)
    return ""


def _removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s: an old report could not be removed (%s)", path, error.strerror)
        return False
    return True
