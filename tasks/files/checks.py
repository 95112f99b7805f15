"""What is looked at before somebody's workbook is replaced; whatever would not survive it is refused by name."""

import os
import stat
from pathlib import Path

from tasks.errors import MergeRefused
from tasks.files.reasons import explain


def check_replaceable(target: Path) -> Path:
    """Return the real file behind `target`, links followed; MergeRefused says why it cannot be replaced safely.

    A read-only file could be replaced where its folder is writable: its owner's wish is asked for all the same.
    """
    try:
        real = Path(os.path.realpath(target, strict=True))
        _check_file(target, real, real.stat())
        check_folder(target, real.parent)
    except OSError as error:
        raise MergeRefused(f"Cannot change {target}: {explain(error, target)}.") from error
    return real


def _check_file(target: Path, real: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise MergeRefused(f"Cannot change {target}: it is not an ordinary file; name the workbook itself.")
    if not os.access(real, os.W_OK):
        raise MergeRefused(
            f"Cannot change {target}: the file is read-only; make it writable, or use --output to write another file."
        )
    if found.st_nlink > 1:
        raise MergeRefused(
            f"Cannot change {target}: {found.st_nlink - 1} other name(s) (hard links) would keep the old content; "
            "remove them, or use --output to write another file."
        )


def check_folder(target: Path, folder: Path) -> None:
    """MergeRefused when no file can be made beside `target`; writing in place would not be atomic. Raises OSError."""
    if not os.access(folder, os.W_OK | os.X_OK):
        raise MergeRefused(
            f"Cannot write {target}: no file can be made in its folder {folder}; "
            "make the folder writable, or use --output to write elsewhere."
        )
