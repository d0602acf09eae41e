"""Results and when they were shown → frames per second, latency by stage, drops. Pure: no clock."""

from __future__ import annotations

import math
from collections import deque

from stream.frame import Result

RECENT = 300
"""How many results the running rate and the percentiles look back: enough for a steady 95 %."""

AGE = "age"
"""The name, beside the stages', of the time from a frame's capture until it was shown."""


class Stats:
    """Counts results as they are shown. Its memory does not grow with them."""

    def __init__(self) -> None:
        self.frames = 0
        self.dropped = 0
        self._next_index = 0
        self._first_s = math.nan
        self._shown_s: deque[float] = deque(maxlen=RECENT)
        self._spent_s: dict[str, deque[float]] = {}

    def add(self, result: Result, shown_s: float) -> None:
        """Take a result that every sink has taken at `shown_s`, on the clock of `captured_s`."""
        if self.frames == 0:
            self._first_s = shown_s
        self.frames += 1
        self.dropped += max(0, result.frame.index - self._next_index)
        self._next_index = result.frame.index + 1
        self._shown_s.append(shown_s)
        for stage, spent in [*result.stages_s.items(), (AGE, shown_s - result.frame.captured_s)]:
            self._spent_s.setdefault(stage, deque(maxlen=RECENT)).append(spent)

    @property
    def fps(self) -> float:
        """Frames per second from the first result to the last; NaN before there are two."""
        return _rate(self.frames, self._first_s, self._shown_s[-1]) if self.frames else math.nan

    @property
    def fps_now(self) -> float:
        """Frames per second over the last `RECENT` results; NaN before there are two."""
        shown = self._shown_s
        return _rate(len(shown), shown[0], shown[-1]) if shown else math.nan

    @property
    def stages(self) -> list[str]:
        """The stages that reported a time, in the order in which a frame meets them; age last."""
        return sorted(self._spent_s, key=lambda stage: stage == AGE)

    def latency_s(self, stage: str, percent: float) -> float:
        """A percentile of the seconds that a stage took, over the last `RECENT` results.

        NaN for a stage that nothing is known of. Nearest rank: always a time that was measured.
        """
        spent = sorted(self._spent_s.get(stage, ()))
        if not spent:
            return math.nan
        rank = math.ceil(percent / 100 * len(spent))
        return spent[min(max(rank, 1), len(spent)) - 1]


def telling_stage(*, live: bool) -> str:
    """The stage whose time tells most; not the age in a file, whose frames wait for each other."""
    return AGE if live else "engine"


def _rate(count: int, first_s: float, last_s: float) -> float:
    """N moments span n-1 gaps: counting the moments instead reads 30 fps as 60 over two of them."""
    return (count - 1) / (last_s - first_s) if last_s > first_s else math.nan
