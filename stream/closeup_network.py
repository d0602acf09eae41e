"""Patches round a packet's short edges → where the two corners of each are: a small network.

    patch, and lines from either corner, as thought, to its neighbours
      └─ convolutions ─ two scores a cell ─ softmax ─┬─ means ──────────────────── + ─ places
                                                     └─ what is seen there ─┬─ how far off
                                                                            └─ doubts; seen?

`train/closeups.py` trains the same network. OpenVINO runs it on the CPU, whatever engine does the
large network's work, or OpenCV, which takes three times as long and is there wherever kpstream is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

import engines
from engines.small import SmallNetwork
from engines.spec import EngineUnavailable
from stream.closeups import SIZE, CloseUp

Floats = NDArray[np.float32]
Convolutions = Callable[[Floats], Sequence[Floats]]
"""(N, 5, SIZE, SIZE) → scores (N, 2, n, n), features (N, C, n, n)."""

_log = logging.getLogger("kpstream")

WEIGHTS = Path(engines.__file__).parent / "models" / "closeups.npz"

OUTPUTS = ("scores", "features")
"""Of the convolutions' graph."""

STRIDE = 4
"""Pixels of a patch to a cell of the scores."""

CONTRAST = 10.0
"""Grey levels added to a patch's standard deviation: one without contrast stays flat."""

LINE = 0.06
"""Standard deviation across the lines to the neighbours, in parts of a patch's half."""

LEAST = 1e-5
"""Added to the variance of a softmax."""

NUMBER = 0.1
"""Scale of the scores' size, and of how far a corner is off its cells' mean."""

DEGREES = 4.0
"""Degrees of freedom of the t distribution that a corner's error is taken to be of."""

WIDEST, FINEST = -2.0, 6.0
"""Logarithms that the precision's factors are kept between."""

AGREED = 0.03
"""OpenVINO's scores, which may be computed in bf16, may be so far from OpenCV's, in parts of the
highest."""

THREADS = 4
"""Of which a network so small makes use, at the most."""

