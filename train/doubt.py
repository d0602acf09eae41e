"""Values of the items of some clips → their mean, and how far it is to be trusted.

The frames of one clip err together, so it is clips that are drawn again and whose number counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964  # a normal variable lies within ± this 95 times in 100
_DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; NaN where nothing was measured or nothing is known."""

    value: float
    low: float
    high: float
    n: int  # items measured: pictures, corners, clips
    clips: int  # of how many clips they are
    share: bool = False  # a part of 1; otherwise a mean or a quantile


def of_share(hits: Sequence[bool] | NDArray[np.bool_], clips: Sequence[str]) -> Figure:
    """Hits (N,) and the clip of each → their share.

    The interval is Wilson's binomial one, for as many independent items as would waver as much as
    these clips do (the effective sample size): never more than N, and no fewer than the clips,
    which is what is taken where all items are hits or none is.
    """
    if len(hits) == 0:
        return Figure(math.nan, math.nan, math.nan, 0, 0, share=True)
    sums, sizes = _by_clip(np.asarray(hits, float), clips)
    n, m = int(sizes.sum()), len(sizes)
    p = float(sums.sum()) / n
    scatter = float(((sums - p * sizes) ** 2).sum()) * m / max(m - 1, 1) / n**2
    alike = p * (1 - p) / scatter if scatter > 0 else 0.0
    low, high = wilson(p, min(max(alike, m), n))
    return Figure(p, low, high, n, m, share=True)


def wilson(p: float, n: float) -> tuple[float, float]:
    """Share p of n independent items → the 95 % interval of the share behind it (Wilson 1927)."""
    middle = p + _Z**2 / (2 * n)
    reach = _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    return max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0)


def of_mean(values: Sequence[float] | NDArray[Any], clips: Sequence[str]) -> Figure:
    """Values (N,) and the clip of each → their mean; the interval is the bootstrap's, by clip.

    One clip says nothing of others: its interval is NaN.
    """
    if len(values) == 0:
        return Figure(math.nan, math.nan, math.nan, 0, 0)
    sums, sizes = _by_clip(np.asarray(values, float), clips)
    m = len(sizes)
    low = high = math.nan
    if m > 1:
        drawn = np.random.default_rng(0).multinomial(m, np.full(m, 1 / m), _DRAWS)
        low, high = np.quantile(drawn @ sums / (drawn @ sizes), [0.025, 0.975])
    return Figure(float(sums.sum() / sizes.sum()), float(low), float(high), int(sizes.sum()), m)


def of_quantile(values: Sequence[float] | NDArray[Any], clips: Sequence[str], q: float) -> Figure:
    """Values (N,) → the least that the share q does not exceed; inf stays inf. No interval."""
    if len(values) == 0:
        return Figure(math.nan, math.nan, math.nan, 0, 0)
    value = float(np.quantile(np.asarray(values, float), q, method="inverted_cdf"))
    return Figure(value, math.nan, math.nan, len(values), len(set(clips)))


def _by_clip(
    values: NDArray[np.float64], clips: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values (N,) of clips → the sum of each clip and its number of values, (M,) each."""
    if len(values) != len(clips):
        raise ValueError(f"each value needs its clip, got {len(values)} and {len(clips)}")
    _, of = np.unique(np.asarray(clips), return_inverse=True)
    sizes: NDArray[np.float64] = np.bincount(of).astype(np.float64)
    sums: NDArray[np.float64] = np.bincount(of, weights=values).astype(np.float64)
    return sums, sizes
