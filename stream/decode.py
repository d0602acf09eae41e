"""Heatmaps → keypoints with their heights; a count's distribution → a count with its doubt.

One best place per channel: the highest cell, refined by mean-shift (Comaniciu and Meer, 2002) with
a flat kernel, all channels at once. No threshold is applied here: whoever draws or filters does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from stream.frame import Count

BANDWIDTH_SIGMA = 2.0
"""Radius of the kernel in standard deviations of the heatmaps' Gaussian."""

FLOOR = 0.15
"""Cells lower than this part of the peak weigh nothing.

A Gaussian is that low at 1.95 σ, so the weights die out just inside the kernel's rim, and a cell
that enters or leaves the kernel changes nothing: that is what makes the result smooth in place.
"""

_MAX_STEPS = 50
_STEP = 1e-3  # of the bandwidth: below it a centre has arrived, as in scikit-learn's MeanShift


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """The best place of each channel; the leading shape (…, K) is that of the heatmaps."""

    xy: NDArray[np.float64]  # (…, K, 2) heatmap cells; NaN where a channel has no peak
    score: NDArray[np.float64]  # (…, K) height of the highest cell, 0 where there is none


def decode(heatmaps: NDArray[np.floating], sigma: float) -> Peaks:
    """Heatmaps (…, K, h, w) → Peaks; `sigma` is their Gaussian's standard deviation in cells.

    A Gaussian at p gives p: within 0.02 cell inside the picture, 0.05 where the picture's border
    cuts it off, 0.1 in the picture's corners. A channel that is flat or holds a NaN has no peak.
    """
    if heatmaps.ndim < 3:
        raise ValueError(f"heatmaps must be (..., K, h, w), got {heatmaps.shape}")
    *lead, height, width = heatmaps.shape
    maps = heatmaps.reshape(-1, height, width)
    flat = maps.reshape(len(maps), -1)
    best = flat.argmax(axis=1)
    score = flat[np.arange(len(flat)), best].astype(np.float64)
    with np.errstate(invalid="ignore"):
        some = np.isfinite(score) & (score > 0) & (flat.min(axis=1) < score)
    score = np.where(some, score, 0.0)
    seeds = np.stack([best % width, best // width], axis=1).astype(np.float64)
    xy = np.full((len(maps), 2), np.nan)
    if some.any():
        floors = FLOOR * score[some, None]
        shifted = mean_shift(maps[some], seeds[some], BANDWIDTH_SIGMA * sigma, floors)
        xy[some] = _past_border(shifted, (height, width), sigma)
    return Peaks(xy.reshape(*lead, 2), score.reshape(lead))


def mean_shift(
    maps: NDArray[np.floating],
    seeds: NDArray[np.float64],
    bandwidth: float,
    floors: NDArray[np.float64] | float = 0.0,
) -> NDArray[np.float64]:
    """Seeds (N, 2), one in each of N maps (N, h, w) → the modes (N, 2) that they climb to.

    In each step a centre moves to the mean of the cells no further than `bandwidth` away, weighted
    by their height above `floors` ((N, 1) or one number). A centre with no weight in reach stays.
    """
    reach = ceil(bandwidth) + 1  # one more, for the centre lies between cells
    count, height, width = maps.shape
    padded = np.zeros((count, height + 2 * reach, width + 2 * reach))
    padded[:, reach:-reach, reach:-reach] = maps
    offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)[::-1].T
    moments = np.column_stack([np.ones(len(offsets)), offsets])
    strides = np.array([1, padded.shape[2]])
    windows = offsets @ strides
    origins = np.arange(count) * padded[0].size + reach * strides.sum()
    cells, centres = padded.ravel(), seeds.astype(np.float64)
    for _ in range(_MAX_STEPS):
        nearest = np.rint(centres)
        rest = centres - nearest
        at = origins + nearest.astype(np.int64) @ strides
        weights = np.maximum(cells[at[:, None] + windows] - floors, 0.0)
        far = np.square(moments[:, 1] - rest[:, :1]) + np.square(moments[:, 2] - rest[:, 1:])
        weights *= far <= bandwidth * bandwidth
        sums = weights @ moments
        moved = np.where(sums[:, :1] > 0, sums[:, 1:] / np.maximum(sums[:, :1], 1e-300), rest)
        centres = nearest + moved
        if np.square(moved - rest).sum(axis=1).max() <= (_STEP * bandwidth) ** 2:
            break
    return centres


def _past_border(
    xy: NDArray[np.float64], heatmap_hw: tuple[int, int], sigma: float
) -> NDArray[np.float64]:
    """Modes (N, 2) near the border → where the Gaussian's centre was, which the border pulls in."""
    modes, truths = _border_bias(sigma)
    last = np.array([heatmap_hw[1] - 1, heatmap_hw[0] - 1])
    if last.min() < 2 * modes[-1]:  # a map too small to have a border of its own on either side
        return xy
    low = np.interp(xy, modes, truths)
    high = last - np.interp(last - xy, modes, truths)
    corrected: NDArray[np.float64] = np.where(xy < modes[-1], low, xy)
    return np.where(xy > last - modes[-1], high, corrected)


@lru_cache(maxsize=8)
def _border_bias(sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Modes that Gaussians near a border shift to, ascending, and the true distances from it.

    Measured rather than derived: ideal heatmaps, cut off by the border, through `mean_shift`.
    """
    reach = ceil((BANDWIDTH_SIGMA + 1) * sigma)
    truths = np.arange(-0.5, reach + 0.01, 0.125)
    across = np.arange(2 * reach + 1.0)
    rows = np.exp(-np.square(across - reach) / (2 * sigma * sigma))
    columns = np.exp(-np.square(across - truths[:, None]) / (2 * sigma * sigma))
    maps = rows[None, :, None] * columns[:, None, :]
    seeds = np.stack([np.maximum(np.rint(truths), 0), np.full(len(truths), float(reach))], axis=1)
    floors = FLOOR * maps.max(axis=(1, 2))[:, None]
    modes = mean_shift(maps, seeds, BANDWIDTH_SIGMA * sigma, floors)[:, 0]
    return np.maximum.accumulate(modes), truths


def count_of(distribution: NDArray[np.floating]) -> Count | None:
    """Distribution (C+1,) over 0..C cards, 0 = no packet → the count, given that there is one.

    Its median, count n reaching from n − ½ to n + ½, and the 5 % and 95 % quantiles in whole cards.
    None if all the weight is on 0. Not the expectation: what may be more than the last count lies
    on that one, and a whole deck would be a card or two short.
    """
    weights = np.asarray(distribution, np.float64)[1:]
    total = float(weights.sum())
    if not total > 0:
        return None
    cumulated = np.cumsum(weights) / total
    low, middle, high = np.searchsorted(cumulated, (0.05, 0.5, 0.95))
    part = (cumulated[middle] - 0.5) * total / weights[middle]  # of its middle count, above half
    return Count(float(middle + 1.5 - part), int(low) + 1, int(high) + 1)
