"""Reading a file that somebody named, up to a bound."""

from pathlib import Path

from tasks.errors import InputError
from tasks.lockfiles.registry import MAX_BYTES

__all__ = ["read_bytes"]


def read_bytes(path: Path, why: str = "") -> bytes:
    """A file's bytes; InputError where it cannot be read, or is larger than any lockfile (MAX_BYTES).

    why stands before the path in the message: "a.txt includes ".
    """
    try:
        if not path.is_file():
            raise InputError(f"{why}{path}: not an existing file; check the path")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{why}{path}: cannot be read ({error.strerror}); check the path and its rights") from error
    if len(content) > MAX_BYTES:
        raise InputError(f"{why}{path}: larger than the {MAX_BYTES:,} bytes that are read; give a smaller file")
    return content
