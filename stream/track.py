"""What is carried from frame to frame: where to look next, and the count so far.

Times are seconds of the medium (`pts_s`), or of the clock for a camera, never of the computer's
own speed: a file gives the same answer on a fast machine and on a slow one.
"""

from __future__ import annotations

from collections import deque
from math import exp
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from stream.geometry import Points, Region, around, whole

T = TypeVar("T")

MARGIN = 1.5
"""Side of the crop in extents of the packet: room for a move and for corners not yet found."""

SMALLEST = 0.5
"""Smallest crop in parts of the network's input: enlarging more than twice shows nothing new."""

MEMORY_S = 1.0
"""Time constant of the pooled count."""

RECENT_S = 0.3
"""Length of the mean that is compared with the pool to notice another packet."""

JUMP_CARDS = 4.0
"""The recent mean this far from the pooled one is another packet; a frame alone errs by two."""

SETTLE_S = 0.5
"""How long the pool must have lasted, and its mean stood still, before it counts as locked."""

STILL_CARDS = 1.0
"""How far the pooled mean may have moved within SETTLE_S and yet stand still."""

BLINK_S = 0.2
"""A packet missed for no longer, in a frame blurred by motion say, is still the same packet."""

STALE_S = 0.5
"""A gap in time after which a velocity says nothing any more."""


def crop_around(xy: Points, frame_hw: tuple[int, int], input_hw: tuple[int, int]) -> Region:
    """Keypoints (K, 2), one finite at least → the region that shows them best.

    No smaller than the network's input allows for, no larger than the whole frame.
    """
    region = around(xy, input_hw, MARGIN)
    everything = whole(frame_hw, input_hw)
    if region.width >= everything.width:
        return everything
    width, height = round(SMALLEST * input_hw[1]), round(SMALLEST * input_hw[0])
    if region.width >= width:
        return region
    centre_x, centre_y = region.x + (region.width - 1) / 2, region.y + (region.height - 1) / 2
    x, y = round(centre_x - (width - 1) / 2), round(centre_y - (height - 1) / 2)
    return Region(x, y, width, height)


class RegionTracker:
    """Keypoints of the frames so far → the region to look at in the next one."""

    def __init__(self, input_hw: tuple[int, int]) -> None:
        self._input_hw = input_hw
        self._xy: Points | None = None
        self._time_s = 0.0
        self._velocity = np.zeros(2)  # frame px per second

    def region(self, frame_hw: tuple[int, int], time_s: float) -> Region | None:
        """Where the packet should be at `time_s`; None if it must be searched for."""
        if self._xy is None:
            return None
        elapsed = time_s - self._time_s
        if not 0 <= elapsed <= STALE_S:
            return crop_around(self._xy, frame_hw, self._input_hw)
        # Half an extent at most: a wrong velocity must not throw the packet out of the crop.
        extent = np.nanmax(self._xy, axis=0) - np.nanmin(self._xy, axis=0)
        shift = np.clip(self._velocity * elapsed, -extent / 2, extent / 2)
        return crop_around(self._xy + shift, frame_hw, self._input_hw)

    def found(self, xy: Points, time_s: float) -> None:
        """Keypoints (K, 2) in frame px, one finite at least, were seen at `time_s`."""
        elapsed = time_s - self._time_s
        self._velocity = np.zeros(2)
        if self._xy is not None and 0 < elapsed <= STALE_S:
            moved = xy - self._xy
            moved = moved[np.isfinite(moved).all(axis=1)]
            if len(moved):
                self._velocity = np.median(moved, axis=0) / elapsed
        self._xy, self._time_s = xy, time_s

    def lost(self) -> None:
        """The packet is gone: search the whole frame."""
        self._xy = None


class CountPool:
    """Distributions frame by frame → one distribution of the count over time.

    A linear opinion pool, the mean of the distributions with old ones fading: frames of one packet
    err together, and a product, which takes them for independent, would soon be sure of a wrong
    count. All is forgotten when the packet is lost, when time runs backwards, and when the frames
    of late differ strongly from the pool (another packet, or cards were taken off).
    """

    def __init__(self) -> None:
        self._sum = np.zeros(0)  # of the distributions, faded
        self._weight = 0.0  # of how many; 0 = nothing pooled
        self._began_s = self._last_s = 0.0
        self._recent: deque[tuple[float, NDArray[np.float64]]] = deque()  # within RECENT_S
        self._means: deque[tuple[float, float]] = deque()  # (time, pooled mean) within SETTLE_S

    def update(self, distribution: NDArray[np.floating], time_s: float) -> NDArray[np.float64]:
        """Distribution (C+1,) over 0..C cards of a frame with a packet → the pooled one (C+1,).

        Index 0, no packet, does not count: it is 0 in the answer.
        """
        given = _given_packet(distribution)
        if self._weight == 0.0 or time_s < self._last_s:
            self._restart(given, time_s)
        else:
            kept = exp((self._last_s - time_s) / MEMORY_S)
            self._sum, self._weight = kept * self._sum + given, kept * self._weight + 1.0
            self._recent.append((time_s, given))
        self._last_s = time_s
        _drop_older(self._recent, time_s - RECENT_S)
        recent = np.mean([seen for _, seen in self._recent], axis=0)
        pooled: NDArray[np.float64] = self._sum / self._weight
        # A frame or two may err as much; below 10 fps fading alone must do.
        if len(self._recent) >= 3 and abs(_cards(recent) - _cards(pooled)) > JUMP_CARDS:
            self._restart(given, time_s)
            pooled = given
        self._means.append((time_s, _cards(pooled)))
        _drop_older(self._means, time_s - SETTLE_S)
        return pooled

    @property
    def locked(self) -> bool:
        """Whether the pool is old enough and its mean has stopped moving."""
        means = [mean for _, mean in self._means]
        old = bool(means) and self._last_s - self._began_s >= SETTLE_S
        return old and max(means) - min(means) <= STILL_CARDS

    def lost(self, time_s: float) -> None:
        """No packet in the frame at `time_s`; after BLINK_S of that the next one starts afresh."""
        if not 0 <= time_s - self._last_s <= BLINK_S:
            self._weight = 0.0

    def _restart(self, first: NDArray[np.float64], began_s: float) -> None:
        self._sum, self._weight, self._began_s = first, 1.0, began_s
        self._recent = deque([(began_s, first)])
        self._means.clear()


def _drop_older(entries: deque[tuple[float, T]], than_s: float) -> None:
    """Take out of (time, value) in order of time what is older, but never the newest."""
    while len(entries) > 1 and entries[0][0] < than_s:
        entries.popleft()


def _given_packet(distribution: NDArray[np.floating]) -> NDArray[np.float64]:
    """P(n) → P(n | a packet), in a new array; all 0 if a packet is impossible."""
    given = np.array(distribution, np.float64)
    given[0] = 0.0
    total = given.sum()
    return given / total if total > 0 else np.zeros_like(given)


def _cards(distribution: NDArray[np.float64]) -> float:
    """The expectation, by which pools are compared."""
    return float(distribution @ np.arange(len(distribution)))
