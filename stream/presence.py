"""Evidence, frame by frame → whether there is a packet: a filter of two states.

The logarithm of the odds that a packet is there gains each frame's evidence, and is kept between
two bounds: what was there for long is not there for ever, and what never was may yet come.
"""

from __future__ import annotations

ABSENT, PRESENT = -2.5, 3.0
"""Bounds of the logarithm of the odds, which starts at the lower one."""

MOST = 4.0
"""No frame weighs more, either way."""

ALIKE_S = 0.1
"""Frames closer than that err alike: each says as much as the time since the one before it."""

KEPT = -1.0
"""Evidence from which what is there is seen in a frame, too: less is a frame without it."""

GAP_S = 0.5
"""After a gap in time it has to be found anew."""


class Presence:
    """Evidence in nats (of `stream.looking.Look`) → whether there is a packet."""

    def __init__(self) -> None:
        self._odds = ABSENT
        self._time_s: float | None = None

    @property
    def needed(self) -> float:
        """The evidence from which the next frame's packet is taken for the one that is there."""
        return KEPT if self._odds > 0 else 0.0

    def update(self, evidence: float, time_s: float) -> bool:
        """Whether there is a packet in the frame at `time_s`, and is to be seen in it."""
        elapsed_s = GAP_S if self._time_s is None else time_s - self._time_s
        if not 0 <= elapsed_s <= GAP_S:
            self._odds, elapsed_s = ABSENT, GAP_S
        share = min(1.0, elapsed_s / ALIKE_S)
        gained = share * min(max(evidence, -MOST), MOST)
        self._odds = min(max(self._odds + gained, ABSENT), PRESENT)
        self._time_s = time_s
        return self._odds > 0 and evidence >= KEPT
