"""A frame and the region to look at → the picture that the network takes.

Streaming and training both come through here, so that the network meets one kind of resampling.
"""

from __future__ import annotations

from math import ceil, gcd, log2

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.geometry import Region

BORDER = 114
"""The grey, in all three channels, of what lies beyond the picture."""


def prepare(
    image: NDArray[np.uint8],
    region: Region,
    input_hw: tuple[int, int],
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Picture (H', W', 3) uint8 and a region of it → (H, W, 3) uint8 of size `input_hw`.

    What the region holds beyond the picture is BORDER grey. `out`, if given, is filled and
    returned. Frame px map to input px by `geometry.input_from_frame`.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        # OpenCV would leave the answer in an array of its own
        raise ValueError(f"a picture must be (H, W, 3) uint8, got {image.shape} {image.dtype}")
    shape = (*input_hw, 3)
    if out is None:
        out = np.empty(shape, np.uint8)
    elif out.shape != shape or out.dtype != np.uint8:
        raise ValueError(f"out must be {shape} uint8, got {out.shape} {out.dtype}")
    rows = _run(region.y, region.height, input_hw[0], image.shape[0])
    cols = _run(region.x, region.width, input_hw[1], image.shape[1])
    inside = out[rows[0], cols[0]]
    if inside.shape != out.shape:
        out[:] = BORDER
    if inside.size:
        _resize(_crop(image, rows[1], cols[1]), inside)
    return out


def _run(start: int, length: int, cells: int, limit: int) -> tuple[slice, slice]:
    """One axis: the input px that can show the picture, and the frame px that those span.

    Only every few pixels does an input pixel's edge fall on a frame pixel's edge; the run begins
    and ends there, hence is resized on its own exactly as if with all the grey around it.
    """
    runs = gcd(length, cells)
    step, span = cells // runs, length // runs
    first = min(max(0, -start // span), runs)
    last = max(min(runs, ceil((limit - start) / span)), first)
    return slice(first * step, last * step), slice(start + first * span, start + last * span)


def _crop(image: NDArray[np.uint8], rows: slice, cols: slice) -> NDArray[np.uint8]:
    """The pixels of the two runs, without a copy if they lie within the picture."""
    height, width = image.shape[:2]
    top, bottom = max(0, -rows.start), max(0, rows.stop - height)
    left, right = max(0, -cols.start), max(0, cols.stop - width)
    part = image[rows.start + top : rows.stop - bottom, cols.start + left : cols.stop - right]
    if not any((top, bottom, left, right)):
        return part
    grey = (BORDER,) * 3
    bordered = cv2.copyMakeBorder(part, top, bottom, left, right, cv2.BORDER_CONSTANT, value=grey)
    return bordered.astype(np.uint8, copy=False)


def _resize(source: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Resize `source` into `out`, averaging over all pixels when it shrinks.

    INTER_AREA is fast for a factor of two and slow for most others (2.1 ms for 720² → 256², this
    0.5 ms); so all are halvings but for one linear step, by √2 at most, which skips no pixel.
    """
    height, width = out.shape[:2]
    rows, columns = source.shape[:2]
    # Even sides are halved at once, so that the linear step meets a small picture.
    while min(rows / height, columns / width) > 2**1.5 and rows % 2 == columns % 2 == 0:
        rows, columns = rows // 2, columns // 2
        source = _resized(source, (columns, rows), cv2.INTER_AREA)
    halvings = round(log2(max(rows / height, columns / width, 1.0)))
    flag = cv2.INTER_LINEAR
    for n in range(halvings, 0, -1):
        source = _resized(source, (width << n, height << n), flag)
        flag = cv2.INTER_AREA
    cv2.resize(source, (width, height), dst=out, interpolation=flag)


def _resized(source: NDArray[np.uint8], size: tuple[int, int], flag: int) -> NDArray[np.uint8]:
    """OpenCV's resize to (width, height), of which its stubs do not say that uint8 stays."""
    return cv2.resize(source, size, interpolation=flag).astype(np.uint8, copy=False)
