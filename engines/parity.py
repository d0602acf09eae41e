"""The gate: no engine is trusted before it says what the reference says, to within these limits.

The reference is ONNX Runtime in FP32; what both look at are crops of rendered packets that ship
with the package. An engine that computes in less precision, or has a kernel that is wrong on this
machine, is found out here and not on stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine, EngineUnavailable, Prediction

CORNERS_PX = 0.5
"""The most that a corner may move, in pixels of the network's input, at the 99th percentile."""

CARDS = 0.25
"""The most that the count may move, in cards, on any picture."""

PICTURES = Path(__file__).parent / "models" / "packets.npz"

_PEAK = 0.25  # a lower peak is a corner that the reference itself does not see
_STEPS = 15  # of mean-shift: more move nothing by a hundredth of a cell
_PACKET = 0.5  # a lower probability of a packet leaves no count to compare


class Disagreement(EngineUnavailable):
    """An engine that misses the gate; the message has the figures."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an engine is from the reference."""

    corners_px: float  # 99th percentile of the corners' distances, input px; NaN without corners
    cards: float  # the largest difference of the expected count; NaN where nothing is counted
    pictures: int
    corners: int
    finite: bool  # whether all that the engine said were numbers

    @property
    def holds(self) -> bool:
        """Whether every figure is within its limit; what there was nothing to compare of is."""
        # NaN compares as False either way
        return self.finite and not (self.corners_px > CORNERS_PX or self.cards > CARDS)

    def __str__(self) -> str:
        if not self.finite:
            return f"NaN in the answer to one of {self.pictures} pictures"
        parts = []
        if self.corners:
            parts.append(f"corners {self.corners_px:.2f} px (99 % of {self.corners})")
        if not np.isnan(self.cards):
            parts.append(f"count {self.cards:.2f} cards at most")
        return f"{', '.join(parts) or 'nothing found'} on {self.pictures} pictures"


def check(engine: Engine, reference: Engine) -> Parity:
    """Compare an engine with the reference on the bundled pictures; raises Disagreement."""
    parity = compare(engine, reference, pictures(engine.spec.input_hw))
    if not parity.holds:
        raise Disagreement(
            f"{engine} differs from {reference} by more than {CORNERS_PX:g} px or {CARDS:g} cards: "
            f"{parity}"
        )
    return parity


def compare(engine: Engine, reference: Engine, images: NDArray[np.uint8]) -> Parity:
    """Two engines of one model and pictures (N, H, W, 3) → how far apart they are."""
    stride = engine.spec.stride
    sigma = engine.spec.sigma_px / stride
    moved: list[float] = []
    cards: list[float] = []
    for image in images:
        want, have = reference(image[None]), engine(image[None])
        arrays = (have.heatmaps, have.visibility, have.count)
        if not all(np.isfinite(array).all() for array in arrays if array is not None):
            return Parity(np.nan, np.nan, len(images), 0, finite=False)
        high = want.heatmaps[0].max(axis=(1, 2)) >= _PEAK
        away = _peaks(have.heatmaps[0], sigma) - _peaks(want.heatmaps[0], sigma)
        moved.extend(np.hypot(*away[high].T) * stride)
        if want.count is not None and have.count is not None and want.count[0, 0] <= 1 - _PACKET:
            cards.append(abs(_cards(have) - _cards(want)))
    corners_px = float(np.percentile(moved, 99)) if moved else np.nan
    return Parity(corners_px, max(cards, default=np.nan), len(images), len(moved), finite=True)


@lru_cache(maxsize=4)
def pictures(input_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The bundled crops (N, H, W, 3), each pixel of `input_hw` the nearest one of theirs."""
    with np.load(PICTURES) as stored:
        images: NDArray[np.uint8] = stored["images"]
    rows, columns = (
        ((np.arange(n) + 0.5) * have / n).astype(int)
        for n, have in zip(input_hw, images.shape[1:3], strict=True)
    )
    return np.ascontiguousarray(images[:, rows[:, None], columns])


def _peaks(heatmaps: NDArray[np.float32], sigma: float) -> NDArray[np.float64]:
    """Heatmaps (K, h, w) → the mode next to each one's maximum, by mean-shift: (K, 2) x, y.

    `sigma` is the Gaussian window's, in cells. A maximum alone would jump a cell where rounding
    lifts its neighbour; a mode that jumps counts with the whole way, as it would in use.
    """
    k, h, w = heatmaps.shape
    mass = np.maximum(heatmaps.astype(np.float64), 0)
    highest = heatmaps.reshape(k, -1).argmax(axis=1)
    x, y = (highest % w).astype(np.float64), (highest // w).astype(np.float64)
    columns, rows = np.arange(w), np.arange(h)
    for _ in range(_STEPS):
        across = np.exp(-((columns - x[:, None]) ** 2) / (2 * sigma**2))
        down = np.exp(-((rows - y[:, None]) ** 2) / (2 * sigma**2))
        seen = mass * down[:, :, None] * across[:, None, :]
        total = np.maximum(seen.sum(axis=(1, 2)), 1e-12)
        x, y = (seen.sum(axis=1) @ columns) / total, (seen.sum(axis=2) @ rows) / total
    return np.stack([x, y], axis=1)


def _cards(prediction: Prediction) -> float:
    """The count of one picture that is expected where there is a packet."""
    assert prediction.count is not None  # noqa: S101 - the caller looked
    given = prediction.count[0, 1:].astype(np.float64)
    return float(given @ np.arange(1, len(given) + 1) / max(given.sum(), 1e-12))
