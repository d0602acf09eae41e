"""Corners of a packet in a picture → the packet as a cuboid: its pose, its thickness, the doubt.

The camera is a pinhole. A large face has the deck's size; a corner is the point of a card's round
corner nearest to the sharp one. The focal length, where the camera's axis is and how far the large
faces lean are held by what is known of them beforehand, and so bring their doubt into the
covariance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stream import block
from stream.block import BACK, RIGHT, UPPER, Sight
from stream.decks import Deck
from stream.fitting import Fit, fitted

Floats = NDArray[np.float64]

CORNER_RADIUS_MM = 3.5
"""Of the cards' round corners."""

FOCAL_REL = 0.72
"""The focal length to expect where nothing is known, as a part of the frame's diagonal …"""

FOCAL_LOG_SD = 0.4
"""… and the standard deviation of its logarithm: wide webcams, zooms, pictures cut out."""

KNOWN_FOCAL_LOG_SD = 0.03
"""The same of a focal length that is given: focusing alone changes it as much."""

LEAN_SD_MM = 0.5
"""How far the large faces of a packet lie shifted against each other, each way."""

AXIS_SD_REL = 0.04
"""How far from the middle of the frame the camera's axis may be, as a part of the diagonal."""

NEAREST_PX = 60.0
"""Extent of a packet in the picture below which its thickness cannot be told."""

WORST_SIGMA = 4.0
"""Residual in standard deviations from which the corners are called no packet's."""

_INSET_MM = CORNER_RADIUS_MM * (1 - 0.5**0.5)
_THICKNESS_SD_MM = 1000.0  # keeps the thickness finite where no corner tells it
_THIN = 2.0  # thickness in standard deviations below which its sign says little
_PLENTY, _GOOD = 6, 1.5  # corners, and residual, with which no other fit need be looked for
# the gain of the last step:
_EXACT = 1e-5
_ROUGH = 0.01  # while blocks are compared: with more, some stop in a narrow valley
_NEAR = 0.1  # from the last frame's body: the next step would be a hundredth, 3 % of a deviation
_LOST = 2.5  # residual in standard deviations from which the last frame's body is no guide


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A packet in space. Its own axes: x right, y upper, z out of the large face that is near.

    A point X of it (mm, from its middle) stands at `rotation @ X + translation_mm`; the camera's
    axes are x right, y down, z ahead.
    """

    rotation: Floats  # (3, 3)
    translation_mm: Floats  # (3,)
    thickness_mm: float  # below 0 only within its doubt
    thickness_sd_mm: float
    focal_px: float
    focal_log_sd: float
    lean_mm: Floats  # (2,) how far the back is shifted against the face
    near: Literal["back", "face"]  # the large face that the camera sees
    axis_px: Floats  # (2,) where the camera's axis is, from the middle of the frame
    residual_px: float  # root mean square over the corners, by their robust weights
    residual_sigma: float  # in standard deviations, per degree of freedom; 1 is a good fit
    xy: Floats  # (8, 2) frame px: where the body says the corners are


def solve(
    xy: Floats,
    sigma_px: Floats,
    hw: tuple[int, int],
    deck: Deck,
    *,
    focal_px: float | None = None,
    focal_log_sd: float | None = None,
    start: Body | None = None,
) -> Body | None:
    """Corners (8, 2) frame px and how far each may be off → the body that shows so.

    That is a standard deviation, the same each way, (8,) px, or a covariance, (8, 2, 2) px². A
    corner that is NaN or of which that is not finite is not used. `focal_px` is what to expect,
    `focal_log_sd` how sure that is; `start` is where the packet was a frame ago. None for fewer
    than four corners, for corners that do not span a large face, and where no body in front of the
    camera shows anything like them.
    """
    expected_px, expected_log_sd = expected_focal(hw, focal_px)
    focal = expected_px, focal_log_sd or expected_log_sd
    sight = _sight(xy, sigma_px, hw, deck, focal)
    if sight is None:
        return None
    if start is not None:
        fit = fitted(sight, start.rotation, _parameters(start), _NEAR)
        if fit is not None and fit.residual < _LOST and not fit.hidden:
            return _body(sight, hw, fit, [])
    fits = _fits(sight)
    return _body(sight, hw, fits[0], fits[1:]) if fits else None


def _fits(sight: Sight) -> list[Fit]:
    """The blocks that may have been seen, the likeliest first."""
    # the large face of which more corners are seen is the near one
    more = float(BACK[sight.used].sum())
    fits: list[Fit] = []
    for guess in sorted(block.starts(sight), key=lambda guess: -more * float(guess[1][2])):
        fit = fitted(sight, *guess, _ROUGH)
        if fit is not None:
            fits.append(fit)
            if len(sight.used) >= _PLENTY and fit.residual < _GOOD and not fit.hidden:
                break  # tilted the other way it would hide some
    if len(sight.used) < _PLENTY:  # two blocks may show few corners alike: each one's counterpart
        points = [fit.point for fit in fits]
        others = (
            fitted(sight, block.mirrored(p.rotation, p.parameters), p.parameters, _ROUGH)
            for p in points
        )
        fits += [fit for fit in others if fit is not None]
    fits.sort(key=lambda fit: fit.cost)
    if fits:  # the others need not be exact to be told from it
        best = fits[0].point
        fits[0] = fitted(sight, best.rotation, best.parameters, _EXACT) or fits[0]
    return fits


def expected_focal(hw: tuple[int, int], focal_px: float | None = None) -> tuple[float, float]:
    """Focal length, if it is known → px to expect, and the standard deviation of its logarithm."""
    if focal_px is None:
        return FOCAL_REL * float(np.hypot(*hw)), FOCAL_LOG_SD
    return focal_px, KNOWN_FOCAL_LOG_SD


def doubt(body: Body, deck: Deck) -> str | None:
    """Why what was solved cannot be a packet of that deck, or cannot be told; None if it can."""
    across = float((body.xy.max(axis=0) - body.xy.min(axis=0)).max())
    if across < NEAREST_PX:
        return f"too far: the packet is {across:.0f} px across, wanted {NEAREST_PX:.0f}"
    if body.residual_sigma > WORST_SIGMA:
        return (
            f"no packet of this deck looks so: its corners are {body.residual_px:.1f} px off, "
            f"{body.residual_sigma:.1f} times what they may be, wanted {WORST_SIGMA:.0f}; "
            "show all of it in a picture that is not cropped"
        )
    whole = float(deck.cards)
    most, spread = deck.thickness_mm(whole), deck.thickness_sd_mm(whole)
    if body.thickness_mm > most + 3 * np.hypot(spread, body.thickness_sd_mm):
        return (
            f"too thick: the packet is {body.thickness_mm:.1f} mm, "
            f"a whole deck of {deck.cards} is {most:.1f}; name the deck that it is"
        )
    return None


def _middle(hw: tuple[int, int]) -> Floats:
    """Where the camera's axis meets the frame (2,) px."""
    return np.array([(hw[1] - 1) / 2, (hw[0] - 1) / 2])


