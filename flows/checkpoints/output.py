"""Answers for people and for programs."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flows.console import shown
from tasks.files.atomic import write_atomically

STANDARD_OUTPUT = Path("-")
"""In place of a file name: JSON goes to standard output, and nothing else does."""


def say(lines: Iterable[str], document: dict[str, Any], json_file: Path | None) -> None:
    """Print the lines; with `json_file` also write the document there, or print it instead where that is `-`.

    CheckpointError when the file cannot be written.
    """
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if json_file == STANDARD_OUTPUT:
        print(text)
        return
    if json_file is not None:
        write_atomically(json_file, text.encode("utf-8", "replace"))
    for line in lines:
        print(shown(line))
