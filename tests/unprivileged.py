"""Acting without root's rights, so that permission tests mean something where the suite runs as root."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def without_root(*owned: Path) -> Iterator[None]:
    """Be nobody inside; the given files and folders are nobody's, and their parents may be walked through."""
    if os.name == "nt" or os.getuid() != 0:
        yield
        return
    for path in owned:
        os.chown(path, NOBODY, NOBODY)
        for parent in path.parents:
            parent.chmod(parent.stat().st_mode | 0o111)
    os.setresgid(NOBODY, NOBODY, 0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
