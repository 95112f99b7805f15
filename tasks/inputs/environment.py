"""What is installed in a Python environment, told by its own interpreter.

The interpreter is started with -I (no user folder, no PYTHON* variables, no current folder) and lists the metadata of
its distributions (https://docs.python.org/3/library/importlib.metadata.html); nothing of them is imported.
"""

import contextlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tasks.errors import InputError
from tasks.inputs.interface import Listing, listing_of
from tasks.lockfiles.interface import LockedPackage
from tasks.text.plain import counted, one_line

__all__ = ["read_environment"]

_TIMEOUT_S = 60.0
_MOST_BYTES = 16 * 1024 * 1024
_INTERPRETERS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
_KEPT_VARIABLES = frozenset({"PATH", "SYSTEMROOT", "WINDIR", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "HOME"})
"""What an interpreter needs to start; tokens that stand in the environment are none of its business."""

_MARK = "vetbook-distributions:"
_PROGRAM = f"""
import json
from importlib.metadata import distributions
found = [[d.metadata.get("Name"), d.metadata.get("Version")] for d in distributions()]
print({_MARK!r} + json.dumps(found))
"""


def read_environment(place: Path, *, timeout_s: float = _TIMEOUT_S, most_bytes: int = _MOST_BYTES) -> Listing:
    """The packages installed beside an interpreter; place is the interpreter, or the folder of a virtual environment.

    InputError where there is none, it fails, takes longer than timeout_s or says more than most_bytes.
    """
    interpreter = _interpreter(place)
    found = _distributions(interpreter, _answer(interpreter, timeout_s, most_bytes))
    named = [(name, version) for name, version in found if name]
    # One folder of the search path may hide another: what comes first is what is imported.
    locked = {name.lower(): LockedPackage("PyPI", name, version) for name, version in reversed(named)}
    return listing_of(str(place), sorted(locked.values(), key=lambda one: one.name.lower()), _broken(place, found))


def _interpreter(place: Path) -> Path:
    if place.is_dir():
        found = next((place / name for name in _INTERPRETERS if (place / name).is_file()), None)
        if found is None:
            raise InputError(f"{place}: no Python interpreter in it; give the interpreter of a virtual environment")
        return found
    if not place.is_file() or not os.access(place, os.X_OK):
        raise InputError(f"{place}: not an interpreter that can be started; give bin/python of a virtual environment")
    return place


def _answer(interpreter: Path, timeout_s: float, most_bytes: int) -> bytes:
    with _started(interpreter) as process, _ended_after(process, timeout_s) as too_late:
        assert process.stdout is not None  # noqa: S101  it was asked for
        said = process.stdout.read(most_bytes + 1)
        if len(said) > most_bytes:
            process.kill()
        code = process.wait()
    if too_late.is_set():
        raise InputError(f"{interpreter}: gave no answer within {timeout_s:g} s; is it a Python interpreter?")
    if len(said) > most_bytes:
        raise InputError(f"{interpreter}: said more than {most_bytes:,} bytes; is it a Python interpreter?")
    if code:
        last = (said[-10_000:].decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        raise InputError(f"{interpreter}: ended with code {code} ({one_line(last, 200)}); give Python 3.8 or later")
    return said


def _started(interpreter: Path) -> "subprocess.Popen[bytes]":
    # Not resolved: a virtual environment's interpreter is a link, and its place is what makes the environment.
    command = [os.path.abspath(interpreter), "-I", "-c", _PROGRAM]  # noqa: PTH100  as above
    try:
        return subprocess.Popen(  # noqa: S603  a list, no shell: the interpreter that the user named
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(os.environ),
        )
    except OSError as error:
        raise InputError(f"{interpreter}: cannot be started ({error.strerror}); give a Python interpreter") from error


@contextlib.contextmanager
def _ended_after(process: "subprocess.Popen[bytes]", seconds: float) -> Iterator[threading.Event]:
    """Kill the process when the time is over, and say so by the event."""
    over = threading.Event()

    def end() -> None:
        over.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        yield over
    finally:
        timer.cancel()
        timer.join()
        process.kill()


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.upper() in _KEPT_VARIABLES}


def _distributions(interpreter: Path, said: bytes) -> list[tuple[str, str | None]]:
    """(name, version) of each distribution; name "" where its metadata names none. InputError for another answer."""
    line = next((one for one in said.decode("utf-8", "replace").splitlines() if one.startswith(_MARK)), None)
    try:
        found: Any = json.loads(line.removeprefix(_MARK)) if line is not None else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(one, list) and len(one) == 2 for one in found):  # noqa: PLR2004
        raise InputError(f"{interpreter}: did not list its packages; is it a Python interpreter?")
    return [(_text(name) or "", _text(version)) for name, version in found]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _broken(place: Path, found: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    if broken := sum(not name for name, _ in found):
        yield f"{place}: {counted(broken, 'distribution')} without a name left out: its metadata is damaged"
