"""A block of cards, or a box, drawn into a picture: layered sides, then the face on top.

The block is drawn card by card from the table up, each as the hull of its lower and its upper
outline, so that round corners, leaning packets and cards out of line come by themselves. It is
drawn larger than needed and averaged down, which smooths its edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture
from stream.synth.camera import Camera, lift
from stream.synth.light import SHIFT, Light, fixed

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Block:
    """A stack of equal sheets on the table."""

    outline: Floats  # (M, 2) mm about its own middle, anticlockwise
    size_mm: tuple[float, float]  # of the face on top, for its texture
    thickness_mm: float
    top: Texture
    paper: Floats  # (3,) BGR of the sides
    tones: Floats  # (n,) brightness of each sheet's edge, from the table up
    shifts: Floats  # (n, 2) mm, how far each sheet lies off the middle
    gloss: Image | None = None
    place_mm: tuple[float, float] = (0.0, 0.0)
    yaw_rad: float = 0.0
    grain: int = 0  # where in the pool of paper grain its sides begin

    def footprint(self, sheet: int = 0) -> Floats:
        """The outline of one sheet on the table, world mm (M, 2)."""
        return self.to_world(self.outline + self.shifts[sheet])

    def to_world(self, xy: Floats) -> Floats:
        """Points (…, 2) of the block's own plane → world mm."""
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        return np.asarray(xy @ np.array([[c, s], [-s, c]]) + self.place_mm)


@dataclass(frozen=True, eq=False)
class Painted:
    """Where a block was drawn: alpha (h, w) uint8 whose first pixel is (x, y) of the picture."""

    x: int
    y: int
    alpha: Image

    def covers(self, xy: Floats) -> NDArray[np.bool_]:
        """Which of the points (N, 2) px lie on the block."""
        cells = np.rint(np.nan_to_num(xy, nan=-1e6)).astype(int) - (self.x, self.y)
        height, width = self.alpha.shape
        inside = ((cells >= 0) & (cells < (width, height))).all(axis=1)
        cells = np.clip(cells, 0, (width - 1, height - 1))
        return np.asarray(inside & (self.alpha[cells[:, 1], cells[:, 0]] > 127))


