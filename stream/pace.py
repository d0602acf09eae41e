"""When frames are due that come in heaps: a stream of files (HLS) has seconds in each."""

from __future__ import annotations

LATE_S = 0.5
"""What comes later than that has been waited for, and what follows is not to be hurried through."""

FAR_S = 10.0
"""Nobody waits that long for the next frame: the stream's time has leapt."""


class Pace:
    """Media times → how long to wait, so that frames are handed on as far apart as they are."""

    def __init__(self) -> None:
        self._begin_s: float | None = None  # the clock at media time 0

    def wait_s(self, time_s: float, now_s: float) -> float:
        """How long a frame of that media time has to wait yet; the first, and a late one, does not.

        After one that is late by `LATE_S`, or early by `FAR_S`, time is taken anew from there.
        """
        if self._begin_s is not None:
            early_s = self._begin_s + time_s - now_s
            if -LATE_S <= early_s <= FAR_S:
                return max(0.0, early_s)
        self._begin_s = now_s - time_s
        return 0.0
