"""What lies behind and below a packet: a table in perspective with a wall, or a flat picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.art import Texture
from stream.synth.camera import Camera
from stream.synth.light import fixed

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
    mix: Floats  # (3, 3) BGR → BGR, so that a picture serves in many colours
    corners: Floats  # (2, 2) brightness in the picture's corners


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
        shift_mm=(float(rng.uniform(-300, 300)), float(rng.uniform(-300, 300))),
        far_mm=float(rng.uniform(90, 900)),
        mix=mix,
        corners=np.clip(rng.normal(1, 0.13, (2, 2)), 0.6, 1.3),
    )


def paint_backdrop(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> Image:
    """The backdrop as the camera shows it (H, W, 3)."""
    image = _as_picture(scene, scene.table, hw) if scene.flat else _as_table(scene, camera, hw)
    return np.asarray(cv2.transform(image, scene.mix), dtype=np.uint8)


def _as_picture(scene: Backdrop, texture: Texture, hw: tuple[int, int]) -> Image:
    """A part of a picture, turned a little, over the whole frame."""
    height, width = hw
    fine = texture.levels[0]
    grow = max(height / fine.shape[0], width / fine.shape[1])
    zoom = grow * (1 + (scene.shift_mm[0] + 300) / 400)
    picture = texture.at(1 / zoom)
    zoom *= fine.shape[0] / picture.shape[0]
    angle = (scene.yaw_rad - np.pi) * 0.1
    c, s = zoom * np.cos(angle), zoom * np.sin(angle)
    middle = np.array(picture.shape[1::-1]) / 2 * (1 + np.array(scene.shift_mm) / 900)
    matrix = np.array([[c, -s, 0.0], [s, c, 0.0]])
    matrix[:, 2] = np.array([width, height]) / 2 - matrix[:, :2] @ middle
    shown = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(shown, dtype=np.uint8)


def _as_table(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> Image:
    """The table in perspective; what is beyond its far edge shows the wall."""
    height, width = hw
    c, s = np.cos(scene.yaw_rad), np.sin(scene.yaw_rad)
    k = scene.mm_per_texel
    to_mm = np.array(
        [[k * c, -k * s, scene.shift_mm[0]], [k * s, k * c, scene.shift_mm[1]], [0, 0, 1]]
    )
    plane = camera.plane(0.0)
    px_per_mm = np.sqrt(abs(np.linalg.det(plane)) / abs(plane[2, 2]) ** 3)
    shrink = 1 / max(px_per_mm * k, 1e-6)
    picture = scene.table.at(shrink * 0.8)
    step = scene.table.levels[0].shape[0] / picture.shape[0]
    matrix = plane @ to_mm @ np.diag([step, step, 1.0])
    shown = cv2.warpPerspective(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    beyond = _beyond(scene, camera, hw)
    if beyond is not None:
        mask = np.zeros(hw, dtype=np.uint8)
        cv2.fillPoly(mask, [fixed(beyond)], 255, cv2.LINE_8, 4)
        cv2.copyTo(_as_picture(scene, scene.wall, hw), mask, shown)
    return np.asarray(shown, dtype=np.uint8)


def _beyond(scene: Backdrop, camera: Camera, hw: tuple[int, int]) -> Floats | None:
    """The part of the picture beyond the table's far edge, a polygon (4, 2) px, or None."""
    ahead = camera.R[2, :2] / np.linalg.norm(camera.R[2, :2])
    across = np.array([ahead[1], -ahead[0]])
    edge = np.stack([ahead * scene.far_mm - across * 50, ahead * scene.far_mm + across * 50])
    points = np.pad(edge, ((0, 0), (0, 1)))
    if (camera.depth(points) < 1).any():
        return None
    left, right = camera.project(points)
    along = (right - left) / max(float(np.linalg.norm(right - left)), 1e-9)
    up = np.array([along[1], -along[0]])
    reach = 4.0 * max(hw)
    middle = (left + right) / 2
    corners = np.array([[0, 0], [0, hw[0]], [hw[1], 0], [hw[1], hw[0]]])
    if ((corners - middle) @ up).max() <= 0:
        return None
    middle = middle - along * float((middle - np.array(hw[::-1]) / 2) @ along)
    return np.stack(
        [
            middle - along * reach,
            middle + along * reach,
            middle + (along + up) * reach,
            middle + (up - along) * reach,
        ]
    )
