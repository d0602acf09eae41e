"""What the sides of a block look like: paper or gilt, its grain, dirt and specks of print."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.camera import Camera
from stream.synth.light import SHIFT, Light, fixed

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]

_ACROSS, _MOST_ALONG = 48, 400  # texels of the strip of grain that is laid over a side


@dataclass(frozen=True, eq=False)
class Edge:
    """How the cut edges of a block's sheets look, whatever colour their paper is."""

    line: float = 0.72  # brightness of the gaps between sheets, times the sheets'
    grain: float = 1.0  # strength of the paper's streaks
    dirt: float = 0.0  # how much darker the middle of a side is, where hands hold it
    speck: Floats | None = None  # (3,) BGR of print that shows at the edges


@dataclass(frozen=True, eq=False)
class Paper:
    """What the sides are made of."""

    colour: Floats  # (3,) BGR
    edge: Edge
    seed: int  # where in the pool of grain the sides begin


def shades(
    ring: Floats, paper: Paper, camera: Camera, light: Light, shape: tuple[int, int]
) -> Image:
    """Outlines below and above (2, M, 3) world mm → colour of the sides (h, w, 3), halved.

    By direction, with the paper's grain. Three channels although grey would do for the grain, since
    OpenCV warps those fastest.
    """
    ring = _corners(ring)
    low = ring[0, :, :2]
    side = np.roll(low, -1, axis=0) - low
    length = np.maximum(np.hypot(side[:, 0], side[:, 1]), 1e-9)
    normals = np.stack([side[:, 1], -side[:, 0], 0 * length], axis=1) / length[:, None]
    seen = (normals[:, :2] * (camera.place[:2] - low)).sum(axis=1) > 0
    bright = light.shade(normals) * (128 / 200)
    px = camera.project(ring)
    shade = np.empty((*shape, 3), dtype=np.uint8)
    plain = paper.colour * (bright[seen].mean() if seen.any() else 0.64)
    cv2.rectangle(shade, (0, 0), (shape[1], shape[0]), plain.tolist(), cv2.FILLED)
    for i in np.flatnonzero(seen).tolist():
        j = (i + 1) % len(low)
        quad = px[[0, 0, 1, 1], [i, j, j, i]]
        if length[i] > 8:
            _lay(shade, quad, _strip(paper, float(bright[i]), i, float(length[i])))
        else:
            tint = paper.colour * bright[i]
            cv2.fillConvexPoly(shade, fixed(quad), tint.tolist(), cv2.LINE_8, SHIFT)
    return shade


def _corners(ring: Floats) -> Floats:
    """Outlines (2, M, 3) → those of their vertices (2, m, 3) at which they turn."""
    low = ring[0, :, :2]
    after, before = np.roll(low, -1, axis=0) - low, low - np.roll(low, 1, axis=0)
    turn = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])
    still = (after**2).sum(axis=1) < 1e-12  # a corner that is not rounded stands there many times
    return ring[:, (turn > 1e-6 * (before**2).sum(axis=1)) | still]


def _lay(shade: Image, quad: Floats, strip: Image) -> None:
    """Lay a strip of paper over one straight side (4, 2) px."""
    height, width = shade.shape[:2]
    x0, y0 = np.clip(np.floor(quad.min(axis=0)).astype(int) - 1, 0, (width, height)).tolist()
    x1, y1 = np.clip(np.ceil(quad.max(axis=0)).astype(int) + 2, 0, (width, height)).tolist()
    target = (quad - (x0, y0)).astype(np.float32)
    if x1 <= x0 or y1 <= y0 or abs(cv2.contourArea(target)) < 1:
        return
    # half a texel inside the strip, so that no pixel of the side reads beyond it
    right, below = strip.shape[1] - 1.5, strip.shape[0] - 1.5
    corners = np.array([[0.5, below], [right, below], [right, 0.5], [0.5, 0.5]], dtype=np.float32)
    warp = cv2.getPerspectiveTransform(corners, target)
    patch = shade[y0:y1, x0:x1]
    drawn = cv2.warpPerspective(strip, warp, (x1 - x0, y1 - y0))
    mask = np.zeros(patch.shape[:2], dtype=np.uint8)
    cv2.fillConvexPoly(mask, fixed(target), 255, cv2.LINE_8, SHIFT)
    cv2.copyTo(drawn, mask, patch)


def _strip(paper: Paper, bright: float, side: int, length_mm: float) -> Image:
    """The paper of one side as a picture (48, along, 3)."""
    along, seed = min(int(length_mm * 2), _MOST_ALONG), paper.seed + 7 * side
    pool, edge = _grain(), paper.edge
    row = seed * 37 % (pool.shape[0] - _ACROSS)
    column = seed * 61 % (pool.shape[1] - along)
    grain = pool[row : row + _ACROSS, column : column + along]
    # the dirt is widest in the middle and has no sharp end
    hold = np.sin(np.linspace(0, np.pi, along, dtype=np.float32)) ** 2 * np.float32(edge.dirt)
    gain = (1 + grain * np.float32(edge.grain)) * (1 - hold)
    strip = gain[..., None] * (paper.colour * bright).astype(np.float32)
    if edge.speck is not None:
        row = (row + 97) % (pool.shape[0] - _ACROSS)
        field = pool[row : row + _ACROSS, column : column + along]
        printed = np.clip(field * 7 - 0.25, 0, 0.5)
        strip += printed[..., None] * ((edge.speck * bright).astype(np.float32) - strip)
    return np.asarray(np.clip(strip, 0, 255), dtype=np.uint8)


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.float32]:
    """Streaks along the cards' edges (256, 512), parts of the brightness, 0 on average."""
    rng = np.random.default_rng(5)
    field = np.zeros((256, 512), dtype=np.float32)
    for sigma_x, sigma_y, weight in ((40, 0.8, 9), (12, 0.6, 5), (60, 10, 8), (1.5, 1.0, 4)):
        layer = rng.normal(size=field.shape).astype(np.float32)
        layer[:] = cv2.GaussianBlur(layer, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y)
        field += layer / layer.std() * weight
    return np.asarray(field / 128, dtype=np.float32)
