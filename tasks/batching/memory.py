"""How much of the memory that this process may use is in use.

The limits are those of the process's control groups, where it is in any (containers, systemd slices), and of
the machine. Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (memory.max, memory.current, memory.stat)
and cgroup-v1/memory.rst (memory.limit_in_bytes, memory.usage_in_bytes).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")

MemoryReader = Callable[[], float]
"""Answers the share of the memory limit that is in use, 0.0 to 1.0 (a group over its limit may answer more)."""


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """Reads memory in use from `root` (the folder of /proc and /sys) and, for the machine, from `machine`."""

    root: Path = Path("/")
    machine: MemoryReader = lambda: psutil.virtual_memory().percent / 100

    def used(self) -> float:
        """The largest share in use of any limit that holds for this process; the machine's is always one."""
        return max([self.machine(), *self._groups()])

    def _groups(self) -> Iterator[float]:
        for folder, names in self._folders():
            share = _share(folder, *names)
            if share is not None:
                yield share

    def _folders(self) -> Iterator[tuple[Path, tuple[str, str, str]]]:
        """The process's groups, from its own up to the topmost: a limit on any of them holds."""
        mounted = self.root / "sys/fs/cgroup"
        for line in _text(self.root / "proc/self/cgroup").splitlines():
            number, _, rest = line.partition(":")
            controllers, _, place = rest.partition(":")
            if number == "0" and not controllers:
                yield from ((folder, _V2) for folder in _up(mounted, place))
            elif "memory" in controllers.split(","):
                yield from ((folder, _V1) for folder in _up(mounted / "memory", place))


def _up(mounted: Path, place: str) -> Iterator[Path]:
    """The group's folder and those above it; inside a container the path is often one of the host's."""
    parts = [part for part in place.split("/") if part not in ("", "..")]
    for length in range(len(parts), -1, -1):
        folder = mounted.joinpath(*parts[:length])
        if folder.is_dir():
            yield folder


def _share(folder: Path, limit_name: str, usage_name: str, cache_name: str) -> float | None:
    limit, usage = _number(_text(folder / limit_name)), _number(_text(folder / usage_name))
    # Version 1 says "no limit" by a number near 2**63.
    if not limit or usage is None or limit >= 1 << 60:
        return None
    # Cached file contents count as used, yet the kernel gives them up before anybody is refused memory.
    cache = next(
        (
            _number(line.split()[-1])
            for line in _text(folder / "memory.stat").splitlines()
            if line.startswith(f"{cache_name} ")
        ),
        0,
    )
    return max(0, usage - (cache or 0)) / limit


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _number(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() else None
