"""The short edges of a packet from close by: patches of the frame, at the source's own resolution.

The network sees a packet in a picture of 256 pixels, where a hundredth of its size is one pixel and
a half. From one large face to the other run four short edges, as long as the packet is thick.
Round each a square is cut out of the frame, turned so that the large faces lie to the right, and
mirrored where that takes the neighbour at the side to the lower half: what a small network
(`stream.closeup_network`) then learns of one edge, it knows of all four.

          ╱ across           u →, v ↓, both from −1 to 1
        ╱
       ● large face that is seen
       │╲
       ● ╲ to the side
        ╲
          ╲ the other one's
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.packet import extent_px

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

SIZE = 64
"""Pixels of a patch, each way."""

BEYOND = 0.07
"""What a patch shows beyond its edge, in parts of the packet's extent."""

LONGEST = 0.3
"""An edge that is thought to be longer, in the same parts, is cut off: no packet is so thick."""

SMALLEST_PX = 100.0
"""A packet of a smaller extent shows nothing more from near by: the network saw it enlarged."""

_SIDE, _FACE, _ACROSS = 1, 2, 4  # what is added to a corner's number or taken from it


@dataclass(frozen=True, slots=True, eq=False)
class CloseUp:
    """A short edge as it was cut out, and where its corners and their neighbours were thought.

    Places are u, v: x and y in the patch, from its middle, in parts of its half. NaN = not found.
    """

    corners: tuple[int, int]  # of the packet: on the large face that is seen, on the other one
    picture: Image  # (SIZE, SIZE, 3)
    thought: Floats  # (2, 2) of both
    neighbours: Floats  # (2, 2, 2) of each its neighbour to the side and across
    middle: Floats  # (2,) px of the frame
    axes: Floats  # (2, 2) rows: the patch's half along u and v, px of the frame

    def there(self, xy: Floats) -> Floats:
        """Points (…, 2) px of the frame → u, v."""
        return _within(xy, self.middle, self.axes)


def cut(image: Image, xy: Floats, seen: Floats) -> Iterator[CloseUp]:
    """A frame and its packet's corners (8, 2) px, NaN = not found → the patches of its edges.

    `seen` (8,) in 0..1: how visible each corner is.
    """
    extent = extent_px(xy)
    if extent < SMALLEST_PX:
        return
    back = seen[[2, 3, 6, 7]].sum() > seen[[0, 1, 4, 5]].sum()
    for corner in (0, 1, 4, 5):
        pair = (corner ^ _FACE, corner) if back else (corner, corner ^ _FACE)
        both = xy[list(pair)]
        found = np.isfinite(both).all(axis=1)
        axes = _axes(xy, pair) if found.any() else None
        if axes is None:
            continue
        middle = both[found].mean(axis=0)
        length = float(np.hypot(*(both[1] - both[0]))) if found.all() else 0.0
        axes = axes * (BEYOND * extent + min(length, LONGEST * extent) / 2)
        picture = _cut_out(image, middle, axes)
        near = xy[[[one ^ _SIDE, one ^ _ACROSS] for one in pair]]
        thought, neighbours = (_within(at, middle, axes) for at in (both, near))
        yield CloseUp(pair, picture, thought, neighbours, middle, axes)


def _within(xy: Floats, middle: Floats, axes: Floats) -> Floats:
    """Points (…, 2) px of the frame → u, v of the patch round `middle`."""
    return np.asarray((xy - middle) @ axes.T / np.square(axes[0]).sum())


def _axes(xy: Floats, pair: tuple[int, int]) -> Floats | None:
    """Unit vectors (2, 2): into the large faces, and across them where the side's neighbour is."""
    arms = np.zeros((2, 2))
    for corner in pair:
        to = xy[[corner ^ _SIDE, corner ^ _ACROSS]] - xy[corner]
        length = np.hypot(*to.T)
        if (length > 0).all():  # and found
            arms += to / length[:, None]
    across, into = arms[0] - arms[1], arms.sum(axis=0)
    if np.hypot(*into) < np.hypot(*across):  # wider than a right angle: the steadier of the two
        right = np.array([across[1], -across[0]])
        into = right if right @ into >= 0 else -right
    size = float(np.hypot(*into))
    if size == 0:
        return None
    into = into / size
    down = np.array([-into[1], into[0]])
    return np.stack([into, down if down @ across >= 0 else -down])


def _cut_out(image: Image, middle: Floats, axes: Floats) -> Image:
    """The square of the frame round `middle` → (SIZE, SIZE, 3), each pixel a mean."""
    fine = int(np.clip(np.ceil(np.hypot(*axes[0]) / SIZE), 1, 8))
    step = 2 * axes / (SIZE * fine)
    first = middle - axes.sum(axis=0) + step.sum(axis=0) / 2  # the middle of the first pixel
    to_frame = np.column_stack([step[0], step[1], first])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = SIZE * fine, SIZE * fine
    large = cv2.warpAffine(image, to_frame, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(large, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )
