"""A labelled picture → a view of it as the network may get to see it, labels carried along.

The geometry (crop, scale, roll, mirror) is one affine map, ours, so that corners stay on their
pixels; colour, blur, noise and compression are torchvision's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

from stream.packet import FLIP, canonical
from stream.prepare import BORDER

Image = NDArray[np.uint8]
Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class View:
    """A square window of a picture: its centre and side in px, its roll, and whether mirrored."""

    centre: tuple[float, float]
    side: float
    roll_rad: float = 0.0
    mirror: bool = False

    def matrix(self, size: int) -> NDArray[np.float64]:
        """The 2×3 affine from picture px to px of a size×size view, integers at pixel centres."""
        s = size / self.side
        c, n = s * math.cos(self.roll_rad), s * math.sin(self.roll_rad)
        linear = np.array([[c, n], [-n, c]])
        if self.mirror:
            linear[0] *= -1
        middle = (size - 1) / 2
        return np.column_stack([linear, middle - linear @ np.array(self.centre)])


def warp(image: Image, view: View, size: int) -> Image:
    """(H, W, 3) → (size, size, 3) as the view sees it; outside the picture it is grey.

    A view that shrinks is first resized by area, as `stream.prepare` does, so that nothing aliases.
    """
    shrink = view.side / size
    matrix = view.matrix(size)
    if shrink > 1.25:
        height, width = image.shape[:2]
        small = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        image = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        sx, sy = small[0] / width, small[1] / height
        up = np.array([[1 / sx, 0, 0.5 / sx - 0.5], [0, 1 / sy, 0.5 / sy - 0.5], [0, 0, 1]])
        matrix = matrix @ up
    out = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(BORDER,) * 3
    )
    return out.astype(np.uint8, copy=False)


def moved(
    xy: Points, visible: NDArray[np.bool_], view: View, size: int
) -> tuple[Points, NDArray[np.bool_]]:
    """Corners (8, 2) and visibility (8,) → the same in the view, relabelled as the view asks.

    A mirrored packet swaps left and right; the upper side is the one higher in the view.
    """
    matrix = view.matrix(size)
    xy = xy @ matrix[:, :2].T + matrix[:, 2]
    if view.mirror:
        xy, visible = xy[list(FLIP)], visible[list(FLIP)]
    order = canonical(xy)
    return xy[order], visible[order]


def random_view(rng: np.random.Generator, xy: Points, frame_hw: tuple[int, int]) -> View:
    """A view of a packet: mostly a loose crop as the tracker takes it, else most of the frame."""
    finite = xy[np.isfinite(xy).all(axis=1)]
    low, high = finite.min(axis=0), finite.max(axis=0)
    roll = rng.uniform(-math.pi, math.pi) if rng.random() < 0.1 else rng.normal(0.0, 0.25)
    mirror = bool(rng.random() < 0.5)
    if rng.random() < 0.25:
        side = max(frame_hw) * rng.uniform(0.9, 2.2)
        centre = np.array([frame_hw[1] / 2, frame_hw[0] / 2]) + rng.normal(0, 0.05, 2) * side
    else:
        extent = float((high - low).max())
        side = extent * math.exp(rng.uniform(math.log(1.15), math.log(2.2)))
        slack = max(0.0, side - 0.9 * extent) / 2
        centre = (low + high) / 2 + rng.uniform(-1, 1, 2) * slack
    return View((float(centre[0]), float(centre[1])), side, roll, mirror)


def empty_view(
    rng: np.random.Generator, frame_hw: tuple[int, int], xy: Points | None = None
) -> View | None:
    """A view without the packet whose corners are `xy`; None if this draw would show it."""
    height, width = frame_hw
    side = math.exp(rng.uniform(math.log(0.2), math.log(1.3))) * min(frame_hw)
    if xy is None:
        side = max(side, 0.4 * min(frame_hw))
    centre = rng.uniform((0, 0), (width, height))
    view = View(
        (float(centre[0]), float(centre[1])), side, rng.uniform(-0.6, 0.6), bool(rng.random() < 0.5)
    )
    if xy is None:
        return view
    finite = xy[np.isfinite(xy).all(axis=1)]
    middle = (finite.min(axis=0) + finite.max(axis=0)) / 2
    # Corners that are not labelled lie within the box of the others, or just beyond it.
    reach = 1.15 * np.hypot(*(finite - middle).T).max()
    return view if np.hypot(*(centre - middle)) > reach + side * math.sqrt(0.5) else None


_COLOUR = v2.Compose(
    [
        v2.RandomApply([v2.ColorJitter(brightness=0.35, contrast=0.35, saturation=0.4)], p=0.8),
        v2.RandomApply([v2.ColorJitter(hue=0.5)], p=0.35),
        v2.RandomGrayscale(p=0.05),
        v2.RandomApply([v2.GaussianBlur(5, sigma=(0.3, 1.6))], p=0.25),
    ]
)


def colour(rng: np.random.Generator, image: Image) -> Image:
    """(H, W, 3) BGR → the same in another light, through another lens and camera."""
    rgb = torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**31)))
        rgb = _COLOUR(rgb)
    out = rgb.numpy().transpose(1, 2, 0)[..., ::-1]
    if rng.random() < 0.4:
        noise = rng.normal(0.0, rng.uniform(1.0, 9.0), (*out.shape[:2], 1)).astype(np.float32)
        out = np.clip(out + noise, 0, 255)
    out = np.ascontiguousarray(out, dtype=np.uint8)
    return _compressed(out, int(rng.integers(35, 96))) if rng.random() < 0.3 else out


def _compressed(image: Image, quality: int) -> Image:
    """What JPEG of that quality leaves of a picture."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert out is not None  # noqa: S101 - it was encoded a line above
    return out.astype(np.uint8, copy=False)
