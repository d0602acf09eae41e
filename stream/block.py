"""A block before a pinhole camera: what it looks like, how that changes, and from where at a guess.

With the rotation R, the place c of the block's middle, the scale s = focal length / depth and
κ = 1 / focal length, a point X of the block is seen at

    x = o + (c + s (R X)₁₂) / (1 + κ s (R X)₃)

from the middle of the frame: at κ = 0 that is a distant camera's, where the focal length parts from
all else. The block's parameters (9,) are: how far the back is shifted against the face (x, y) and
stands from it (z), in mm; c in px; log s; log focal length; o, where the camera's axis is, in px.
Its axes: x right, y upper, z out of the large face that the camera sees, so that the back stands
below 0 where that is the face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, exp, sin, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# left or right, lower or upper, face or back: the order of stream.packet.KEYPOINTS
RIGHT = np.array([-1.0, 1.0] * 4)
UPPER = np.repeat([1.0, -1.0], 4)
BACK = np.array([-1.0, -1.0, 1.0, 1.0] * 2)

_SIDES = np.stack([RIGHT, UPPER, BACK], axis=1)
_AHEAD = 0.05  # depth of a corner as a part of the middle's: closer cannot be, behind neither

# (P @ _CROSS).reshape(3, 3), from the left by a row g, is P × g
_CROSS = np.zeros((3, 9))
for _k, _j, _i in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
    _CROSS[_j, 3 * _i + _k], _CROSS[_i, 3 * _j + _k] = 1.0, -1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The corners that are given, and what is known beforehand of the block that shows them."""

    used: NDArray[np.intp]  # (n,) which of the eight
    xy: Floats  # (n, 2) px from the middle of the frame
    whiten: Floats  # (n, 2, 2) takes an error in px to standard deviations
    half_mm: Floats  # (2,) half the width, half the height, between corners
    thickness_mm: float  # to begin with where no corner tells it
    expected: Floats  # (9,) parameters …
    precision: Floats  # (9,) … and 1 / variance of each, 0 = unknown

    @property
    def weight(self) -> Floats:
        """1 / standard deviation (n,), of both ways together."""
        return np.asarray(np.sqrt(np.square(self.whiten).sum(axis=(1, 2)) / 2))

    @property
    def flat(self) -> Floats:
        """The used corners of a block without thickness (n, 3) mm."""
        return corners(self.half_mm)[self.used]


