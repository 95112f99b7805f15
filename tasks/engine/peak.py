"""The most memory that this process has held, as each system tells it."""

from pathlib import Path

import psutil

__all__ = ["peak_rss_mb"]

_STATUS = Path("/proc/self/status")


def peak_rss_mb() -> int:
    """The peak of resident memory in MB (10^6 bytes), since this program was started."""
    memory = psutil.Process().memory_info()
    peak = getattr(memory, "peak_wset", None) or _high_water_mark() or _by_usage() or memory.rss
    return round(peak / 1e6)


def _high_water_mark() -> int | None:
    """Linux: VmHWM in KiB (proc(5)). What getrusage says there counts the parent before the program was started."""
    try:
        lines = _STATUS.read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    sizes = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(sizes[0]) * 1024 if sizes else None


def _by_usage() -> int | None:
    """The other Unix systems; macOS counts in bytes (getrusage(2))."""
    try:
        import resource  # noqa: PLC0415  not on Windows
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
