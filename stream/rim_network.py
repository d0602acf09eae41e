"""Strips of a packet's sides → where the rims are: a small network, which OpenCV runs.

    strip, and how far each pixel lies below either rim
      └─ 4 convolutions that look far across the rows ─┬─ a score a row ─ softmax ─ mean, spread
                                                       └─ mean over the strip ─ doubts

The row of a corner is the mean by the softmax of its scores, to which a Gaussian about where it was
thought to be is added. `train/rims.py` trains the same network. It is OpenCV that runs it because
that is there wherever kpstream is, whatever engine does the large network's work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import engines
from stream.rims import COLUMNS, ROWS, Rims, Strip

Floats = NDArray[np.float32]

WEIGHTS = Path(engines.__file__).parent / "models" / "rims.npz"

OUTPUTS = ("scores", "features")
"""Of the convolutions' graph."""

CONTRAST = 10.0
"""Grey levels added to a strip's standard deviation: one without contrast stays flat."""

STEEP = 4.0
"""Scale of a pixel's distance from a rim, which is in parts of the strip's height."""

NEAR = 20.0
"""Curvature of the scores about where a corner was thought to be; training scales it."""

LEAST = 1e-6
"""Added to the variance of a softmax."""

ABOUT = np.array([0.3, 0.1, 3.0, 3.0], np.float32)
"""Scale of the numbers of `Strip.about`."""

SURE, UNSURE = -7.0, 0.0
"""Logarithms that a deviation, in parts of the strip's height, is kept between."""

CENTRES = ((np.arange(ROWS) + 0.5) / ROWS - 0.5).astype(np.float32)
"""Where the rows are, in parts of the strip's height from its middle."""


def inputs(pictures: NDArray[np.uint8], rows: NDArray[np.floating]) -> Floats:
    """Strips (N, ROWS, COLUMNS, 3) and their corners' rows (N, 4) → (N, ROWS, COLUMNS, 5).

    Colours without their mean, in parts of the strip's contrast, and how far below each rim.
    """
    levels = pictures.astype(np.float32)
    contrast = levels.std(axis=(1, 2, 3), keepdims=True) + CONTRAST
    even = (levels - levels.mean(axis=(1, 2), keepdims=True)) / contrast
    right = np.linspace(0, 1, COLUMNS, dtype=np.float32)[:, None]
    left_of, right_of = rows[:, None, ::2].astype(np.float32), rows[:, None, 1::2]
    rims = left_of * (1 - right) + right_of.astype(np.float32) * right  # (N, COLUMNS, 2)
    below = (CENTRES[:, None, None] - rims[:, None]) * STEEP
    return np.concatenate([even, below], axis=3)


class RimNetwork:
    """The network with its weights, as `train.rims.RimModel.arrays` has them. For one thread."""

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self._weights = weights
        self._convolutions = cv2.dnn.readNetFromONNX(weights["convolutions"])

    @classmethod
    def bundled(cls) -> RimNetwork:
        """The network that ships with the package."""
        with np.load(WEIGHTS) as stored:
            return cls({name: stored[name] for name in stored.files})

    def __call__(self, strips: Sequence[Strip]) -> list[Rims]:
        """Strips → what each says."""
        if not strips:
            return []
        rows = np.stack([strip.rows for strip in strips]).astype(np.float32)
        about = np.stack([strip.about for strip in strips]).astype(np.float32)
        x = inputs(np.stack([strip.picture for strip in strips]), rows)
        self._convolutions.setInput(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        scores, features = self._convolutions.forward(OUTPUTS)  # (N, 4, ROWS, 1), (N, C, ROWS, W)
        away = np.square(CENTRES - rows[..., None])
        scores = scores[..., 0] - NEAR * np.exp(self._weights["near"])[:, None] * away
        share = np.exp(scores - scores.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        said = share @ CENTRES
        variance = (share * np.square(CENTRES - said[..., None])).sum(axis=2)
        spread = np.log(variance + LEAST) / 2
        numbers = np.concatenate([features.mean(axis=(2, 3)), spread, rows, about * ABOUT], axis=1)
        more = self._dense(np.maximum(self._dense(numbers, "doubt0"), 0), "doubt1")
        logs = spread.reshape(-1, 2, 2).mean(axis=2) + more
        sd = np.exp(np.clip(logs, SURE, UNSURE))
        return [Rims(*one) for one in zip(said.astype(float), sd.astype(float), strict=True)]

    def _dense(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._weights[name] + self._weights[f"{name}_bias"])
