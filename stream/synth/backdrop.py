"""What lies behind and below a packet: a table in perspective with a wall, or a flat picture."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture
from stream.synth.camera import Camera, lift
from stream.synth.light import SHIFT, fixed

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Backdrop:
    """A table top that ends `far_mm` behind the packet, where a wall begins."""

    table: Texture
    wall: Texture
    flat: bool  # the table's picture as it is, not in perspective
    mm_per_texel: float
    yaw_rad: float
    shift_mm: tuple[float, float]
    far_mm: float
    zoom: float  # ≥ 1: how much of a flat picture is left out
    part: tuple[float, float]  # (x, y) in 0..1: which part of it is shown
    mix: Floats  # (3, 3) BGR → BGR, so that a picture serves in many colours
    corners: Floats  # (2, 2) brightness in the picture's corners
    below_mm: float = 0.0  # how far the table is below what is looked at
    blur_rel: float = 0.0  # standard deviation of its blur, of the picture's shorter side


def draw_backdrop(rng: np.random.Generator, tables: list[Texture], flat: float) -> Backdrop:
    """Random numbers → a backdrop out of the given pictures."""
    table, wall = (tables[int(rng.integers(len(tables)))] for _ in range(2))
    mix = np.eye(3) * rng.uniform(0.75, 1.25, 3)
    if rng.random() < 0.4:
        mix = mix[rng.permutation(3)]
    if rng.random() < 0.3:
        grey = float(rng.uniform(0.2, 1))
        mix = (1 - grey) * mix + grey / 3
    return Backdrop(
        table=table,
        wall=wall,
        flat=bool(rng.random() < flat),
        mm_per_texel=float(np.exp(rng.uniform(np.log(0.15), np.log(1.6)))),
        yaw_rad=float(rng.uniform(0, 2 * np.pi)),
        shift_mm=(float(rng.uniform(-400, 400)), float(rng.uniform(-400, 400))),
        far_mm=float(rng.uniform(90, 900)),
        zoom=float(rng.uniform(1, 3)),
        part=(float(rng.random()), float(rng.random())),
        mix=mix,
        corners=np.clip(rng.normal(1, 0.13, (2, 2)), 0.6, 1.3),
    )


def paint_backdrop(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> Image:
    """The backdrop as the camera shows it (H, W, 3)."""
    if scene.below_mm > 0:
        camera = replace(camera, t=camera.t - camera.R[:, 2] * scene.below_mm)
    image = _as_picture(scene, scene.table, hw) if scene.flat else _as_table(scene, camera, hw)
    image = np.asarray(cv2.transform(image, scene.mix), dtype=np.uint8)
    sigma = scene.blur_rel * min(hw)
    return _blurred(image, sigma) if sigma > 0.3 else image


def _blurred(image: Image, sigma: float) -> Image:
    """A picture out of focus; a strong blur is made on a smaller one."""
    part = int(np.clip(sigma / 2, 1, 8))
    height, width = image.shape[:2]
    small = cv2.resize(
        image, (max(1, width // part), max(1, height // part)), interpolation=cv2.INTER_AREA
    )
    soft = cv2.GaussianBlur(small, (0, 0), sigma / part)
    return np.asarray(cv2.resize(soft, (width, height)), dtype=np.uint8)


def _as_picture(scene: Backdrop, texture: Texture, hw: tuple[int, int]) -> Image:
    """A part of a picture over the whole frame."""
    height, width = hw
    fine = texture.levels[0]
    grow = max(height / fine.shape[0], width / fine.shape[1])
    picture = texture.at(1 / (grow * scene.zoom))
    grow = max(height / picture.shape[0], width / picture.shape[1]) * scene.zoom
    rows, columns = (
        max(1, min(n, round(m / grow))) for n, m in zip(picture.shape, hw, strict=False)
    )
    y = round((picture.shape[0] - rows) * scene.part[1])
    x = round((picture.shape[1] - columns) * scene.part[0])
    part = picture[y : y + rows, x : x + columns]
    return np.asarray(cv2.resize(part, (width, height)), dtype=np.uint8)


def _as_table(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> Image:
    """The table in perspective; what is beyond its far edge shows the wall."""
    height, width = hw
    c, s, k = np.cos(scene.yaw_rad), np.sin(scene.yaw_rad), scene.mm_per_texel
    x, y = scene.shift_mm
    plane = camera.plane(0.0) @ np.array([[k * c, -k * s, x], [k * s, k * c, y], [0, 0, 1]])
    # texels that share a pixel where the packet lies: the root of the map's area factor
    depth = float(camera.t[2])
    shrink = np.sqrt(depth**3 / max(abs(np.linalg.det(plane)), 1e-12))
    picture = scene.table.at(shrink)
    step = scene.table.levels[0].shape[0] / picture.shape[0]
    to_picture = plane @ np.diag([step, step, 1.0])
    edge = _far_edge(scene, camera, hw)
    near = _cut(np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5, edge)
    tiles, mode = _mosaic(picture, to_picture, near)
    picture, origin = tiles
    shown = cv2.warpPerspective(picture, to_picture @ origin, (width, height), borderMode=mode)
    if edge is not None:
        mask = np.full(hw, 255, dtype=np.uint8)
        if len(near):
            cv2.fillConvexPoly(mask, fixed(near), 0, cv2.LINE_8, SHIFT)
        cv2.copyTo(_as_picture(scene, scene.wall, hw), mask, shown)
    return np.asarray(shown, dtype=np.uint8)


def _mosaic(picture: Image, to_picture: Floats, near: Floats) -> tuple[tuple[Image, Floats], int]:
    """Mirrored copies of a picture that cover what is seen, with their place, and the border mode.

    OpenCV is many times as fast where it need not repeat the picture itself; where too many copies
    would be needed it repeats two by two of them.
    """
    height, width = picture.shape[:2]
    low = high = np.zeros(2, dtype=int)
    few = False
    if len(near):
        seen = np.concatenate([near, np.ones((len(near), 1))], axis=1) @ np.linalg.inv(to_picture).T
        texels = seen[:, :2] / seen[:, 2:]
        low = np.floor((texels.min(axis=0) - 2) / (width, height)).astype(int)
        high = np.floor((texels.max(axis=0) + 2) / (width, height)).astype(int)
        few = bool(np.prod(high - low + 1.0) <= 9)
    if not few:
        low, high = np.zeros(2, dtype=int), np.ones(2, dtype=int)
    mirrored = cv2.flip(picture, 1)
    pair = (picture, mirrored)
    row = cv2.hconcat([pair[i % 2] for i in range(low[0], high[0] + 1)])
    tiles = cv2.vconcat([cv2.flip(row, 0) if j % 2 else row for j in range(low[1], high[1] + 1)])
    origin = np.array([[1, 0, low[0] * width], [0, 1, low[1] * height], [0, 0, 1.0]])
    return (
        np.asarray(tiles, dtype=np.uint8),
        origin,
    ), cv2.BORDER_CONSTANT if few else cv2.BORDER_WRAP


def _far_edge(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> tuple[Floats, Floats] | None:
    """The table's far edge as a point (2,) px and the direction away (2,), None if out of sight."""
    ahead = camera.R[2, :2] / np.linalg.norm(camera.R[2, :2])
    across = np.array([ahead[1], -ahead[0]])
    points = lift(np.stack([ahead * scene.far_mm - across, ahead * scene.far_mm + across]), 0.0)
    if (camera.depth(points) < 1).any():
        return None
    left, right = camera.project(points)
    along = (right - left) / max(float(np.linalg.norm(right - left)), 1e-9)
    away = np.array([along[1], -along[0]])
    corners = np.array([[0, 0], [0, hw[0]], [hw[1], 0], [hw[1], hw[0]]])
    return (left, away) if ((corners - left) @ away).max() > 0 else None


def _cut(polygon: Floats, edge: tuple[Floats, Floats] | None) -> Floats:
    """The part of a convex polygon (N, 2) on the near side of an edge; (0, 2) if there is none."""
    if edge is None:
        return polygon
    beyond = (polygon - edge[0]) @ edge[1]
    kept: list[Floats] = []
    for i, (point, here) in enumerate(zip(polygon, beyond, strict=True)):
        before, there = polygon[i - 1], beyond[i - 1]
        if (here > 0) != (there > 0):
            kept.append(before + (point - before) * (there / (there - here)))
        if here <= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)
