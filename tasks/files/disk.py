"""What a disk and the files on it are asked: room and checksums."""

import hashlib
import os
import shutil
from pathlib import Path

CHUNK_BYTES = 1 << 20
"""How much of a file is in memory at once, whatever its size."""


def free_bytes(path: Path) -> int:
    """Bytes this user may still write where `path` is or will be; raises OSError.

    Asks the nearest folder that exists, so it works before the folder is made.
    """
    place = Path(os.path.realpath(path))
    while not place.exists() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes in lower-case hexadecimal digits, read in chunks; raises OSError."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
