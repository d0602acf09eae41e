"""A decoder's frame → the picture as it is shown: with square pixels, turned and mirrored."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import cv2
import numpy as np
from av import VideoFrame
from av.sidedata.sidedata import SideData, Type
from numpy.typing import NDArray

from stream.colour import bgr_picture
from stream.planes import Planes, planes_of

_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
"""Display matrices (a, b, c, d), each a quarter counterclockwise from the one before."""

_ODDEST = 4  # pixels longer than that are not meant: the longest in use is 2.2


def as_shown(frame: VideoFrame, pixel: Fraction | None) -> NDArray[np.uint8] | Planes:
    """A stored picture → with square pixels, turned by its display matrix to the nearest quarter.

    `pixel` is the width of a stored pixel over its height, None or 0 if nothing is said. The matrix
    [[a, b], [c, d]] of 16.16 numbers (ISO/IEC 14496-12, 8.3.2) takes a stored place to
    x' = a·x + c·y, y' = b·x + d·y, but for the shift.
    """
    matrix = _matrix(frame)
    width = _square_width(frame.width, pixel)
    planes = planes_of(frame)
    if planes is None:
        return _turned(_widened(bgr_picture(frame), width), matrix)
    planes = _spread(planes, width)
    y, u, v = (_turned(plane, matrix) for plane in (planes.y, planes.u, planes.v))
    return Planes(y, u, v, planes.tags)


def _matrix(frame: VideoFrame) -> tuple[int, ...]:
    """A frame's display matrix (a, b, c, d), in 16.16 or, which is the same here, in whole ones."""
    try:
        said = cast("SideData | None", frame.side_data.get(Type.DISPLAYMATRIX))  # type: ignore[call-overload]
    except ValueError:
        # PyAV stumbles over what it does not know beside it, as EXIF and what spatial films have;
        # of those it tells the turn alone, counterclockwise
        return _TURNS[round(frame.rotation / 90) % 4]
    if said is None:
        return _TURNS[0]
    a, b, _, c, d = np.frombuffer(bytes(said), np.int32, 5).tolist()
    return a, b, c, d


def _square_width(width: int, pixel: Fraction | None) -> int:
    """How wide a picture is if its pixels are made square; even, where that is a change."""
    if not pixel or pixel == 1 or not 1 / _ODDEST <= pixel <= _ODDEST:
        return width
    return max(2, 2 * round(width * pixel / 2))


def _spread(planes: Planes, width: int) -> Planes:
    """Planes of another, even width."""
    if width == planes.hw[1]:
        return planes
    u, v = (_widened(plane, width // 2) for plane in (planes.u, planes.v))
    return Planes(_widened(planes.y, width), u, v, planes.tags)


def _widened(picture: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """A picture or plane of another width and the same height."""
    if width == picture.shape[1]:
        return picture
    how = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_LINEAR
    size = (width, picture.shape[0])
    return cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=how))


def _turned(image: NDArray[np.uint8], matrix: tuple[int, ...]) -> NDArray[np.uint8]:
    """A picture or plane, turned and mirrored to the nearest quarter."""
    a, b, c, d = matrix
    if abs(a) >= abs(b):
        mirror_x, mirror_y = a < 0, d < 0
    else:
        mirror_x, mirror_y = c < 0, b < 0
        image = cast("NDArray[np.uint8]", cv2.transpose(image))
    if mirror_x or mirror_y:
        code = -1 if mirror_x and mirror_y else int(mirror_x)
        image = cast("NDArray[np.uint8]", cv2.flip(image, code))
    return image
