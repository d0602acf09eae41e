"""Pictures with captions → a contact sheet, and the truth drawn into them."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def with_truth(image: Image, xy: NDArray[np.float64]) -> Image:
    """A picture and its true keypoints (K, 2) → a copy with a cross at each that is not NaN."""
    out: Image = image.copy()
    arm = max(4, round(max(image.shape[:2]) / 90))
    for x, y in xy[np.isfinite(xy).all(axis=1)]:
        place = (round(float(x)), round(float(y)))
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.drawMarker(out, place, colour, cv2.MARKER_TILTED_CROSS, 2 * arm, width, cv2.LINE_AA)
    return out


def sheet(
    pictures: Iterable[tuple[Image, str]], columns: int = 4, tile_hw: tuple[int, int] = (240, 320)
) -> Image:
    """Pictures with captions → one picture with all of them side by side, as tiles on grey.

    Raises ValueError for no picture at all.
    """
    tiles = [_tile(image, text, tile_hw) for image, text in pictures]
    if not tiles:
        raise ValueError("a sheet needs at least one picture, got none")
    blank = np.full_like(tiles[0], 32)
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[at : at + columns]) for at in range(0, len(tiles), columns)]
    out: Image = np.vstack(rows)
    return out


def _tile(image: Image, text: str, tile_hw: tuple[int, int]) -> Image:
    """One picture, whole, brought to the tile's size above its caption."""
    height, width = tile_hw
    scale = min(height / image.shape[0], width / image.shape[1])
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    flag = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    out: Image = np.full((height + 22, width, 3), 32, np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    out[top : top + size[1], left : left + size[0]] = cv2.resize(image, size, interpolation=flag)
    cv2.putText(
        out, text, (4, height + 15), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (230,) * 3, 1, cv2.LINE_AA
    )
    return out