def _whitening(sigma_px: Floats) -> Floats:
    """Deviations (8,) px or covariances (8, 2, 2) px² → matrices (8, 2, 2), 0 or NaN for none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        if sigma_px.ndim == 1:
            return np.asarray(np.where(np.eye(2), 1 / sigma_px[:, None, None], 0.0))
        out = np.zeros_like(sigma_px)
        known = np.isfinite(sigma_px).all(axis=(1, 2))
        lower = np.linalg.cholesky(np.linalg.inv(sigma_px[known]))
        out[known] = lower.transpose(0, 2, 1)
        return out


def _sight(
    xy: Floats,
    sigma_px: Floats,
    hw: tuple[int, int],
    deck: Deck,
    focal: tuple[float, float],
) -> Sight | None:
    """What is given and what is known, as a focal length and its doubt; None: it is too little."""
    whiten = _whitening(sigma_px)
    known = np.isfinite(xy).all(axis=1) & np.isfinite(whiten).all(axis=(1, 2))
    used = np.flatnonzero(known & whiten.any(axis=(1, 2)))
    if len(used) < 4:
        return None
    right, upper = RIGHT[used], UPPER[used]
    # three of the four places of a large face, in front or behind
    if len(set((right + 2 * upper).tolist())) < 3:
        return None
    focal_px, log_sd = focal
    size = np.array([deck.width_mm, deck.height_mm])
    thick = deck.cards * deck.card_mm / 2
    axis = (AXIS_SD_REL * float(np.hypot(*hw))) ** -2
    body = [LEAN_SD_MM**-2, LEAN_SD_MM**-2, _THICKNESS_SD_MM**-2, 0.0, 0.0]
    return Sight(
        used=used,
        xy=xy[used] - _middle(hw),
        whiten=whiten[used],
        half_mm=size / 2 - _INSET_MM,
        thickness_mm=thick,
        expected=np.array([0.0, 0.0, thick, 0.0, 0.0, 0.0, np.log(focal_px), 0.0, 0.0]),
        precision=np.array([*body, 0.0, log_sd**-2, axis, axis]),
    )


def _parameters(body: Body) -> Floats:
    """A body → the parameters of its block."""
    x, y, depth = body.translation_mm.tolist()
    scale = body.focal_px / depth
    back = body.thickness_mm if body.near == "back" else -body.thickness_mm
    logs = np.log([scale, body.focal_px])
    return np.array([*body.lean_mm, back, x * scale, y * scale, *logs, *body.axis_px])


def _body(sight: Sight, hw: tuple[int, int], fit: Fit, others: list[Fit]) -> Body:
    """The best fit, and others that might as well be true → the body."""
    point, parameters = fit.point, fit.point.parameters
    back, sd = float(parameters[2]), fit.sd("thickness_mm")
    sign = 1.0 if back >= 0 else -1.0
    if abs(back) < _THIN * sd:  # too thin to tell: the face of which more is given
        sign = float(np.sign(BACK[sight.used] @ sight.weight)) or sign
    variance = sd * sd
    for other in others:
        odds = 1 / (1 + np.exp(min((other.cost - fit.cost) / 2, 50.0)))
        variance += odds * (abs(other.point.parameters[2]) - abs(back)) ** 2
    pull = (fit.k2 / np.maximum(point.squares, fit.k2)) ** 2
    errors = point.squares / np.square(sight.weight)
    whole = block.project(point.rotation, parameters, block.corners(sight.half_mm), BACK[:, None])
    return Body(
        rotation=point.rotation,
        translation_mm=block.translation(parameters),
        thickness_mm=sign * back,
        thickness_sd_mm=float(np.sqrt(variance)),
        focal_px=float(np.exp(parameters[6])),
        focal_log_sd=fit.sd("log_focal"),
        lean_mm=parameters[:2].copy(),
        near="back" if sign > 0 else "face",
        axis_px=parameters[7:],
        residual_px=float(np.sqrt(pull @ errors / pull.sum())),
        residual_sigma=fit.residual,
        xy=whole.xy + _middle(hw) + parameters[7:],
    )
