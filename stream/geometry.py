"""Frame pixels ⇄ input pixels ⇄ heatmap cells; the pixel-centre rule is written here only.

Integers are pixel centres, so pixel i spans [i-½, i+½] and a resize by s maps x to (x+½)·s−½.
A `Region` is the part of the frame that the network sees; it may reach beyond the picture.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

GRID = 32
"""Boxes are of whole squares of this side: of few sizes, to which converters are set up."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of whole frame pixels: columns x … x+width-1, rows y … y+height-1."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a region must hold a pixel, got {self}")

    def holds(self, other: Region) -> bool:
        """Whether all of another region lies in this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )


def whole(frame_hw: tuple[int, int], input_hw: tuple[int, int]) -> Region:
    """The smallest region of the input's aspect that holds the whole frame, centred on it."""
    height, width = frame_hw
    scale = max(height / input_hw[0], width / input_hw[1])
    w, h = round(input_hw[1] * scale), round(input_hw[0] * scale)
    return Region((width - w) // 2, (height - h) // 2, w, h)


def around(xy: Points, input_hw: tuple[int, int], margin: float) -> Region:
    """The region of the input's aspect, centred on points (N, 2), `margin` times their extent.

    Points that are NaN do not count; at least one must be finite.
    """
    found = xy[np.isfinite(xy).all(axis=1)]
    if len(found) == 0:
        raise ValueError(f"a region needs a point, got {len(xy)} points and none finite")
    low, high = found.min(axis=0), found.max(axis=0)
    extent = (high - low) * margin
    scale = max(extent[0] / input_hw[1], extent[1] / input_hw[0])
    w, h = max(1, round(input_hw[1] * scale)), max(1, round(input_hw[0] * scale))
    centre = (low + high) / 2
    return Region(round(centre[0] - (w - 1) / 2), round(centre[1] - (h - 1) / 2), w, h)


def input_from_frame(xy: Points, region: Region, input_hw: tuple[int, int]) -> Points:
    """Frame px (…, 2) → input px (…, 2)."""
    scale = np.array([input_hw[1] / region.width, input_hw[0] / region.height])
    mapped: Points = (xy - (region.x, region.y) + 0.5) * scale - 0.5
    return mapped


def frame_from_input(xy: Points, region: Region, input_hw: tuple[int, int]) -> Points:
    """Input px (…, 2) → frame px (…, 2); the inverse of `input_from_frame`."""
    scale = np.array([region.width / input_hw[1], region.height / input_hw[0]])
    mapped: Points = (xy + 0.5) * scale - 0.5 + (region.x, region.y)
    return mapped


def cell_from_input(xy: Points, stride: int) -> Points:
    """Input px (…, 2) → heatmap cells (…, 2)."""
    return (xy + 0.5) / stride - 0.5


def input_from_cell(xy: Points, stride: int) -> Points:
    """Heatmap cells (…, 2) → input px (…, 2); the inverse of `cell_from_input`."""
    return (xy + 0.5) * stride - 0.5


def boxed(regions: Iterable[Region], hw: tuple[int, int]) -> list[Region]:
    """Regions → boxes of whole squares of GRID, cut at a picture of even sides, none on another."""
    boxes: list[tuple[int, int, int, int]] = []  # left, top, right, bottom
    for region in regions:
        left, top = max(0, region.x // GRID * GRID), max(0, region.y // GRID * GRID)
        right = min(hw[1], -(-(region.x + region.width) // GRID) * GRID)
        bottom = min(hw[0], -(-(region.y + region.height) // GRID) * GRID)
        if left >= right or top >= bottom:
            continue
        box = (left, top, right, bottom)
        while touched := [b for b in boxes if _overlap(b, box)]:
            boxes = [b for b in boxes if b not in touched]
            lefts, tops, rights, bottoms = zip(*touched, box, strict=True)
            box = (min(lefts), min(tops), max(rights), max(bottoms))
        boxes.append(box)
    return [Region(x, y, right - x, bottom - y) for x, y, right, bottom in boxes]


def inside(xy: Points, frame_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Points (K, 2) → whether each lies on a pixel of the frame (K,); NaN does not."""
    size = np.array([frame_hw[1], frame_hw[0]])
    return np.asarray(((xy >= -0.5) & (xy <= size - 0.5)).all(axis=1))


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
