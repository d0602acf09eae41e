"""How well anyone could count the renderer's packets who measured their bodies without an error.

The true width, height and thickness of a packet are given, as parts of one another, which is what
a picture shows; the answer is the median count of the packets most like it. Told the kind of deck,
millimetres are known too. What is left is what thickness does not tell: how thick a card is, and
whether the packet lies squeezed or loose.

    python benchmarks/floor.py
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from stream.synth import SceneConfig
from stream.synth.packets import draw_body

ALIKE = 151
"""Packets that an answer is the median of."""

Floats = NDArray[np.float64]


def packets(count: int, config: SceneConfig, seed: int) -> tuple[Floats, Floats]:
    """`count` packets → the logarithms of height / width and thickness / width, and the cards."""
    rng = np.random.default_rng(seed)
    seen, cards = np.empty((count, 2)), np.empty(count)
    for i in range(count):
        cards[i] = int(rng.integers(config.cards[0], config.cards[1] + 1))
        body = draw_body(rng, config, int(cards[i]))
        seen[i] = np.log([body.height_mm / body.width_mm, body.thickness_mm / body.width_mm])
    return seen, cards


def errors(config: SceneConfig, known: int, asked: int) -> Floats:
    """The absolute error in cards of each of `asked` packets, judged by `known` others."""
    seen, cards = packets(known, config, 1)
    new, truth = packets(asked, config, 2)
    spread = seen.std(axis=0)
    _, near = NearestNeighbors(n_neighbors=ALIKE).fit(seen / spread).kneighbors(new / spread)
    return np.asarray(np.abs(np.median(cards[near], axis=1) - truth))


def main() -> None:
    """Print a line for decks of any kind, and for those whose kind is known (all alike)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--known", type=int, default=40_000)
    parser.add_argument("--asked", type=int, default=4_000)
    options = parser.parse_args()
    told = SceneConfig(poker=1.0, bridge=0.0, jumbo=0.0, tarot=0.0, mini=0.0)
    for name, config in {"any kind, not told": SceneConfig(), "kind told": told}.items():
        off = errors(config, options.known, options.asked)
        print(
            f"{name:20} off by {off.mean():.2f} cards in the mean, {np.median(off):.2f} in the "
            f"median; within 2: {(off <= 2).mean():.0%} (n = {len(off)})"
        )


if __name__ == "__main__":
    main()
