"""The eye on the edge: where the rims of a packet's sides lie, at the source's own resolution.

The network sees a packet in a picture of 256 pixels, in which a card is half a pixel to one. Each
side of which all four corners were found is looked at again: cut out of the frame as a strip whose
rows run along the rims, it goes through a small network (`stream.rim_network`) that says how far
off its rims are, and how surely. A corner between two sides is held by two rims, another by one,
and by what its heatmap said before.

    strip, rows down the side            ┌──────────────┐
                                         │  large face  │
    upper rim  tl ───────────── tr       │──────────────│  ← said: rows of tl, tr
                 side of the packet      │ ▒▒▒▒▒▒▒▒▒▒▒▒ │
    lower rim  bl ───────────── br       │──────────────│  ← and of bl, br
                                         │    table     │
                                         └──────────────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.block import BACK
from stream.packet import extent_px

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
Corners = tuple[int, int, int, int]

ROWS, COLUMNS = 48, 32
"""Size of a strip."""

BEYOND, BEYOND_REL = 0.6, 0.03
"""What a strip shows beyond each rim: parts of the side's height, and of the packet's extent."""

ENDS = 0.06
"""Part of a side's length left out at each end, where the cards are round."""

SHORTEST_PX = 20.0
"""A shorter side shows nothing."""

_SIDES = ((0, 1, 2, 3), (4, 5, 6, 7), (0, 4, 2, 6), (1, 5, 3, 7))  # two of the face, of the back


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """A side as it was cut out, and where its corners were thought to be.

    Rows are in parts of the strip's height from its middle, −½ … ½, downwards.
    """

    corners: Corners  # of the packet: tl, tr, bl, br
    picture: Image  # (ROWS, COLUMNS, 3)
    rows: Floats  # (4,)
    about: Floats  # (4,) px a row, px a column; height of side and strip in parts of the extent
    normal: Floats  # (2,) unit vector in the frame, down the rows
    height_px: float


def sides(seen: NDArray[np.bool_]) -> list[Corners]:
    """Which corners (8,) are seen → the sides (tl, tr, bl, br) below the large face in sight.

    A large face is in sight if all of it is, and none are if both would be.
    """
    face, back = seen[BACK < 0].all(), seen[BACK > 0].all()
    if face == back:
        return []
    whole = [side for side in _SIDES if seen[list(side)].all()]
    return [(c, d, a, b) if back else (a, b, c, d) for a, b, c, d in whole]


def cut(image: Image, xy: Floats, sides: list[Corners]) -> Iterator[Strip]:
    """A frame and its packet's corners (8, 2) px → the strips of its sides, as far as they show."""
    extent = extent_px(xy)
    for side in sides:
        strip = _strip(image, xy, side, extent)
        if strip is not None:
            yield strip


def _strip(image: Image, xy: Floats, side: Corners, extent: float) -> Strip | None:
    tl, tr, bl, br = xy[list(side)]
    along = (tr - tl + br - bl) / 2
    length = float(np.hypot(*along))
    if length < SHORTEST_PX:
        return None
    along /= length
    normal = np.array([-along[1], along[0]])
    middle = xy[list(side)].mean(axis=0)
    if (bl + br - tl - tr) @ normal < 0:
        normal = -normal
    tall = float((bl + br - tl - tr) @ normal) / 2
    height = tall + 2 * (BEYOND * tall + BEYOND_REL * extent)
    start = middle - along * length * (0.5 - ENDS) - normal * height / 2
    across, down = along * length * (1 - 2 * ENDS), normal * height
    rows = (xy[list(side)] - middle) @ normal / height
    about = np.array([height / ROWS, length / COLUMNS, tall / extent, height / extent])
    return Strip(side, _cut_out(image, start, across, down), rows, about, normal, height)


def _cut_out(image: Image, start: Floats, across: Floats, down: Floats) -> Image:
    """The parallelogram of the frame from `start` on → (ROWS, COLUMNS, 3), each pixel a mean.

    A sample every other pixel is enough of it, for each is made of the pixels on either side.
    """
    fine = [
        int(np.clip(np.ceil(np.hypot(*edge) / n / 2), 1, 8))
        for edge, n in ((across, COLUMNS), (down, ROWS))
    ]
    size = COLUMNS * fine[0], ROWS * fine[1]
    step_x, step_y = across / size[0], down / size[1]
    first = start + (step_x + step_y) / 2  # the middle of the first pixel
    to_frame = np.column_stack([step_x, step_y, first])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REPLICATE
    large = cv2.warpAffine(image, to_frame, size, flags=flags, borderMode=border)
    small = cv2.resize(large, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True, eq=False)
class Rims:
    """What was read in a strip: where its corners' rims are, and how surely."""

    rows: Floats  # (4,) of tl, tr, bl, br, as in `Strip.rows`
    sd: Floats  # (2,) of an upper and of a lower one, in parts of the strip's height


def held(
    xy: Floats, covariance: Floats, strips: Sequence[Strip], read: Sequence[Rims]
) -> tuple[Floats, Floats]:
    """Corners (8, 2) px, cut by, and their covariances (8, 2, 2) px² → both, held by the rims.

    A rim says where a corner is along the strip's normal, its heatmap where it is both ways: the
    mean by precision, as a Kalman filter has it.
    """
    precision: dict[int, Floats] = {}
    pull: dict[int, Floats] = {}
    for strip, rims in zip(strips, read, strict=True):
        off_px = (rims.rows - strip.rows) * strip.height_px
        weights = np.repeat(rims.sd * strip.height_px, 2) ** -2
        towards = np.outer(strip.normal, strip.normal)
        for corner, off, weight in zip(strip.corners, off_px, weights, strict=True):
            if corner not in precision:
                precision[corner] = np.linalg.inv(covariance[corner])
            precision[corner] += weight * towards
            pull[corner] = pull.get(corner, np.zeros(2)) + weight * off * strip.normal
    xy, covariance = xy.copy(), covariance.copy()
    for corner, known in precision.items():
        covariance[corner] = np.linalg.inv(known)
        xy[corner] += covariance[corner] @ pull[corner]
    return xy, covariance
