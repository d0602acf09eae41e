"""The engine without a network: finds coloured dots, so that all else runs without a model.

`paint` puts the dots of `markers` into a picture, one colour a keypoint; the engine finds the
centre of each colour and answers as a network would.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engines.spec import DEFAULT, Engine, ModelSpec, Opening, Prediction, check_call, read_spec

_MIN_PIXELS = 3.0  # a colour's least weight, in whole pixels, to be a dot and not noise


class FakeEngine:
    """Dots of `markers` in a picture → the answer of a network that sees a packet of `cards`.

    `delay_s` is how long each call takes at least.
    """

    def __init__(self, spec: ModelSpec, *, cards: int = 26, delay_s: float = 0.0) -> None:
        if spec.max_cards is not None and not 1 <= cards <= spec.max_cards:
            raise ValueError(f"cards must be 1..{spec.max_cards}, got {cards}")
        self.spec = spec
        self._cards = cards
        self._delay_s = delay_s
        self._closed = False

    def __str__(self) -> str:
        return "fake engine (coloured dots, no network)"

    def __call__(self, images: NDArray[np.uint8]) -> Prediction:
        """(B, H, W, 3) BGR uint8 pictures of `spec.input_hw` → Prediction."""
        check_call(images, self.spec, closed=self._closed)
        time.sleep(self._delay_s)
        colours = markers(len(self.spec.keypoints))
        xy = np.stack([_centres(image, colours) for image in images])
        found = np.isfinite(xy[..., 0])
        return Prediction(self._heatmaps(xy), found.astype(np.float32), self._count(found))

    def close(self) -> None:
        """May be called twice."""
        self._closed = True

    def _heatmaps(self, xy: NDArray[np.float64]) -> NDArray[np.float32]:
        """Input px (B, K, 2) → heatmaps (B, K, h, w), a Gaussian a point, nothing for NaN."""
        h, w = self.spec.heatmap_hw
        # where each cell's centre lies in the input, integers being pixel centres
        x = (np.arange(w) + 0.5) * self.spec.stride - 0.5
        y = (np.arange(h) + 0.5) * self.spec.stride - 0.5
        across = np.exp(-((x - xy[..., :1]) ** 2) / (2 * self.spec.sigma_px**2))
        down = np.exp(-((y - xy[..., 1:]) ** 2) / (2 * self.spec.sigma_px**2))
        maps = down[..., :, None] * across[..., None, :]
        heatmaps: NDArray[np.float32] = np.nan_to_num(maps, nan=0.0).astype(np.float32)
        return heatmaps

    def _count(self, found: NDArray[np.bool_]) -> NDArray[np.float32] | None:
        """Corners found (B, K) → distribution (B, C+1), most of it on `cards` if any is."""
        if self.spec.max_cards is None:
            return None
        peak = np.zeros(self.spec.max_cards + 1, np.float32)
        for offset, share in ((-1, 0.1), (0, 0.8), (1, 0.1)):
            peak[min(max(self._cards + offset, 1), self.spec.max_cards)] += share
        nothing = np.eye(1, len(peak), dtype=np.float32)[0]
        return np.where(found.any(axis=1, keepdims=True), peak, nothing)


def open_model(path: Path, _how: Opening = DEFAULT) -> Engine:
    """Model file → an engine that answers in its layout. Raises SpecError, OSError."""
    return FakeEngine(read_spec(path))


def markers(k: int) -> NDArray[np.uint8]:
    """K saturated colours, as far apart in hue as can be: (K, 3) BGR."""
    hue = np.arange(k) * 6.0 / k  # red at 0, green at 2, blue at 4
    red = np.abs(hue - 3) - 1
    green, blue = 2 - np.abs(hue - 2), 2 - np.abs(hue - 4)
    bgr = np.clip(np.stack([blue, green, red], axis=1), 0, 1)
    colours: NDArray[np.uint8] = np.round(bgr * 255).astype(np.uint8)
    return colours


def paint(
    image: NDArray[np.uint8], xy: NDArray[np.float64], radius_px: float = 5.0
) -> NDArray[np.uint8]:
    """Picture (H, W, 3) and points (K, 2) → a copy with a soft-edged dot in each marker's colour.

    Points are in px of the picture; NaN is left out.
    """
    painted = image.astype(np.float64)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    for point, colour in zip(xy, markers(len(xy)), strict=True):
        if np.isfinite(point).all():
            distance = np.hypot(x - point[0], y - point[1])
            cover = np.clip(radius_px + 0.5 - distance, 0, 1)[..., None]
            painted += (colour - painted) * cover
    picture: NDArray[np.uint8] = np.round(painted).astype(np.uint8)
    return picture


def _centres(image: NDArray[np.uint8], colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Picture (H, W, 3) and colours (K, 3) → the centre of each colour (K, 2), NaN = not there."""
    reach = 0.4 * _nearest(colours)
    # only saturated pixels can be near a marker, so the rest is never compared
    y, x = np.nonzero(np.ptp(image, axis=2) > 255 - 2 * reach)
    away = np.abs(image[y, x, None].astype(np.float64) - colours).max(axis=2)  # (N, K)
    weight = np.clip(1 - away / reach, 0, None)
    total = weight.sum(axis=0)
    xy: NDArray[np.float64] = weight.T @ np.stack([x, y], axis=1)
    xy /= np.maximum(total, 1e-9)[:, None]
    xy[total < _MIN_PIXELS] = np.nan
    return xy


def _nearest(colours: NDArray[np.uint8]) -> float:
    """The distance between the two colours that are most alike, in grey levels."""
    away = np.abs(colours[:, None].astype(np.float64) - colours).max(axis=2)
    return float((away + np.eye(len(colours)) * 255).min())
