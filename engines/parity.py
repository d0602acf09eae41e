"""The gate: no engine is trusted before it says what the reference says, to within these limits.

The reference is ONNX Runtime in FP32; what both look at are crops of rendered packets that ship
with the package. An engine that computes in less precision, or has a kernel that is wrong on this
machine, is found out here and not on stage.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine

CORNERS_PX = 0.5
"""The most that a corner may move, in pixels of the network's input, at the 99th percentile."""

CARDS = 0.25
"""The most that the count may move, in cards, on any picture …"""

DOUBT = 0.1
"""… or this part of its own standard deviation, where that is more.

A count that is sure to 12 cards moves by 1.3 on average, by 3.1 at most, when each pixel is by
chance up to one grey level darker or lighter (n = 8): such a picture says nothing of an engine, and
nobody sees a tenth of such a doubt.
"""

PICTURES = Path(__file__).parent / "models" / "packets.npz"

_PEAK = 0.25  # a lower peak is a corner that the reference itself does not see
_STEPS = 15  # of mean-shift: more move nothing by a hundredth of a cell
_PACKET = 0.5  # a lower probability of a packet leaves no count to compare


@dataclass(frozen=True, slots=True)
class Parity:
    """How far an engine is from the reference."""

    corners_px: float  # 99th percentile of the corners' distances, input px; NaN without corners
    cards: float  # difference of the expected count where it is worst; NaN = nothing is counted
    cards_allowed: float  # the limit there; NaN likewise
    pictures: int
    corners: int
    finite: bool  # whether all that the engine said were numbers

    @property
    def holds(self) -> bool:
        """Whether every figure is within its limit, as is one that there was nothing to take of."""
        # NaN compares as False either way
        return self.finite and not (self.corners_px > CORNERS_PX or self.cards > self.cards_allowed)

    def __str__(self) -> str:
        if not self.finite:
            return f"NaN in the answer to one of {self.pictures} pictures"
        parts = []
        if self.corners:
            of = f"99 % of {self.corners}, {CORNERS_PX:g} allowed"
            parts.append(f"corners {self.corners_px:.2f} px ({of})")
        if not np.isnan(self.cards):
            parts.append(f"count {self.cards:.2f} cards ({self.cards_allowed:.2f} allowed)")
        return f"{', '.join(parts) or 'nothing found'} on {self.pictures} pictures"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What an engine says of the bundled pictures, as far as engines are compared by it."""

    xy: NDArray[np.float64]  # (N, K, 2) the peaks, px of the network's input
    peak: NDArray[np.float64]  # (N, K) their heights
    present: NDArray[np.float64]  # (N,) the probability of a packet; NaN where nothing is counted
    cards: NDArray[np.float64]  # (N,) the count expected of it; NaN where nothing is counted
    doubt: NDArray[np.float64]  # (N,) its standard deviation; NaN where nothing is counted

    def to_json(self) -> str:
        """Reading → text that a file can carry instead of the model it was made with."""
        values = {f.name: np.round(getattr(self, f.name), 4).tolist() for f in fields(self)}
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> Reading:
        """Text of `to_json` → reading. Raises ValueError, KeyError."""
        values = json.loads(text)
        # a file that was exported before doubts were written is held to the plain limit
        values.setdefault("doubt", [0.0] * len(values["cards"]))
        return cls(*(np.array(values[f.name], np.float64) for f in fields(cls)))


def read(engine: Engine) -> Reading:
    """An engine → what it says of the bundled pictures."""
    spec = engine.spec
    images = pictures(spec.input_hw)
    count, k = len(images), len(spec.keypoints)
    xy, peak = np.empty((count, k, 2)), np.empty((count, k))
    present, cards, doubt = np.full((3, count), np.nan)
    for i, image in enumerate(images):
        said = engine(image[None])
        xy[i] = _peaks(said.heatmaps[0], spec.sigma_px / spec.stride) * spec.stride
        peak[i] = said.heatmaps[0].max(axis=(1, 2))
        if said.count is not None:
            given = said.count[0, 1:].astype(np.float64)
            present[i] = 1.0 - said.count[0, 0]
            given /= max(given.sum(), 1e-12)
            numbers = np.arange(1, len(given) + 1)
            cards[i] = given @ numbers
            doubt[i] = np.sqrt(given @ (numbers - cards[i]) ** 2)
    return Reading(xy, peak, present, cards, doubt)


def compare(got: Reading, wanted: Reading) -> Parity:
    """What an engine and the reference say → how far apart, where the reference is sure."""
    high = wanted.peak >= _PEAK
    sure = np.nan_to_num(wanted.present, nan=0.0) >= _PACKET
    compared = (got.xy[high], got.peak, got.cards[sure])
    if not all(np.isfinite(array).all() for array in compared):
        return Parity(np.nan, np.nan, np.nan, len(high), int(high.sum()), finite=False)
    moved = np.hypot(*(got.xy - wanted.xy)[high].T)
    cards = np.abs(got.cards - wanted.cards)[sure]
    allowed = np.maximum(CARDS, DOUBT * wanted.doubt[sure])
    worst = (cards / allowed).argmax() if len(cards) else None
    moved_most, limit = (cards[worst], allowed[worst]) if worst is not None else (np.nan, np.nan)
    return Parity(
        float(np.percentile(moved, 99)) if len(moved) else np.nan,
        float(moved_most),
        float(limit),
        len(high),
        len(moved),
        finite=True,
    )


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
