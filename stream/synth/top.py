"""The face on top of a block, drawn into a picture: flat, or bent over a bow."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.body import Bow
from stream.synth.camera import Camera
from stream.synth.light import SHIFT, fixed

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_COARSE = 4  # a bent face's map is worked out for every so many pixels


@dataclass(frozen=True, eq=False)
class Sheet:
    """Where the topmost sheet lies."""

    outline_px: Floats  # (M, 2)
    size_mm: tuple[float, float]
    level_mm: float
    to_plane: Floats  # (3, 3) mm on the sheet → mm of the block's plane, in which it bends
    to_world: Floats  # (3, 3) mm of the block's plane → world mm
    bow: Bow | None


def paint_top(layers: list[Image], sheet: Sheet, camera: Camera, onto: tuple[Image, Image]) -> None:
    """Draw pictures that cover the sheet, added up, into a colour image and a mask, in place."""
    colour, mask = onto
    height, width = mask.shape
    face = np.zeros_like(mask)
    outline = fixed(sheet.outline_px)
    if sheet.bow is None:
        cv2.fillConvexPoly(face, outline, 255, cv2.LINE_8, SHIFT)
        plane = camera.plane(sheet.level_mm) @ sheet.to_world @ sheet.to_plane
        shown = [_warp(layer, plane, sheet.size_mm, (width, height)) for layer in layers]
    else:
        cv2.fillPoly(face, [outline], 255, cv2.LINE_8, SHIFT)
        places = _places(sheet, sheet.bow, camera, (height, width))
        shown = [_look_up(layer, places, sheet.size_mm) for layer in layers]
    for more in shown[1:]:
        cv2.add(shown[0], more, dst=shown[0])
    cv2.copyTo(shown[0], face, colour)
    cv2.bitwise_or(mask, face, dst=mask)


def _to_mm(picture: Image, size_mm: tuple[float, float]) -> Floats:
    """Texels of a picture that covers a sheet → mm from the sheet's middle (3, 3)."""
    height, width = picture.shape[:2]
    # the picture's outermost half texel is cut off: OpenCV is four times as fast without a border
    sx, sy = size_mm[0] / (width - 1), size_mm[1] / (height - 1)
    return np.array([[sx, 0, -size_mm[0] / 2], [0, -sy, size_mm[1] / 2], [0, 0, 1.0]])


def _warp(
    picture: Image, plane: Floats, size_mm: tuple[float, float], size: tuple[int, int]
) -> Image:
    """A picture that covers `size_mm` about a plane's origin → as the camera shows that plane."""
    shown = cv2.warpPerspective(picture, plane @ _to_mm(picture, size_mm), size)
    return np.asarray(shown, dtype=np.uint8)


def _look_up(picture: Image, places: NDArray[np.float32], size_mm: tuple[float, float]) -> Image:
    """A picture that covers a sheet, read at places (h, w, 2) mm of the sheet → (h, w, 3)."""
    inverse = np.linalg.inv(_to_mm(picture, size_mm))
    texels = cv2.transform(places, inverse[:2])
    mode = cv2.BORDER_REPLICATE
    shown = cv2.remap(picture, texels, None, cv2.INTER_LINEAR, borderMode=mode)  # type: ignore[call-overload]
    return np.asarray(shown, dtype=np.uint8)


def _places(
    sheet: Sheet, bow: Bow, camera: Camera, shape_hw: tuple[int, int]
) -> NDArray[np.float32]:
    """Which place of the bent sheet each pixel shows: (h, w, 2) mm from the sheet's middle.

    A pixel's ray crosses the level plane at u_0 and moves by `slope` along the bend for each mm
    up; where it meets the parabola a + b·u² follows from a quadratic equation.
    """
    height, width = shape_hw
    rows, columns = -(-height // _COARSE) + 1, -(-width // _COARSE) + 1
    x, y = np.meshgrid(np.arange(columns) * float(_COARSE), np.arange(rows) * float(_COARSE))
    level = np.linalg.inv(camera.plane(sheet.level_mm) @ sheet.to_world)
    seen = np.stack([x, y, np.ones_like(x)], axis=-1) @ level.T
    flat = seen[..., :2] / np.where(np.abs(seen[..., 2:]) < 1e-9, 1e-9, seen[..., 2:])
    eye = np.linalg.inv(sheet.to_world) @ np.array([*camera.place[:2], 1.0])
    slope = (eye[:2] - flat) / max(float(camera.place[2]) - sheet.level_mm, 1e-3)
    a, b = bow.coefficients()
    u, k = flat[..., bow.axis], slope[..., bow.axis]
    linear = 1 - 2 * b * u * k
    root = np.sqrt(np.maximum(linear**2 - 4 * b * k**2 * (a + b * u**2), 0))
    up = 2 * (a + b * u**2) / np.maximum(linear + root, 1e-3)
    bent = flat + slope * up[..., None]
    back = np.linalg.inv(sheet.to_plane)[:2]
    on_sheet = cv2.transform(np.clip(bent, -1e4, 1e4).astype(np.float32), back)
    # pixel (i, j) of the coarse grid is the picture's (4i, 4j): grown about the pixels' centres
    grow = np.array([[_COARSE, 0, 0], [0, _COARSE, 0]], dtype=np.float64)
    fine = cv2.warpAffine(on_sheet, grow, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(fine, dtype=np.float32)
