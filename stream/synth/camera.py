"""A pinhole camera: millimetres on the table become pixels of the picture.

World: x right, y away, z up from the table (z = 0), millimetres. Camera: x right, y down, z ahead.
Pixels: (x right, y down), integers are pixel centres.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """World point X → pixel: K (R X + t), divided by its third coordinate."""

    K: Floats  # (3, 3)
    R: Floats  # (3, 3)
    t: Floats  # (3,) mm

    def project(self, points: Floats) -> Floats:
        """World mm (…, 3) → px (…, 2). Points behind the camera give numbers without meaning."""
        seen = points @ (self.K @ self.R).T + self.K @ self.t
        return np.asarray(seen[..., :2] / seen[..., 2:])

    def depth(self, points: Floats) -> Floats:
        """World mm (…, 3) → mm ahead of the camera (…); ≤ 0 is behind it."""
        return np.asarray(points @ self.R[2] + self.t[2])

    @property
    def place(self) -> Floats:
        """Where the camera stands, world mm (3,)."""
        return -self.R.T @ self.t

    def plane(self, z_mm: float) -> Floats:
        """Homography (3, 3) from (x, y, 1) mm on the level z = z_mm to pixels."""
        columns = np.stack([self.R[:, 0], self.R[:, 1], self.R[:, 2] * z_mm + self.t], axis=1)
        return np.asarray(self.K @ columns)

    def turned(self) -> Camera:
        """The same picture of a world turned by 180° about z: `X` and `-X` in the plane swap."""
        return replace(self, R=self.R @ np.diag([-1.0, -1.0, 1.0]))


def lift(xy: Floats, z_mm: float) -> Floats:
    """Points of the plane (…, 2) mm → world points (…, 3) on the level z."""
    points = np.full((*xy.shape[:-1], 3), z_mm)
    points[..., :2] = xy
    return points


def look_at(place: Floats, target: Floats, roll_rad: float, k: Floats) -> Camera:
    """A camera at `place` whose axis meets `target`, upright but for the roll (both world mm)."""
    ahead = (target - place) / np.linalg.norm(target - place)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(ahead, right)
    level = np.stack([right, down, ahead])
    c, s = np.cos(roll_rad), np.sin(roll_rad)
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ level
    return Camera(k, rotation, -rotation @ place)


def on_sphere(azimuth_rad: float, elevation_rad: float, distance_mm: float) -> Floats:
    """Angles and distance → a place around the origin (3,); azimuth 0 stands at −y."""
    flat = np.cos(elevation_rad)
    return distance_mm * np.array(
        [flat * np.sin(azimuth_rad), -flat * np.cos(azimuth_rad), np.sin(elevation_rad)]
    )


def intrinsics(focal_px: float, centre_px: tuple[float, float]) -> Floats:
    """Focal length and principal point → K (3, 3)."""
    return np.array([[focal_px, 0, centre_px[0]], [0, focal_px, centre_px[1]], [0, 0, 1.0]])


def framed(camera: Camera, xy: Floats, centre_px: Floats, extent_px: float) -> Camera:
    """The camera whose picture shows points with a larger extent of `extent_px`, about a centre.

    `xy` (N, 2) is where `camera` shows them. Scaling and shifting the picture is changing K: what a
    zoom and a crop do.
    """
    low, high = xy.min(axis=0), xy.max(axis=0)
    scale = extent_px / max(float((high - low).max()), 1e-6)
    shift = centre_px - scale * (low + high) / 2
    crop = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1.0]])
    return replace(camera, K=crop @ camera.K)
