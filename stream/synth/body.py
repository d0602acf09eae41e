"""A packet as a body: its eight corners, its rounded outline and which corners a camera sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# right (+1) or left, upper (+1) or lower, face or back: the order of stream.packet.KEYPOINTS
_RIGHT = np.array([-1, 1, -1, 1, -1, 1, -1, 1])
_UPPER = np.array([1, 1, 1, 1, -1, -1, -1, -1])
_BACK = np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.bool_)


@dataclass(frozen=True)
class Body:
    """A block that lies on z = 0 with its centre over the origin; upper side towards +y.

    `lean_mm` is how far the large face on top is shifted against the one below; each is shifted by
    half of it.
    """

    width_mm: float
    height_mm: float
    thickness_mm: float
    radius_mm: float = 3.5
    lean_mm: tuple[float, float] = (0.0, 0.0)
    face_up: bool = False

    def on_top(self) -> NDArray[np.bool_]:
        """Which of the eight keypoints belong to the large face on top (8,)."""
        return _BACK ^ self.face_up

    def corners(self) -> Floats:
        """The eight keypoints (8, 3) in mm, in the order of stream.packet.KEYPOINTS.

        A card has round corners: the keypoint is the point of the arc nearest to the sharp corner,
        (√2−1)·r towards the middle along the diagonal, since that is where people put the mark.
        """
        inset = self.radius_mm * (1 - np.sqrt(0.5))
        return self._corners(inset)

    def sharp_corners(self) -> Floats:
        """The corners of the block without rounding (8, 3) in mm."""
        return self._corners(0.0)

    def _corners(self, inset: float) -> Floats:
        top = self.on_top()
        side = np.where(top, 0.5, -0.5)
        x = _RIGHT * (self.width_mm / 2 - inset) + side * self.lean_mm[0]
        y = _UPPER * (self.height_mm / 2 - inset) + side * self.lean_mm[1]
        return np.stack([x, y, np.where(top, self.thickness_mm, 0.0)], axis=1)

    def visible(self, place: Floats) -> NDArray[np.bool_]:
        """Which keypoints (8,) the body itself does not hide from a camera at `place` (3,) mm.

        A corner of a convex block is seen exactly when one of its three faces points at the camera.
        """
        faces = self._facing(place)
        right = np.where(_RIGHT > 0, faces["right"], faces["left"])
        upper = np.where(_UPPER > 0, faces["upper"], faces["lower"])
        large = np.where(self.on_top(), faces["top"], faces["bottom"])
        return np.asarray(right | upper | large)

    def _facing(self, place: Floats) -> dict[str, bool]:
        """Which of the six faces point at `place`."""
        x, y, z = (float(v) for v in place)
        lean = np.array(self.lean_mm) / max(self.thickness_mm, 1e-9)
        # where the leaning axis of the block passes at the camera's height
        ax, ay = lean * (z - self.thickness_mm / 2)
        return {
            "right": x - ax > self.width_mm / 2,
            "left": ax - x > self.width_mm / 2,
            "upper": y - ay > self.height_mm / 2,
            "lower": ay - y > self.height_mm / 2,
            "top": z > self.thickness_mm,
            "bottom": z < 0,
        }


def rounded(width_mm: float, height_mm: float, radius_mm: float, per_corner: int = 6) -> Floats:
    """A rectangle with round corners → its outline (4·per_corner, 2) in mm, anticlockwise."""
    radius = min(radius_mm, width_mm / 2, height_mm / 2)
    angles = np.linspace(0, np.pi / 2, per_corner)
    arc = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.array([width_mm / 2 - radius, height_mm / 2 - radius])
    quarters = []
    for turn, sign in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        c, s = np.cos(turn * np.pi / 2), np.sin(turn * np.pi / 2)
        quarters.append(arc @ np.array([[c, s], [-s, c]]) + inner * sign)
    return np.concatenate(quarters)
