"""Where to look: round what was found, after it from frame to frame, and part by part.

Times are seconds of the medium (`pts_s`), or of the clock for a camera, never of the computer's
own speed: a file gives the same answer on a fast machine and on a slow one.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from stream.geometry import Points, Region, around, whole

MARGIN = 1.5
"""Side of the crop in extents of the packet: room for a move and for corners not yet found."""

SMALLEST = 0.5
"""Smallest crop in parts of the network's input: enlarging more than twice shows nothing new."""

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


TILES = (1.0, 0.6)
"""Sizes of the parts that a frame is searched in, of the largest that fits into it."""

TILE_STEP = 0.6
"""From one part to the next, in parts of its size: what one cuts in two is whole in another."""


def tiles(frame_hw: tuple[int, int], input_hw: tuple[int, int]) -> Iterator[list[Region]]:
    """Size by size, the parts of a frame in which a distant packet is larger than in the whole.

    They have the input's aspect and overlap. A part smaller than the input shows nothing new.
    """
    fits = min(frame_hw[0] / input_hw[0], frame_hw[1] / input_hw[1])
    everything = whole(frame_hw, input_hw)
    for size in TILES:
        height, width = (round(size * fits * side) for side in input_hw)
        if size * fits < 1 or width >= everything.width:
            continue
        rows, columns = (
            np.linspace(0, frame - part, ceil((frame - part) / (TILE_STEP * part)) + 1)
            for frame, part in zip(frame_hw, (height, width), strict=True)
        )
        yield [Region(round(x), round(y), width, height) for y in rows for x in columns]


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
