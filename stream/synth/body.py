"""A packet as a body: its sheets' places, its eight corners and which of them a camera sees."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# right (+1) or left, upper (+1) or lower, face or back: the order of stream.packet.KEYPOINTS
_RIGHT = np.array([-1, 1, -1, 1, -1, 1, -1, 1])
_UPPER = np.array([1, 1, 1, 1, -1, -1, -1, -1])
_BACK = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.bool_)

# where rays are looked at, as parts of their way through the body: densest at their start
_STEPS = np.concatenate([np.geomspace(1e-4, 4e-3, 12), np.arange(1, 257) / 256])
_GRAZE_MM = 0.01  # a ray no deeper in the body than this is taken to pass along it


@dataclass(frozen=True)
class Bow:
    """A bend: how far the sheets rise above where they would lie flat, a parabola along one side.

    With a positive `sag_mm` the middle stands up and the two ends of `length_mm` touch the table,
    with a negative one the ends stand up.
    """

    sag_mm: float
    axis: int  # 0: along the width, 1: along the height
    length_mm: float

    def coefficients(self) -> tuple[float, float]:
        """(a, b) of the rise a + b·u² mm at u mm from the middle."""
        steep = self.sag_mm / (self.length_mm / 2) ** 2
        return max(self.sag_mm, 0.0), -steep

    def rise(self, xy: Floats) -> Floats:
        """Points of the plane (…, 2) mm → mm above their flat place (…)."""
        a, b = self.coefficients()
        return np.asarray(a + b * xy[..., self.axis] ** 2)


def placed(xy: Floats, pose: Floats) -> Floats:
    """Points (…, 2) of sheets with poses (…, 3) x mm, y mm, turn rad → where they lie (…, 2)."""
    c, s = np.cos(pose[..., 2]), np.sin(pose[..., 2])
    x, y = xy[..., 0], xy[..., 1]
    return np.stack([c * x - s * y + pose[..., 0], s * x + c * y + pose[..., 1]], axis=-1)


@dataclass(frozen=True, eq=False)
class Body:
    """Sheets on z = 0, about the origin; upper side towards +y.

    Sheet i, counted from the table up, lies turned and shifted by `poses[i]` and takes the part
    from `edges[i]` to `edges[i + 1]` of the thickness. One sheet stands for a plain block.
    """

    width_mm: float
    height_mm: float
    thickness_mm: float
    radius_mm: float = 3.5
    face_up: bool = False
    poses: Floats = field(default_factory=lambda: np.zeros((1, 3)))  # (n, 3) x mm, y mm, turn rad
    edges: Floats = field(default_factory=lambda: np.array([0.0, 1.0]))  # (n + 1,) from 0 to 1
    gaps: Floats = field(default_factory=lambda: np.zeros(1))  # (n,) part of each that is air
    bow: Bow | None = None

    def on_top(self) -> NDArray[np.bool_]:
        """Which of the eight keypoints belong to the large face on top (8,)."""
        return _BACK ^ self.face_up

    def corners(self) -> Floats:
        """The eight keypoints (8, 3) in mm, in the order of stream.packet.KEYPOINTS.

        They belong to the lowest and to the topmost sheet. A card has round corners: the keypoint
        is the point of the arc nearest to the sharp corner, (√2−1)·r towards the middle along the
        diagonal, since that is where people put the mark.
        """
        return self._corners(self.radius_mm * (1 - np.sqrt(0.5)))

    def sharp_corners(self) -> Floats:
        """The corners of the body without rounding (8, 3) in mm."""
        return self._corners(0.0)

    def _corners(self, inset: float) -> Floats:
        top = self.on_top()
        x = _RIGHT * (self.width_mm / 2 - inset)
        y = _UPPER * (self.height_mm / 2 - inset)
        xy = placed(np.stack([x, y], axis=1), self.poses[np.where(top, -1, 0)])
        z = np.where(top, self.thickness_mm, 0.0) + self._rise(xy)
        return np.concatenate([xy, z[:, None]], axis=1)

    def _rise(self, xy: Floats) -> Floats:
        return self.bow.rise(xy) if self.bow else np.zeros(xy.shape[:-1])

    def visible(self, place: Floats) -> NDArray[np.bool_]:
        """Which keypoints (8,) the body itself does not hide from a camera at `place` (3,) mm.

        Seen is a corner, taken sharp, from which a ray reaches the camera beside the sheets.
        """
        start = self.sharp_corners()
        ray = place - start
        ceiling = self.thickness_mm + (abs(self.bow.sag_mm) if self.bow else 0.0)
        spread = np.abs(self.poses[:, :2]).max()
        sideways = 2 * (np.hypot(self.width_mm, self.height_mm) / 2 + spread)
        with np.errstate(divide="ignore", invalid="ignore"):
            out = sideways / np.hypot(ray[:, 0], ray[:, 1])
            above = np.where(ray[:, 2] > 0, (ceiling - start[:, 2]) / ray[:, 2], np.inf)
        end = np.clip(np.minimum(out, above), 0, 1)
        points = start[:, None] + (end[:, None] * _STEPS)[..., None] * ray[:, None]
        return np.asarray((self.depth(points) <= _GRAZE_MM).all(axis=1))

    def depth(self, points: Floats) -> Floats:
        """How deep inside the body points (…, 3) mm lie (…) mm; negative is outside."""
        xy = points[..., :2]
        level = (points[..., 2] - self._rise(xy)) / max(self.thickness_mm, 1e-9)
        x, y, turn = self._pose_at(level)
        c, s = np.cos(turn), np.sin(turn)
        dx, dy = xy[..., 0] - x, xy[..., 1] - y
        across = self.width_mm / 2 - np.abs(c * dx + s * dy)
        along = self.height_mm / 2 - np.abs(c * dy - s * dx)
        upright = np.minimum(level, 1 - level) * self.thickness_mm
        return np.asarray(np.minimum(np.minimum(across, along), upright))

    def _pose_at(self, level: Floats) -> list[Floats]:
        """Parts of the thickness (…) → x mm, y mm, turn rad of the body there (…) each.

        Between the sheets' middles it goes straight from one to the next, so that the sides of a
        leaning packet lean, and do not hide their own lower rims as the steps of a stair do.
        """
        middles = (self.edges[:-1] + self.edges[1:]) / 2
        middles[0], middles[-1] = 0.0, 1.0
        return [np.asarray(np.interp(level, middles, column)) for column in self.poses.T]


def rounded(
    width_mm: float, height_mm: float, radius_mm: float, per_corner: int = 6, per_side: int = 1
) -> Floats:
    """A rectangle with round corners → its outline (N, 2) in mm, anticlockwise.

    N is 4·(per_corner + per_side − 1): each straight side is cut into `per_side` pieces.
    """
    radius = min(radius_mm, width_mm / 2, height_mm / 2)
    angles = np.linspace(0, np.pi / 2, per_corner)
    arc = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.array([width_mm / 2 - radius, height_mm / 2 - radius])
    quarters = []
    for turn, sign in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        c, s = np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)
        quarters.append(arc @ np.array([[c, s], [-s, c]]) + inner * sign)
    if per_side > 1:
        part = np.arange(1, per_side)[:, None] / per_side
        for i in range(4):
            a, b = quarters[i][-1], quarters[(i + 1) % 4][0]
            quarters[i] = np.concatenate([quarters[i], a + part * (b - a)])
    return np.concatenate(quarters)
