"""Heatmaps → points, by name. No threshold is applied but the one that a decoder is made of.

Every decoder is called with heatmaps (B, K, h, w) and the standard deviation of their targets in
cells, and gives `Found`. Streaming has `peak` alone, which lives in `stream.decode`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MeanShift

from engines.spec import ModelSpec
from stream import decode as stream_decode
from stream.geometry import input_from_cell
from train.named import find

CUT_OFF = 0.5
"""Height above which a cell belongs to a point, where a channel may hold any number of them."""

Heatmaps = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The points of B pictures and K channels, the best first; N is the most of any channel."""

    xy: NDArray[np.float64]  # (B, K, N, 2), NaN = none
    score: NDArray[np.float64]  # (B, K, N) height of the highest cell, 0 where there is none


Decoder = Callable[[Heatmaps, float], Found]


def argmax(heatmaps: Heatmaps, _sigma: float) -> Found:
    """The middle of the highest cell of each channel: within half a cell of the point."""
    score, some = _heights(heatmaps)
    width = heatmaps.shape[-1]
    best = heatmaps.reshape(*score.shape, -1).argmax(axis=-1)
    xy = np.stack([best % width, best // width], axis=-1).astype(np.float64)
    return _one(xy, score, some)


def mean(heatmaps: Heatmaps, _sigma: float) -> Found:
    """The average of all positions of each channel, weighted by their heights above 0.

    Within 0.02 cell of a Gaussian's point 4 σ or more inside the picture; the border pulls others
    in, by up to 0.85 σ along an axis. Every cell counts, however far: noise pulls towards the
    picture's middle, and of two points it gives a place between them.
    """
    score, some = _heights(heatmaps)
    weights = np.where(some[..., None, None], np.maximum(heatmaps, 0.0), 1.0).astype(np.float64)
    total = weights.sum(axis=(-2, -1))
    x = weights.sum(axis=-2) @ np.arange(heatmaps.shape[-1]) / total
    y = weights.sum(axis=-1) @ np.arange(heatmaps.shape[-2]) / total
    return _one(np.stack([x, y], axis=-1), score, some)


def peak(heatmaps: Heatmaps, sigma: float) -> Found:
    """The highest cell of each channel, refined by mean-shift: what streaming does.

    Within 0.05 cell of a Gaussian's point, 0.13 in the picture's corners.
    """
    peaks = stream_decode.decode(heatmaps, sigma)
    return Found(peaks.xy[..., None, :], peaks.score[..., None])


def mean_shift(heatmaps: Heatmaps, sigma: float, cut_off: float = CUT_OFF) -> Found:
    """Any number of points a channel: the modes of the cells above the cut-off.

    They are those of scikit-learn's MeanShift with a flat kernel of 2 σ (Comaniciu and Meer 2002),
    sought from every cell that is no lower than its neighbours. All cells above the cut-off weigh
    alike: a Gaussian's point 2 σ or more inside the picture is found to half a cell, if σ is 1 cell
    or more; the border pulls others in, along an axis by up to 0.5 σ, the middle of half a disc,
    and a quarter of a cell. Points nearer to each other than 4 σ may become one.
    """
    channels = heatmaps.reshape(-1, *heatmaps.shape[-2:])
    each = [_modes(channel, stream_decode.BANDWIDTH_SIGMA * sigma, cut_off) for channel in channels]
    most = max((len(score) for _, score in each), default=0)
    xy, scores = np.full((len(each), most, 2), np.nan), np.zeros((len(each), most))
    for i, (modes, score) in enumerate(each):
        xy[i, : len(modes)], scores[i, : len(score)] = modes, score
    lead = heatmaps.shape[:2]
    return Found(xy.reshape(*lead, most, 2), scores.reshape(*lead, most))


def _modes(
    channel: Heatmaps, bandwidth: float, cut_off: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A channel (h, w) → its modes (N, 2) and the heights of their highest cells (N,), sorted."""
    heights = channel.astype(np.float32)
    rows, columns = np.nonzero(heights > cut_off)
    cells = np.stack([columns, rows], axis=1).astype(np.float64)
    if len(cells) == 0:
        return cells, np.zeros(0)
    tops = (heights >= cv2.dilate(heights, np.ones((3, 3))))[rows, columns]
    shift = MeanShift(bandwidth=bandwidth, seeds=cells[tops]).fit(cells)
    score = np.zeros(len(shift.cluster_centers_))
    np.maximum.at(score, shift.labels_, channel[rows, columns])
    order = np.argsort(-score, kind="stable")
    return shift.cluster_centers_[order], score[order]


def _heights(heatmaps: Heatmaps) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The highest of each channel (B, K), and whether that is a peak: above 0, and not flat."""
    flat = heatmaps.reshape(*heatmaps.shape[:2], -1)
    score = flat.max(axis=-1).astype(np.float64)
    return score, np.isfinite(score) & (score > 0) & (flat.min(axis=-1) < score)


def _one(xy: NDArray[np.float64], score: NDArray[np.float64], some: NDArray[np.bool_]) -> Found:
    """One point a channel, where there is some."""
    xy = np.where(some[..., None], xy, np.nan)
    return Found(xy[..., None, :], np.where(some, score, 0.0)[..., None])


DECODERS: dict[str, Decoder] = {
    "argmax": argmax,
    "mean": mean,
    "peak": peak,
    "mean-shift": mean_shift,
}


def of_name(name: str) -> Decoder:
    """The decoder of that name; ValueError says which there are."""
    return find(DECODERS, name, "decoder")


def decode(name: str, heatmaps: Heatmaps, spec: ModelSpec) -> Found:
    """Heatmaps (B, K, h, w) of a model → points in its input's pixels, by the decoder so called."""
    cells = of_name(name)(heatmaps, spec.sigma_px / spec.stride)
    return Found(input_from_cell(cells.xy, spec.stride), cells.score)