def corners(half_mm: Floats) -> Floats:
    """The eight corners of a block without thickness (8, 3) mm."""
    return np.stack([RIGHT * half_mm[0], UPPER * half_mm[1], np.zeros(8)], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Corners as seen, and what their derivatives are made of."""

    xy: Floats  # (n, 2) px from the camera's axis
    points: Floats  # (n, 3) mm, from the block's middle, along the camera's axes
    depth: Floats  # (n, 1) as parts of the middle's
    scale: float
    kappa_scale: float

    @property
    def ahead(self) -> bool:
        """Whether all of it is in front of the camera."""
        return bool(self.depth.min() > _AHEAD)


def project(rotation: Floats, parameters: Floats, flat: Floats, back: Floats) -> Projected:
    """A block, and some of its corners: flat (n, 3) and on which side (n, 1) → as they are seen."""
    points = (flat + back * (parameters[:3] / 2)) @ rotation.T
    log_scale, log_focal = parameters[5:7].tolist()
    scale, kappa_scale = exp(log_scale), exp(log_scale - log_focal)
    depth = 1 + kappa_scale * points[:, 2:]
    xy = (parameters[3:5] + scale * points[:, :2]) / depth
    return Projected(xy, points, depth, scale, kappa_scale)


def jacobian(seen: Projected, rotation: Floats, back: Floats) -> Floats:
    """Derivatives (n, 2, 12) of the corners seen by a turn (3,) of the camera's axes, then the 9.

    A point that moves by dP moves in the picture by G dP, G = (s / D) [1 −κx], D its depth.
    """
    count = len(seen.xy)
    moves = np.zeros((count, 2, 3))
    moves[:, 0, 0] = moves[:, 1, 1] = seen.scale / seen.depth[:, 0]
    pull = seen.xy * (seen.kappa_scale / seen.depth)
    moves[:, :, 2] = -pull
    out = np.zeros((count, 2, 12))
    out[:, :, :3] = moves @ (seen.points @ _CROSS).reshape(count, 3, 3)
    out[:, :, 3:6] = (moves.reshape(-1, 3) @ rotation).reshape(count, 2, 3) * (back / 2)[:, None]
    out[:, 0, 6] = out[:, 1, 7] = 1 / seen.depth[:, 0]
    out[:, 0, 10] = out[:, 1, 11] = 1.0
    out[:, :, 9] = pull * seen.points[:, 2:]
    out[:, :, 8] = seen.scale * seen.points[:, :2] / seen.depth - out[:, :, 9]
    return out


def turned(rotation: Floats, by: Floats) -> Floats:
    """A rotation, turned further by a vector (3,) in rad about the camera's axes."""
    x, y, z = by.tolist()
    angle = sqrt(x * x + y * y + z * z)
    if angle < 1e-12:
        return rotation
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    add = sin(angle) / angle * cross + (1 - cos(angle)) / angle**2 * (cross @ cross)
    return np.asarray(rotation + add @ rotation)


def visible(rotation: Floats, parameters: Floats, half_mm: Floats) -> NDArray[np.bool_]:
    """Which of the eight corners (8,) the block itself does not hide.

    A corner of a convex block is seen exactly when one of its three sides points at the camera.
    """
    thick = float(parameters[2])
    # how far out the camera stands, on each corner's three sides
    out = _SIDES * (place(rotation, parameters) * (1, 1, np.copysign(1, thick)))
    reach = np.array([*half_mm, abs(thick) / 2])
    return np.asarray((out > reach).any(axis=1))


def place(rotation: Floats, parameters: Floats) -> Floats:
    """Where the camera stands (3,), mm along the block's axes."""
    return np.asarray(-translation(parameters) @ rotation)


def translation(parameters: Floats) -> Floats:
    """Where the block's middle stands (3,), mm along the camera's axes."""
    x, y, log_scale, log_focal = parameters[3:7].tolist()
    return np.array([x, y, exp(log_focal)]) / exp(log_scale)


def mirrored(rotation: Floats, parameters: Floats) -> Floats:
    """A block's rotation (3, 3) → tilted as much the other way: a distant camera sees the same.

    What lies ahead is put behind, along the line of sight; the third axis keeps it a rotation.
    """
    towards = translation(parameters)
    towards /= np.linalg.norm(towards)
    return np.asarray((rotation - 2 * np.outer(towards, towards @ rotation)) * (1, 1, -1))


def starts(sight: Sight) -> Iterator[tuple[Floats, Floats]]:
    """Corners → the two blocks, rotation and parameters, that a distant camera would see so.

    Such a camera's picture is affine. The larger singular value of what it makes of the large face
    is its scale, the other says how far the face is tilted: to one side or to the other. None where
    the corners do not span a large face.
    """
    design = np.column_stack([sight.flat[:, :2], BACK[sight.used], np.ones(len(sight.used))])
    weight = sight.weight[:, None]
    design *= weight
    normal = design.T @ design
    normal[2, 2] *= 1 + 1e-9
    normal[2, 2] += 1e-6 * normal[3, 3]  # with one face given there is nothing to tell
    x, y, up, centre = np.linalg.solve(normal, design.T @ (sight.xy * weight))
    gram_x, gram_y, gram_xy = float(x @ x), float(y @ y), float(x @ y)
    scale = np.sqrt((gram_x + gram_y) / 2 + np.hypot((gram_x - gram_y) / 2, gram_xy))
    away_x = np.sqrt(max(1 - gram_x / scale**2, 0.0))
    away_y = np.copysign(np.sqrt(max(1 - gram_y / scale**2, 0.0)), -gram_xy)
    told = abs(BACK[sight.used].sum()) < len(sight.used)
    for side in (1.0, -1.0):
        right = np.array([*(x / scale), side * away_x])
        upper = np.array([*(y / scale), side * away_y])
        right /= np.linalg.norm(right)
        upper -= (upper @ right) * right
        upper /= np.linalg.norm(upper)
        out = np.cross(right, upper)
        thick = np.copysign(sight.thickness_mm, BACK[sight.used[0]])
        if told:
            most = 3 * sight.thickness_mm
            thick = 2 * float(up @ out[:2]) / (scale * max(float(out[:2] @ out[:2]), 1e-3))
            thick = float(np.clip(thick, -most, most))
        rest = sight.expected[6]
        parameters = np.array([0.0, 0.0, thick, *centre, np.log(scale), rest, 0.0, 0.0])
        yield np.stack([right, upper, out], axis=1), parameters
