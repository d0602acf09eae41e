"""The block that shows the given corners best: Levenberg-Marquardt on its pose and thickness.

What is made least is the sum of squared errors in units of each corner's standard deviation, and of
what is known beforehand. A squared error u > k² counts 2k² − k⁴/u, so that a wrong corner has no
pull; k² is `ROBUST`, or four times the median of u while the block is still far off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream import block
from stream.block import BACK, Sight

Floats = NDArray[np.float64]

PARAMETERS = (
    "turn_x_rad", "turn_y_rad", "turn_z_rad",  # of the rotation, about the camera's axes
    "lean_x_mm", "lean_y_mm", "thickness_mm",
    "centre_x_px", "centre_y_px",  # the block's middle, from the frame's
    "log_scale",  # focal length / depth, px per mm
    "log_focal",
    "axis_x_px", "axis_y_px",  # where the camera's axis is, from the frame's middle
)  # fmt: skip
"""What is fitted: the order of `Fit.covariance`. Of it the last nine are a block's (9,)."""

ROBUST = 12.0
"""k²: a corner some three and a half standard deviations off loses its pull."""

_HIDDEN = 6.0  # cost of a corner that is given though the block itself would hide it: odds of 1:20
_TRIES = 100  # half of all need four; seen from very near the valley is long and narrow
_CAREFUL = 1e-5  # damping to begin with: far off, steps are bounded anyway
_STUCK = 1e6  # damping at which no step is left
_STRIDE = 0.6  # the longest step: of a turn in rad, of a logarithm
_BOUNDED = [0, 1, 2, 8, 9]  # turns and logarithms among the ten


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A block, and how far from the given corners it shows its own."""

    rotation: Floats  # (3, 3)
    parameters: Floats  # (9,)
    seen: block.Projected
    error: Floats  # (n, 2) in standard deviations
    squares: Floats  # (n,)
    away: Floats  # (9,) from what is expected

    def cost(self, sight: Sight, k2: float) -> float:
        """Robust sum of the squares, and what is known beforehand."""
        held = float(sight.precision @ (self.away * self.away))
        # eight numbers: quicker without arrays
        squares: list[float] = self.squares.tolist()
        return held + sum(u if u <= k2 else 2 * k2 - k2 * k2 / u for u in squares)

    def normal(self, sight: Sight, k2: float) -> tuple[Floats, Floats]:
        """Half the cost's second derivatives (12, 12), and half its slope (12,)."""
        pull = (k2 / np.maximum(self.squares, k2))[:, None]
        slope = block.jacobian(self.seen, self.rotation, BACK[sight.used, None])
        rows = ((sight.whiten * pull[:, :, None]) @ slope).reshape(-1, 12)
        second, first = rows.T @ rows, (self.error * pull).ravel() @ rows
        second.ravel()[39::13] += sight.precision
        first[3:] += sight.precision * self.away
        return second, first


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A block that shows the corners as well as any near it."""

    point: Point
    covariance: Floats  # (12, 12), see PARAMETERS
    k2: float
    residual: float  # per degree of freedom
    hidden: int  # corners given that the block itself would hide
    cost: float  # −2 log of its odds

    def sd(self, parameter: str) -> float:
        """The standard deviation of one of PARAMETERS."""
        i = PARAMETERS.index(parameter)
        return float(np.sqrt(self.covariance[i, i]))


def at(sight: Sight, flat: Floats, rotation: Floats, parameters: Floats) -> Point:
    """A block beside the given corners, whose places on it without thickness are `flat` (n, 3)."""
    seen = block.project(rotation, parameters, flat, BACK[sight.used, None])
    off = seen.xy + parameters[7:] - sight.xy
    error = (sight.whiten @ off[:, :, None])[:, :, 0]
    away = parameters - sight.expected
    return Point(rotation, parameters, seen, error, np.einsum("ij,ij->i", error, error), away)


def _moved(point: Point, step: Floats, sight: Sight, flat: Floats) -> Point:
    """The block one step further, no further than its derivatives can be trusted."""
    longest = max(map(abs, step.take(_BOUNDED).tolist()))
    if longest > _STRIDE:
        step = step * (_STRIDE / longest)
    rotation = block.turned(point.rotation, -step[:3])
    return at(sight, flat, rotation, point.parameters - step[3:])


def _spread(point: Point) -> float:
    """The k² that suits how well the block fits by now."""
    squares: list[float] = sorted(point.squares.tolist())
    return max(ROBUST, 4 * squares[len(squares) // 2])


def fitted(sight: Sight, rotation: Floats, parameters: Floats, least_gain: float) -> Fit | None:
    """The block of the least cost near a first guess; None if that is behind the camera.

    The last step is the one that was to gain less than `least_gain` squared standard deviations.
    """
    flat = sight.flat
    point = at(sight, flat, rotation, parameters)
    damping = _CAREFUL
    for _ in range(_TRIES):
        if not point.seen.ahead:
            return None
        k2 = _spread(point)
        second, first = point.normal(sight, k2)
        there, gain, damping = _better(sight, flat, point, (second, first, k2), damping)
        if there is None:
            break
        point = there
        if gain < least_gain:  # so near that the second derivatives are the same
            break
    return _judged(sight, point, second, k2)


def _better(
    sight: Sight,
    flat: Floats,
    point: Point,
    slopes: tuple[Floats, Floats, float],
    damping: float,
) -> tuple[Point | None, float, float]:
    """A block that costs less, how much was hoped for, and the damping; None if there is none."""
    second, first, k2 = slopes
    limit = point.cost(sight, k2) + 1e-9
    while damping < _STUCK:
        damped = second.copy()
        damped.ravel()[::13] *= 1 + damping
        step = np.asarray(np.linalg.solve(damped, first), np.float64)
        there = _moved(point, step, sight, flat)
        if there.seen.ahead and there.cost(sight, k2) <= limit:
            return there, float(step @ first), damping * 0.1
        damping *= 10
    return None, 0.0, damping


def _judged(sight: Sight, point: Point, second: Floats, k2: float) -> Fit | None:
    """Where the search ended, half the second derivatives there and k² → the fit, its doubt."""
    if block.place(point.rotation, point.parameters)[2] < -abs(point.parameters[2]) / 2:
        return None  # seen from behind: left and right are exchanged, as no packet is labelled
    covariance = np.asarray(np.linalg.inv(second), np.float64)
    # what is measured beyond what it takes to know the parameters, as far as they were unknown
    held = float(sight.precision @ covariance.diagonal()[3:])
    freedom = max(2 * len(sight.used) - 12 + held, 1.0)
    cost = point.cost(sight, k2)
    visible = block.visible(point.rotation, point.parameters, sight.half_mm)
    hidden = len(sight.used) - int(np.count_nonzero(visible[sight.used]))
    residual, cost = (cost / freedom) ** 0.5, cost + _HIDDEN * hidden
    return Fit(point, covariance, k2, residual, hidden, cost)