def paint(image: Image, block: Block, camera: Camera, light: Light) -> Painted | None:
    """Draw the block into the picture, in place. None if it is not in the picture."""
    levels = _levels(block, camera)
    if levels is None:
        return None
    hulls, tones = levels
    points = np.concatenate([hulls[0], hulls[-1]])
    height, width = image.shape[:2]
    x0, y0 = (max(int(v) - 2, 0) for v in points.min(axis=(0)))
    x1, y1 = (min(int(v) + 3, n) for v, n in zip(points.max(axis=0), (width, height), strict=True))
    if x1 - x0 < 1 or y1 - y0 < 1:
        return None
    times = _supersampling(x1 - x0, y1 - y0)
    enlarge = np.array(
        [[times, 0, times * (0.5 - x0) - 0.5], [0, times, times * (0.5 - y0) - 0.5], [0, 0, 1.0]]
    )
    zoomed = Camera(enlarge @ camera.K, camera.R, camera.t)
    shape = ((y1 - y0) * times, (x1 - x0) * times)
    hulls = hulls * times + enlarge[:2, 2]
    colour, mask = _sides(hulls, tones, _shades(block, zoomed, light, shape))
    _top(block, zoomed, colour, mask)
    small = (x1 - x0, y1 - y0)
    colour = np.asarray(cv2.resize(colour, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    alpha = np.asarray(cv2.resize(mask, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    under = image[y0:y1, x0:x1]
    keep = cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2BGR)
    cv2.add(cv2.multiply(under, keep, scale=1 / 255), colour, dst=under)
    return Painted(x0, y0, alpha)


def _supersampling(width: int, height: int) -> int:
    """How many subpixels a side: small blocks need more to be as smooth."""
    return 3 if width * height < 90 * 90 else 2


def _levels(block: Block, camera: Camera) -> tuple[Floats, Floats] | None:
    """The sheets, thin ones taken together → (outlines below and above (m, 2M, 2) px, tones (m,)).

    None if a part of the block is behind the camera.
    """
    sheets = len(block.tones)
    ends = block.to_world(np.zeros((1, 2)))
    middle = np.array([[*ends[0], 0.0], [*ends[0], block.thickness_mm]])
    if (camera.depth(middle) < 1).any():
        return None
    tall_px = float(np.linalg.norm(np.diff(camera.project(middle), axis=0)))
    parts = int(np.clip(tall_px * 2.2, 1, sheets))
    index = (np.arange(parts) + 0.5) * sheets / parts
    chosen = index.astype(int)
    z = np.linspace(0, block.thickness_mm, parts + 1)
    plan = block.to_world(block.outline + block.shifts[chosen][:, None])
    world = np.empty((parts, 2, len(block.outline), 3))
    world[..., :2] = plan[:, None]
    world[:, 0, :, 2] = z[:-1, None]
    world[:, 1, :, 2] = z[1:, None]
    if (camera.depth(world[[0, -1]]) < 1).any():
        return None
    calm = np.sqrt(parts / sheets)  # sheets taken together average out
    tones = 1 + (block.tones[chosen] - 1) * calm
    return camera.project(world).reshape(parts, -1, 2), tones


def _sides(hulls: Floats, tones: Floats, shade: Image) -> tuple[Image, Image]:
    """Sheets and the sides' colour → colour (h, w, 3), 0 outside, and mask (h, w), 0 or 255."""
    grey = np.zeros(shade.shape[:2], dtype=np.uint8)
    mask = np.zeros_like(grey)
    m = hulls.shape[1] // 2
    sheet_px = float(np.abs(hulls[0, 0] - hulls[0, m]).max())
    levels = np.clip(tones * 200, 1, 255).astype(int).tolist()
    for points, tone in zip(fixed(hulls), levels, strict=True):
        hull = cv2.convexHull(points)
        cv2.fillConvexPoly(grey, hull, tone, cv2.LINE_8, SHIFT)
        cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_8, SHIFT)
        if sheet_px > 2.5:  # the dark gap below each sheet
            gap = np.concatenate([points[:m], points[:m] + (points[m:] - points[:m]) // 4])
            cv2.fillConvexPoly(grey, cv2.convexHull(gap), int(tone * 0.72), cv2.LINE_8, SHIFT)
    colour = cv2.multiply(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), shade, scale=1 / 128)
    return np.asarray(colour, dtype=np.uint8), mask


def _shades(block: Block, camera: Camera, light: Light, shape: tuple[int, int]) -> Image:
    """Colour of the sides (h, w, 3) at half its brightness: by direction, with the paper's grain.

    Three channels although grey would do for the grain, since OpenCV warps those fastest.
    """
    low, high = block.footprint(0), block.footprint(-1)
    edge = np.roll(low, -1, axis=0) - low
    length = np.maximum(np.hypot(edge[:, 0], edge[:, 1]), 1e-9)
    normals = np.stack([edge[:, 1], -edge[:, 0], 0 * length], axis=1) / length[:, None]
    seen = (normals[:, :2] * (camera.place[:2] - low)).sum(axis=1) > 0
    bright = light.shade(normals) * (128 / 200)
    ring = camera.project(np.concatenate([lift(low, 0.0), lift(high, block.thickness_mm)]))
    shade = np.empty((*shape, 3), dtype=np.uint8)
    plain = block.paper * (bright[seen].mean() if seen.any() else 0.64)
    cv2.rectangle(shade, (0, 0), (shape[1], shape[0]), plain.tolist(), cv2.FILLED)
    m = len(low)
    for i in np.flatnonzero(seen).tolist():
        j = (i + 1) % m
        quad = ring[[i, j, j + m, i + m]]
        tint = block.paper * bright[i]
        if length[i] > 8:
            _grain(shade, quad, tint, block.grain + 7 * i, float(length[i]))
        else:
            cv2.fillConvexPoly(shade, fixed(quad), tint.tolist(), cv2.LINE_8, SHIFT)
    return shade


def _grain(shade: Image, quad: Floats, tint: Floats, seed: int, length_mm: float) -> None:
    """Lay streaks of paper, `tint` on average, over one straight side (4, 2) px."""
    height, width = shade.shape[:2]
    x0, y0 = np.clip(np.floor(quad.min(axis=0)).astype(int) - 1, 0, (width, height)).tolist()
    x1, y1 = np.clip(np.ceil(quad.max(axis=0)).astype(int) + 2, 0, (width, height)).tolist()
    target = (quad - (x0, y0)).astype(np.float32)
    if x1 <= x0 or y1 <= y0 or abs(cv2.contourArea(target)) < 1:
        return
    pool = _paper_grain()
    across, along = 48, min(int(length_mm * 2), 400)
    row, column = seed * 37 % (pool.shape[0] - across), seed * 61 % (pool.shape[1] - along)
    strip = pool[row : row + across, column : column + along]
    strip = np.asarray(np.minimum(strip * (tint / 128).astype(np.float32), 255), dtype=np.uint8)
    # half a texel inside the strip, so that no pixel of the side reads beyond it
    right, below = along - 1.5, across - 1.5
    corners = np.array([[0.5, below], [right, below], [right, 0.5], [0.5, 0.5]], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    patch = shade[y0:y1, x0:x1]
    drawn = cv2.warpPerspective(strip, warp, (x1 - x0, y1 - y0))
    mask = np.zeros(patch.shape[:2], dtype=np.uint8)
    cv2.fillConvexPoly(mask, fixed(target), 255, cv2.LINE_8, SHIFT)
    cv2.copyTo(drawn, mask, patch)


@lru_cache(maxsize=1)
def _paper_grain() -> Image:
    """Streaks along the cards' edges (256, 512, 3), 128 on average."""
    rng = np.random.default_rng(5)
    field = np.zeros((256, 512), dtype=np.float32)
    for sigma_x, sigma_y, weight in ((40, 0.8, 9), (12, 0.6, 5), (60, 10, 8), (1.5, 1.0, 4)):
        layer = rng.normal(size=field.shape).astype(np.float32)
        layer[:] = cv2.GaussianBlur(layer, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
        field += layer / layer.std() * weight
    grey = np.clip(128 + field, 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _top(block: Block, camera: Camera, colour: Image, mask: Image) -> None:
    """Draw the face on top into colour and mask, in place."""
    world = lift(block.footprint(-1), block.thickness_mm)
    outline = camera.project(world)
    height, width = mask.shape
    c, s = np.cos(block.yaw_rad), np.sin(block.yaw_rad)
    middle = block.to_world(block.shifts[-1])
    plane = camera.plane(block.thickness_mm) @ np.array(
        [[c, -s, middle[0]], [s, c, middle[1]], [0, 0, 1.0]]
    )
    fine = block.top.levels[0]
    area = abs(cv2.contourArea(outline.astype(np.float32)))
    texture = block.top.at(np.sqrt(fine.shape[0] * fine.shape[1] / max(area, 1.0)) * 0.8)
    warped = _warp(texture, plane, block.size_mm, (width, height))
    if block.gloss is not None:
        shine = _warp(block.gloss, plane, block.size_mm, (width, height))
        warped = np.asarray(cv2.add(warped, shine), dtype=np.uint8)
    face = np.zeros_like(mask)
    cv2.fillConvexPoly(face, fixed(outline), 255, cv2.LINE_8, SHIFT)
    cv2.copyTo(warped, face, colour)
    cv2.bitwise_or(mask, face, dst=mask)


def _warp(
    texture: Image, plane: Floats, size_mm: tuple[float, float], size: tuple[int, int]
) -> Image:
    """A picture that covers `size_mm` about a plane's origin → as the camera shows that plane."""
    height, width = texture.shape[:2]
    # the picture's outermost half texel is cut off: OpenCV is four times as fast without a border
    sx, sy = size_mm[0] / (width - 1), size_mm[1] / (height - 1)
    to_mm = np.array([[sx, 0, -size_mm[0] / 2], [0, -sy, size_mm[1] / 2], [0, 0, 1.0]])
    shown = cv2.warpPerspective(texture, plane @ to_mm, size)
    return np.asarray(shown, dtype=np.uint8)
