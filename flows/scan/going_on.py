"""The command that goes on with an interrupted scan: the same words, so that rows, decisions and outputs are the same.

Imports nothing that is slow: it is ready before anything can be interrupted.
"""

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence

__all__ = ["command_to_go_on"]

_WHERE_TO_BEGIN = {"--resume-auto": 0, "--start-fresh": 0, "--resume-from-package": 1, "--resume-from-batch": 1}
"""Flags that choose how a scan begins, with the number of their values: of an interrupted one that is over."""


def command_to_go_on(words: Sequence[str]) -> str:
    """The command line, quoted for this system's shell, that goes on with the scan that these words began."""
    command = ["python", "-m", "flows.scan", *_same_scan(words), "--resume-auto"]
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)


def _same_scan(words: Sequence[str]) -> Iterator[str]:
    remaining = iter(words)
    for word in remaining:
        flag, equals, _ = word.partition("=")
        if flag not in _WHERE_TO_BEGIN:
            yield word
        elif not equals:
            for _ in range(_WHERE_TO_BEGIN[flag]):
                next(remaining, None)
