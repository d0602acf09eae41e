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

ROBUST = 12.0
"""k²: a corner some three and a half standard deviations off loses its pull."""

_HIDDEN = 6.0  # cost of a corner that is given though the block itself would hide it: odds of 1:20
_TRIES = 30
_STUCK = 1e6  # damping at which no step is left
_ARRIVED = 1e-4  # what one more step would gain, in squared standard deviations
_STRIDE = 0.6  # the longest step: of a turn in rad, of a logarithm
_BOUNDED = [0, 1, 2, 8, 9]  # turns and logarithms among the ten


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A block, and how far from the given corners it shows its own."""

    rotation: Floats  # (3, 3)
    parameters: Floats  # (7,)
    seen: block.Projected
    error: Floats  # (n, 2) in standard deviations
    squares: Floats  # (n,)
    away: Floats  # (7,) from what is expected

    def cost(self, sight: Sight, k2: float) -> float:
        """Robust sum of the squares, and what is known beforehand."""
        squares = self.squares
        counted = np.minimum(squares, 2 * k2 - k2 * k2 / np.maximum(squares, k2))
        return float(counted.sum() + sight.precision @ (self.away * self.away))

    def normal(self, sight: Sight, k2: float) -> tuple[Floats, Floats]:
        """Half the cost's second derivatives (10, 10), and half its slope (10,)."""
        pull = np.minimum(1.0, k2 / np.maximum(self.squares, k2))[:, None]
        slope = block.jacobian(self.seen, self.rotation, BACK[sight.used, None])
        slope *= (sight.weight[:, None] * pull)[:, :, None]
        rows = slope.reshape(-1, 10)
        second, first = rows.T @ rows, (self.error * pull).ravel() @ rows
        second.ravel()[33::11] += sight.precision
        first[3:] += sight.precision * self.away
        return second, first


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A block that shows the corners as well as any near it."""

    point: Point
    covariance: Floats  # (10, 10)
    k2: float
    residual: float  # per degree of freedom
    hidden: int  # corners given that it hides itself
    cost: float  # −2 log of its odds


def at(sight: Sight, flat: Floats, rotation: Floats, parameters: Floats) -> Point:
    """A block beside the given corners, whose places on it without thickness are `flat` (n, 3)."""
    seen = block.project(rotation, parameters, flat, BACK[sight.used, None])
    error = (seen.xy - sight.xy) * sight.weight[:, None]
    away = parameters - sight.expected
    return Point(rotation, parameters, seen, error, np.square(error).sum(axis=1), away)


def _moved(point: Point, step: Floats, sight: Sight, flat: Floats) -> Point:
    """The block one step further, no further than its derivatives can be trusted."""
    longest = float(np.abs(step[_BOUNDED]).max())
    if longest > _STRIDE:
        step = step * (_STRIDE / longest)
    rotation = block.turned(point.rotation, -step[:3])
    return at(sight, flat, rotation, point.parameters - step[3:])


def _spread(point: Point) -> float:
    """The k² that suits how well the block fits by now."""
    squares = point.squares
    return max(ROBUST, 4 * float(np.sort(squares)[len(squares) // 2]))


def fitted(sight: Sight, rotation: Floats, parameters: Floats) -> Fit | None:
    """The block of the least cost near a first guess; None if that is behind the camera."""
    flat = sight.flat
    point = at(sight, flat, rotation, parameters)
    damping = 1e-3
    for _ in range(_TRIES):
        if not point.seen.ahead:
            return None
        k2 = _spread(point)
        second, first = point.normal(sight, k2)
        cost = point.cost(sight, k2)
        while True:
            damped = second.copy()
            damped.ravel()[::11] *= 1 + damping
            step = np.asarray(np.linalg.solve(damped, first), np.float64)
            there = _moved(point, step, sight, flat)
            better = there.seen.ahead and there.cost(sight, k2) <= cost + 1e-9
            if better or damping > _STUCK:
                break
            damping *= 10
        gain = float(step @ first)
        if better:
            point, damping = there, damping * 0.1
        if gain < _ARRIVED or not better:
            break
    return _judged(sight, point)


def _judged(sight: Sight, point: Point) -> Fit | None:
    """Where the search ended → the fit with its doubt."""
    if block.place(point.rotation, point.parameters)[2] < -abs(point.parameters[2]) / 2:
        return None  # seen from behind: left and right are exchanged, as no packet is labelled
    k2 = _spread(point)
    second, _ = point.normal(sight, k2)
    covariance = np.asarray(np.linalg.inv(second), np.float64)
    # what is measured beyond what it takes to know the parameters, as far as they were unknown
    held = float(sight.precision @ covariance.diagonal()[3:])
    freedom = max(2 * len(sight.used) - 10 + held, 1.0)
    cost = point.cost(sight, k2)
    seen = block.visible(point.rotation, point.parameters, sight.half_mm)
    hidden = len(sight.used) - int(seen[sight.used].sum())
    return Fit(
        point, covariance, k2, float(np.sqrt(cost / freedom)), hidden, cost + _HIDDEN * hidden
    )
