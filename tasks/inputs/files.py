"""The way in for files: which kind one is, and the packages that it lists.

A new kind is one more module with KIND, named in the list here; what is claimed first is read first.
"""

from pathlib import Path

from tasks.errors import InputError
from tasks.inputs import lockfiles, requirements, sboms
from tasks.inputs.bounded import read_bytes
from tasks.inputs.interface import FileInput, FileKind, Listing

__all__ = ["is_workbook", "read_file"]

_KINDS: tuple[FileKind, ...] = (requirements.NAMED, lockfiles.NAMED, sboms.KIND, lockfiles.SHAPED, requirements.ANY)
_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xltx", ".xltm", ".xls", ".xlsb", ".ods", ".odt", ".docx", ".csv"})
"""What Excel opens: the workbook's own reader says what is wrong with such a file."""

_CONTAINERS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def is_workbook(path: Path) -> bool:
    """True for what is, or was meant as, a workbook: by its ending, or by its first bytes. Never raises."""
    if path.suffix.lower() in _WORKBOOKS:
        return True
    try:
        with path.open("rb") as file:
            return file.read(4) in _CONTAINERS
    except OSError:
        # Whoever reads the file says why it cannot be read.
        return False


def read_file(path: Path) -> Listing:
    """The packages that a file lists.

    InputError: unreadable, too large, empty, of no kind that is known, not what its kind says, without a package.
    """
    file = FileInput(path, read_bytes(path))
    if not file.content.strip():
        raise InputError(f"{path}: is empty; nothing to review")
    kind = next((kind for kind in _KINDS if kind.claims(file)), None)
    if kind is None:
        known = ", ".join(dict.fromkeys(kind.described for kind in _KINDS))
        raise InputError(f"{path}: not a kind of input that is known: give a workbook (.xlsx, .xlsm), {known}")
    return kind.read(file)
