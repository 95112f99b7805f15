"""The files that a command is to write, told apart before anything is done."""

from collections.abc import Mapping
from pathlib import Path

from tasks.errors import UsageError


def check_files(named: Mapping[str, Path | None], taken: Mapping[Path, str]) -> None:
    """Raise UsageError for a folder, a file that is something else already, or one file for two flags.

    named are the files by their flags; taken says of other files what they are.
    """
    held = {path.resolve(): what for path, what in taken.items()}
    for flag, path in named.items():
        if path is None:
            continue
        if path.is_dir():
            raise UsageError(f"{flag} {path} is a folder; give a file name")
        if (what := held.get(path.resolve())) is not None:
            raise UsageError(f"{flag} {path} is {what}; give another file name")
        held[path.resolve()] = f"the file of {flag}"
