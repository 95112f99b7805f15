"""Reports as files: text for people and the same as JSON beside it."""

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically

_log = logging.getLogger(__name__)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all; CheckpointError when it cannot be written."""
    text = json.dumps(document, ensure_ascii=False, indent=1)
    # Text from outside can hold lone surrogates, which UTF-8 has no bytes for.
    write_atomically(path, text.encode("utf-8", "replace"))


def write_report(folder: Path, name: str, now: datetime, lines: Iterable[str], document: Mapping[str, Any]) -> Path:
    """Write NAME_YYYYMMDD_HHMMSS.txt and .json; the path of the text. A report that cannot be written is a warning."""
    path = folder / f"{name}_{now:%Y%m%d_%H%M%S}.txt"
    try:
        write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8", "replace"))
        write_document(path.with_suffix(".json"), document)
    except CheckpointError as error:
        _log.warning("The report %s could not be written: %s", path, error)
    return path
