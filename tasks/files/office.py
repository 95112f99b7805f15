"""Who has a workbook open in an office program, by the lock file that program leaves beside it.

Sources: Excel's `~$NAME`, 165 bytes, as LibreOffice's svl/source/misc/msodocumentlockfile.cxx writes and reads it;
LibreOffice's `.~lock.NAME#`, svl/source/misc/lockfilecommon.cxx. Both can be left behind by a crash, so on
Windows, where the system itself can tell, it is asked; elsewhere such a file means "probably open".
"""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tasks.errors import WorkbookLocked
from tasks.files import platform

_LARGEST_BYTES = 4096
_LONGEST_NAME = 64
_EXCEL_ANSI_LIMIT = 52
_EXCEL_LENGTH_AT = 55
_EXCEL_NAME_AT = 57
_EXCEL_NAME_LIMIT = 54
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_FIELD = re.compile(r"((?:[^,;\\]|\\.)*)[,;]?", re.DOTALL)


class OfficeProgram(StrEnum):
    """The program that holds a workbook, as a person calls it."""

    EXCEL = "Excel"
    LIBREOFFICE = "LibreOffice"
    ANOTHER = "another program"


@dataclass(frozen=True, slots=True)
class OfficeHolder:
    """Who has a workbook open: program, the person's name and the computer where known, and the lock file, if any."""

    program: OfficeProgram
    name: str | None = None
    host: str | None = None
    lock_file: Path | None = None

    def __str__(self) -> str:
        """As in "open in Excel (Ada, on desk-7)"."""
        who = self.name or "holder unknown"
        return f"open in {self.program} ({who}{f', on {self.host}' if self.host else ''})"


def office_holder(target: Path, held_open: Callable[[Path], bool | None] = platform.held_open) -> OfficeHolder | None:
    """Who has `target` open in an office program, or None; never raises for what a lock file holds.

    Looks beside the path given and beside the file a symbolic link leads to. `held_open` is the system's
    own answer: True, False or None for "cannot tell"; False overrules a lock file left by a crash.
    """
    open_now = held_open(target)
    if open_now is False:
        return None
    for path in dict.fromkeys((target.absolute(), Path(os.path.realpath(target)))):
        if holder := _libreoffice(path) or _excel(path):
            return holder
    return OfficeHolder(OfficeProgram.ANOTHER) if open_now else None


def wait_until_free(
    target: Path,
    timeout_seconds: float,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    poll_seconds: float = 1.0,
    held_open: Callable[[Path], bool | None] = platform.held_open,
) -> None:
    """Return once no office program has `target` open; WorkbookLocked naming the holder after `timeout_seconds`.

    At least one look is taken, so 0 means "now or never". Clock and sleep are in seconds.
    """
    deadline = clock() + timeout_seconds
    while (holder := office_holder(target, held_open)) is not None:
        left = deadline - clock()
        if left <= 0:
            raise WorkbookLocked(f"{target} is {holder}; {_advice(holder)}.")
        sleep(min(poll_seconds, left))


def _advice(holder: OfficeHolder) -> str:
    advice = "close it there and run again"
    return f"{advice}; if it is open nowhere, delete {holder.lock_file}" if holder.lock_file else advice


def _excel(target: Path) -> OfficeHolder | None:
    lock_file = target.with_name(f"~${target.name}")
    raw = _read(lock_file)
    return None if raw is None else OfficeHolder(OfficeProgram.EXCEL, _excel_name(raw), None, lock_file)


def _excel_name(raw: bytes) -> str | None:
    wide = int.from_bytes(raw[_EXCEL_LENGTH_AT:_EXCEL_NAME_AT], "little")
    end = _EXCEL_NAME_AT + 2 * wide
    if 0 < wide <= _EXCEL_NAME_LIMIT and len(raw) >= end:
        return _clean(raw[_EXCEL_NAME_AT:end].decode("utf-16-le", errors="replace"))
    if raw and 0 < raw[0] <= _EXCEL_ANSI_LIMIT:
        return _clean(raw[1 : 1 + raw[0]].decode("cp1252", errors="replace"))
    return None


def _libreoffice(target: Path) -> OfficeHolder | None:
    lock_file = target.with_name(f".~lock.{target.name}#")
    raw = _read(lock_file)
    if raw is None:
        return None
    fields = [_clean(_ESCAPED.sub(r"\1", text)) for text in _FIELD.findall(raw.decode("utf-8", errors="replace"))]
    full_name, login, host = (*fields, None, None, None)[:3]
    return OfficeHolder(OfficeProgram.LIBREOFFICE, full_name or login, host, lock_file)


def _read(lock_file: Path) -> bytes | None:
    """The lock file's first bytes; None when there is none, empty when it is there but unreadable."""
    try:
        with lock_file.open("rb") as file:
            return file.read(_LARGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError:
        # Excel itself keeps its file open without sharing: being there is the answer.
        return b"" if os.path.lexists(lock_file) else None


def _clean(text: str) -> str | None:
    """A name from outside as one short printable line, None where nothing is left."""
    printable = "".join(letter for letter in text if letter.isprintable() and letter != "\ufffd")
    return printable.strip()[:_LONGEST_NAME] or None
