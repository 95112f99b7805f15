"""The files that a command is to read and to write, looked at before anything is done."""

import os
from collections.abc import Mapping
from pathlib import Path

from tasks.errors import InputError, UsageError
from tasks.files.reasons import explain


def check_files(named: Mapping[str, Path | None], taken: Mapping[Path, str]) -> None:
    """Raise UsageError for a folder, a file that is something else already or cannot be made, or one for two flags.

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
        _check_place(flag, path)


def read_files(*paths: Path | None) -> dict[Path, str]:
    """What `check_files` is to be told of files that the command reads."""
    return {path: "a file that is read" for path in paths if path is not None}


def _check_place(flag: str, path: Path) -> None:
    """Refuse now what could not be written after an hour of looking up."""
    folder = next(folder for folder in path.resolve().parents if folder.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{flag} {path}: no file can be made in {folder}; give another file name")


def check_data_dir(folder: Path) -> None:
    """Raise UsageError where the data folder is a file: what is looked for there would read as none."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--data-dir {folder}: not a folder; give another one")


def make_data_dir(folder: Path) -> None:
    """Make the data folder; raise UsageError where it cannot be made or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--data-dir {folder}: cannot be made ({error.strerror}); give another folder") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--data-dir {folder}: no file can be made there; give another folder")


def check_input(path: Path) -> None:
    """Raise InputError where there is no such file, or it is a folder or device."""
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file; give an existing workbook to --input")
        if not path.is_file():
            raise InputError(f"{path}: not a file; give the workbook or list itself to --input")
    except OSError as error:
        raise InputError(f"{path}: {explain(error, path)}") from error
