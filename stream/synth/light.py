"""Light on a table: how bright a side is, what is shadowed, where a card shines."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.synth.camera import Camera, lift

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Light:
    """One far lamp and the light from everywhere; what lies flat on the table has brightness 1."""

    direction: Floats  # (3,) unit vector towards the lamp
    ambient: float  # the part of the light that comes from everywhere
    shadow: float  # how much of the lamp's light the cast shadow takes, 0..1
    softness_rel: float  # blur of the shadow's edge, as a part of the picture's shorter side

    def shade(self, normals: Floats) -> Floats:
        """Unit normals (…, 3) → brightness (…), 1 for (0, 0, 1)."""
        lamp = np.clip(normals @ self.direction, 0, None) / self.direction[2]
        return np.asarray(self.ambient + (1 - self.ambient) * np.minimum(lamp, 1.6))


def fall_off(
    shape_hw: tuple[int, int], corners: Floats, shadows: list[Floats], light: Light
) -> NDArray[np.float32]:
    """Brightness of the table (h, w): uneven light times soft shadows.

    `corners` (2, 2) is the brightness in the picture's corners, `shadows` polygons (N, 2) px.
    """
    height, width = shape_hw
    uneven = cv2.resize(corners.astype(np.float32), (width, height))
    if not shadows:
        return np.asarray(uneven, dtype=np.float32)
    mask = np.zeros((height, width), dtype=np.uint8)
    wide = light.softness_rel * min(shape_hw)
    for part, sigma, dark in ((shadows[0::2], wide, 180), (shadows[1::2], wide / 4, 255)):
        layer = np.zeros_like(mask)
        for polygon in part:
            cv2.fillConvexPoly(layer, fixed(polygon), dark, cv2.LINE_8, SHIFT)
        np.maximum(mask, cv2.GaussianBlur(layer, (0, 0), max(sigma, 0.3)), out=mask)
    return np.asarray(uneven * (1 - light.shadow / 255 * mask.astype(np.float32)))


def shadow_polygons(
    outline: Floats, thickness_mm: float, light: Light, camera: Camera
) -> list[Floats]:
    """A block's outline (N, 2) world mm → its cast and its contact shadow on the table, px."""
    away = -light.direction[:2] / light.direction[2] * thickness_mm
    on_table = [np.concatenate([outline, outline + away]), outline]
    places = [lift(points, 0.0) for points in on_table]
    if any((camera.depth(p) < 1).any() for p in places):
        return []
    return [
        cv2.convexHull(camera.project(p).astype(np.float32)).reshape(-1, 2).astype(np.float64)
        for p in places
    ]


def gloss_map(rng: np.random.Generator, strength: float) -> Image:
    """A highlight on a card (88, 63, 3), levels to add: a soft patch, or a window's image."""
    x, y = np.meshgrid(np.linspace(-31.5, 31.5, 63), np.linspace(-44, 44, 88))
    angle = rng.uniform(0, np.pi)
    cx, cy = rng.uniform(-34, 34), rng.uniform(-48, 48)
    u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
    v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
    a, b = rng.uniform(6, 45), rng.uniform(6, 30)
    if rng.random() < 0.5:
        patch = np.exp(-0.5 * ((u / a) ** 2 + (v / b) ** 2))
    else:
        soft = rng.uniform(1.5, 9)
        patch = 1 / (1 + np.exp((np.abs(u) - a) / soft)) / (1 + np.exp((np.abs(v) - b) / soft))
    veil = rng.uniform(0, 0.25) * np.clip(0.5 + u / 60, 0, 1)
    grey = np.clip(255 * strength * (patch + veil), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


SHIFT = 4
"""Fractional bits of the polygons handed to OpenCV."""


def fixed(xy: NDArray[np.floating]) -> NDArray[np.int32]:
    """Pixels (N, 2) → the fixed-point numbers that OpenCV's polygon fillers take."""
    return np.asarray(np.rint(np.clip(xy, -8000, 8000) * 2**SHIFT).astype(np.int32))
