"""Reports as files: text for people and the same as JSON beside it."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks.errors import CheckpointError
from tasks.files.atomic import write_atomically

_log = logging.getLogger(__name__)


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all; CheckpointError when it cannot be written.

    A value that is an iterator is written as a list, one element in memory at a time.
    """
    write_text(path, document_pieces(document))


def write_text(path: Path, texts: Iterable[str]) -> None:
    """Write a text file in UTF-8 piece by piece, whole or not at all; CheckpointError when it cannot be written."""
    # Text from outside can hold lone surrogates, which UTF-8 has no bytes for.
    write_atomically(path, lambda out: out.writelines(text.encode("utf-8", "replace") for text in texts))


def document_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """What `json.dumps(document, indent=1)` gives, piece by piece; a value that is an iterator becomes a list."""
    start = "{"
    for key, value in document.items():
        yield f"{start}\n {json.dumps(key, ensure_ascii=False)}: "
        yield from _list(value) if isinstance(value, Iterator) else (_nested(value, 1),)
        start = ","
    yield "\n}" if document else "{}"


def _list(elements: Iterator[Any]) -> Iterator[str]:
    start = "["
    for element in elements:
        yield f"{start}\n  {_nested(element, 2)}"
        start = ","
    yield "[]" if start == "[" else "\n ]"


def _nested(value: Any, depth: int) -> str:
    # Ends of lines inside texts are escaped in JSON: those left are between values.
    return json.dumps(value, ensure_ascii=False, indent=1).replace("\n", "\n" + " " * depth)


def write_page(path: Path, pieces: Iterable[str]) -> Path | None:
    """Write a report in HTML; None, and a warning, where it cannot be written."""
    try:
        write_text(path, pieces)
    except CheckpointError as error:
        _log.warning("The report %s could not be written: %s", path, error)
        return None
    return path


def write_report(folder: Path, name: str, now: datetime, lines: Iterable[str], document: Mapping[str, Any]) -> Path:
    """Write NAME_YYYYMMDD_HHMMSS.txt and .json; the path of the text. A report that cannot be written is a warning."""
    path = folder / f"{name}_{now:%Y%m%d_%H%M%S}.txt"
    try:
        write_text(path, (f"{line}\n" for line in lines))
        write_document(path.with_suffix(".json"), document)
    except CheckpointError as error:
        _log.warning("The report %s could not be written: %s", path, error)
    return path