PIXELS = ((np.arange(SIZE) + 0.5) / SIZE * 2 - 1).astype(np.float32)
CELLS = ((np.arange(SIZE // STRIDE) + 0.5) / (SIZE // STRIDE) * 2 - 1).astype(np.float32)
GRID = np.stack(np.meshgrid(CELLS, CELLS), axis=-1).reshape(-1, 2)
"""Where a patch's pixels are, its cells, and all of these (n², 2), in parts of its half."""


def inputs(pictures: NDArray[np.uint8], thought: Floats, neighbours: Floats) -> Floats:
    """Patches (N, SIZE, SIZE, 3), corners (N, 2, 2), neighbours (N, 2, 2, 2) → (N, 5, SIZE, SIZE).

    Colours without their mean, in parts of the patch's contrast, and the lines of either corner.
    """
    levels = pictures.transpose(0, 3, 1, 2).astype(np.float32, order="C")
    mean = levels.mean(axis=(2, 3), keepdims=True)
    levels -= mean
    squares = np.einsum("ncyx,ncyx->n", levels, levels) / levels[0].size
    deviation = np.sqrt(squares + mean.var(axis=(1, 2, 3)))
    levels /= (deviation + np.float32(CONTRAST))[:, None, None, None]
    return np.concatenate([levels, lines(thought, neighbours)], axis=1)


def lines(thought: Floats, neighbours: Floats) -> Floats:
    """Corners (N, 2, 2) and neighbours (N, 2, 2, 2) → (N, 2, SIZE, SIZE).

    1 on the lines from a corner to its neighbours, 0 far off. To a neighbour that was not found,
    NaN, the line is a point; a corner that was not found has none.
    """
    found = np.asarray(np.isfinite(thought).all(axis=2))[..., None]
    start = np.where(found, thought, np.float32(0))
    arms = np.nan_to_num(neighbours - start[:, :, None])
    length = np.maximum(np.hypot(arms[..., 0], arms[..., 1]), np.float32(1e-3))[..., None]
    u, v = arms[..., :1] / length, arms[..., 1:] / length
    x, y = PIXELS - start[..., :1], PIXELS - start[..., 1:]  # (N, 2, SIZE)
    t = (x[:, :, None] * u)[..., None, :] + (y[:, :, None] * v)[..., None]  # along the line
    along = np.clip(t, 0, length[..., None])
    # |p − along·d|² = |p|² + along·(along − 2t) for a unit vector d
    far = (along * (along - 2 * t)).min(axis=2)
    far += np.square(x)[..., None, :] + np.square(y)[..., None]
    drawn = np.exp(far * np.float32(-0.5 / LINE**2))
    return np.where(found[..., None], drawn, np.float32(0))


def covariance_of(numbers: Floats) -> NDArray[np.float64]:
    """Factors of the precision (N, 3) as the network says them → covariances (N, 2, 2).

    Said are ln a, b / √ac and ln c of U = [[a, b], [0, c]], and UᵀU is the inverse of the t
    distribution's scale matrix; its covariance is that matrix times ν / (ν − 2).
    """
    logs = np.clip(numbers[:, [0, 2]].astype(np.float64), WIDEST, FINEST)
    a, c = np.exp(logs).T
    root = np.zeros((len(logs), 2, 2))  # of U, the inverse
    root[:, 0, 0], root[:, 1, 1] = 1 / a, 1 / c
    root[:, 0, 1] = -numbers[:, 1] / np.sqrt(a * c)
    return np.asarray(root @ root.transpose(0, 2, 1)) * (DEGREES / (DEGREES - 2))


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What the network says of an edge. Lengths are in parts of its patch's half."""

    places: Floats  # (2, 2) u, v of its corners
    covariance: NDArray[np.float64]  # (2, 2, 2) of each
    seen: Floats  # (2,) log odds that each is seen


class CloseUpNetwork:
    """The network with its weights, as `train.closeups.CloseUpModel.arrays` has them.

    For one thread.
    """

    def __init__(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self._weights = weights
        self._convolutions = quickest(weights["convolutions"])

    @classmethod
    def bundled(cls) -> CloseUpNetwork:
        """The network that ships with the package."""
        with np.load(WEIGHTS) as stored:
            return cls({name: stored[name] for name in stored.files})

    def __call__(self, closeups: Sequence[CloseUp]) -> list[Said]:
        """Patches → what is said of each."""
        if not closeups:
            return []
        thought = np.stack([one.thought for one in closeups]).astype(np.float32)
        neighbours = np.stack([one.neighbours for one in closeups]).astype(np.float32)
        x = inputs(np.stack([one.picture for one in closeups]), thought, neighbours)
        scores, features = self._convolutions(x)
        scores = scores.reshape(len(x), 2, -1)
        features = features.reshape(len(x), -1, scores.shape[2])
        highest = scores.max(axis=2, keepdims=True)
        share = np.exp(scores - highest)
        total = share.sum(axis=2, keepdims=True)
        share /= total
        means = share @ GRID
        variance = share @ np.square(GRID) - np.square(means)
        spread = np.log(np.maximum(variance, 0) + LEAST) / 2
        size = np.concatenate([np.log(total) + highest, highest], axis=2) * NUMBER
        parts = [share @ features.transpose(0, 2, 1), means, spread, size]
        numbers = np.concatenate(parts, axis=2).reshape(len(x), -1)
        out = self._dense(np.maximum(self._dense(numbers, "dense0"), 0), "dense1")
        each = out.reshape(len(x), 2, 6)
        places = means + each[..., 4:] * NUMBER
        covariance = covariance_of(each[..., :3].reshape(-1, 3)).reshape(-1, 2, 2, 2)
        return [Said(*row) for row in zip(places, covariance, each[..., 3], strict=True)]

    def _dense(self, x: Floats, name: str) -> Floats:
        return np.asarray(x @ self._weights[name] + self._weights[f"{name}_bias"])


def quickest(graph: NDArray[np.uint8]) -> Convolutions:
    """An ONNX file as bytes → what runs it here: OpenVINO if it loads and says the same, or OpenCV.

    It takes no more threads than OpenCV may.
    """
    slow = _by_opencv(graph)
    try:
        quick = SmallNetwork(graph.tobytes(), OUTPUTS, min(cv2.getNumThreads(), THREADS))
    except EngineUnavailable as error:
        _log.debug("close-ups are left to OpenCV: %s", error)
        return slow
    noise = np.random.default_rng(0).normal(size=(2, 5, SIZE, SIZE)).astype(np.float32)
    wanted, got = slow(noise)[0], quick(noise)[0]
    if np.abs(got - wanted).max() <= AGREED * np.abs(wanted).max():  # false for NaN
        return quick
    _log.warning("OpenVINO misreads close-ups on this machine: they are left to OpenCV")
    return slow


def _by_opencv(graph: NDArray[np.uint8]) -> Convolutions:
    network = cv2.dnn.readNetFromONNX(graph)

    def convolutions(x: Floats) -> Sequence[Floats]:
        network.setInput(x)
        return cast("Sequence[Floats]", network.forward(OUTPUTS))

    return convolutions
