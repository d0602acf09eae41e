"""What this process takes of the machine, and what all others take."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil


def resident_bytes() -> int:
    """What of this process is in memory now."""
    return int(psutil.Process().memory_info().rss)


def peak_bytes() -> int:
    """The most that was in memory since this process began."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "darwin":
        return _ru_maxrss()
    # Linux's ru_maxrss begins with what the process held that this one was started from
    for line in Path("/proc/self/status").read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 1024 * _ru_maxrss()


class Others:
    """From its making on → how much of the machine's cores everything else takes."""

    def __init__(self) -> None:
        self._begun = _busy_s()

    def share(self) -> float:
        """0 … 1 of all cores, over all the time since."""
        busy_s, own_s, total_s = (
            now - then for now, then in zip(_busy_s(), self._begun, strict=True)
        )
        return max(0.0, busy_s - own_s) / total_s if total_s > 0 else 0.0


def _busy_s() -> tuple[float, float, float]:
    """Seconds of all cores since the start of the machine: busy, by this process, all in all."""
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    # what guests took stands also in user and nice
    total_s = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return total_s - idle_s, time.process_time(), total_s


def _ru_maxrss() -> int:
    """Bytes on macOS, units of 1024 bytes elsewhere."""
    import resource  # noqa: PLC0415 - Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
