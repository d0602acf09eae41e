"""Opinions of the count, each a distribution with its own doubt → one distribution.

A logarithmic opinion pool (Genest and Zidek, 1986): P(n) ∝ Π pᵢ(n)^wᵢ. Of Gaussians it is the mean
weighted by precision. Weights that add up to 1 suit opinions that err together, as those of one
picture do: the pool is then as sure as they are on average, not surer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Distribution = NDArray[np.float64]

FLOOR = 1e-6
"""Added to each opinion: nobody may rule out alone what another sees."""


def pooled(opinions: Sequence[tuple[Distribution, float]]) -> Distribution:
    """Distributions (C+1,) over 0..C cards, each with its weight → one, given a packet.

    Index 0, no packet, is 0 in the answer. They need not be normalised. If all weight lies on 0,
    every count is alike.
    """
    sizes = {len(p) for p, _ in opinions}
    if len(sizes) != 1:
        raise ValueError(f"opinions must be over the same counts, got lengths {sorted(sizes)}")
    size = sizes.pop() - 1
    logs, possible = np.zeros(size), np.zeros(size, np.bool_)
    for distribution, weight in opinions:
        given = np.asarray(distribution, np.float64)[1:]
        total = given.sum()
        if total > 0 and weight > 0:
            logs += weight * np.log(given / total + FLOOR)
            possible |= given > 0
    weights = np.exp(logs - logs.max()) * (possible if possible.any() else 1.0)
    return np.concatenate([[0.0], weights / weights.sum()])
