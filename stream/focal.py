"""The focal length of a camera: what to expect, what a photograph's file says, what a stream tells.

One packet tells its camera's focal length poorly, a stream of them well. But what is wrong in one
frame is wrong in the next too, so a frame counts as `SHARE` of one.
"""

from __future__ import annotations

import numpy as np

from stream.cuboid import Body, expected_focal

FILM_DIAGONAL_MM = 43.267
"""Of a picture on 35 mm film, 36 mm by 24 mm."""

SHARE = 0.1
"""What a frame adds to what is known, as a part of what it would if it stood alone."""

SUREST_LOG_SD = 0.03
"""No surer than this: focusing changes the focal length, and a zoom must be followed."""


def focal_from_35mm(focal_mm: float, hw: tuple[int, int]) -> float:
    """Focal length as if on 35 mm film → px of a picture that was not cropped, by its diagonal."""
    return focal_mm / FILM_DIAGONAL_MM * float(np.hypot(*hw))


class FocalTracker:
    """The focal length of one camera, surer with every packet that it shows."""

    def __init__(self, hw: tuple[int, int], focal_px: float | None = None) -> None:
        px, self.log_sd = expected_focal(hw, focal_px)
        self._log = float(np.log(px))

    @property
    def px(self) -> float:
        """The focal length to expect; `log_sd` is the standard deviation of its logarithm."""
        return float(np.exp(self._log))

    def take(self, body: Body) -> None:
        """Learn from a body that was solved with this focal length and this doubt."""
        known, told = self.log_sd**-2, body.focal_log_sd**-2
        own = told - known  # what the corners alone say
        if own <= 0:
            return
        part = SHARE / max(1.0, body.residual_sigma) ** 2
        pull = (told * np.log(body.focal_px) - known * self._log) * part
        total = known + own * part
        self._log = float(known * self._log + pull) / total
        self.log_sd = max(total**-0.5, SUREST_LOG_SD)
