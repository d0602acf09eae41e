"""A packet of cards: the names of its eight corners, its edges, and from thickness to cards.

`back` is the large face that shows the cards' backs, `face` the one that shows a card's face.
`upper` is one of the two short sides, left and right follow in the picture. A packet turned by 180°
in its plane is the same packet: the labelling whose upper side stands higher in the picture is the
one used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.cuboid import Body
from stream.decks import Deck
from stream.frame import Packet

KEYPOINTS = (
    "upper_left_face",
    "upper_right_face",
    "upper_left_back",
    "upper_right_back",
    "lower_left_face",
    "lower_right_face",
    "lower_left_back",
    "lower_right_back",
)

# round the face, round the back, and the four short edges between the two
EDGES = (
    (0, 1), (1, 5), (5, 4), (4, 0),
    (2, 3), (3, 7), (7, 6), (6, 2),
    (0, 2), (1, 3), (5, 7), (4, 6),
)  # fmt: skip

FLIP = (1, 0, 3, 2, 5, 4, 7, 6)
"""Mirrored picture: left and right change places."""

TURN = (5, 4, 7, 6, 1, 0, 3, 2)
"""Turned by 180°: upper left ⇄ lower right, upper right ⇄ lower left."""

QUARTER = (1, 5, 3, 7, 0, 4, 2, 6)
"""Turned by 90°: what a packet's corners are called by who takes its long sides for the short."""

EXCHANGED = (2, 3, 0, 1, 6, 7, 4, 5)
"""Back ⇄ face."""

MAX_CARDS = 52

USUAL_RESIDUAL = 3.0
"""Of a body, in standard deviations: the median of 635 real packets, by corners seen from near."""


def canonical(xy: NDArray[np.float64]) -> list[int]:
    """Corners (8, 2), y down → the order that puts the upper side higher in the picture.

    Either as they are, or `TURN`. Corners that are NaN do not count; a side without any corner
    leaves the order as it is.
    """
    upper, lower = xy[:4, 1], xy[4:, 1]
    pairs = np.isfinite(upper) & np.isfinite(lower)
    turned = pairs.any() and upper[pairs].mean() > lower[pairs].mean()
    return list(TURN) if turned else list(range(len(KEYPOINTS)))


def extent_px(xy: NDArray[np.float64]) -> float:
    """Corners (K, 2) → the longer side of the upright box round those found; 0 without any."""
    found = xy[np.isfinite(xy).all(axis=1)]
    return float(np.ptp(found, axis=0).max()) if len(found) else 0.0


def sigma_of(score: NDArray[np.float64], packet_extent_px: float) -> NDArray[np.float64]:
    """Heights of heatmap peaks (…) → standard deviations of their places (…), each way, px.

    In parts of the packet's larger extent, since the network sees it in a crop that fits:
    0.004 · exp(4.4 · (1 − score)), 0.5 % at a peak of 0.95 and 14 % at 0.2. Measured on the clips
    of cardcut that are trained on and on rendered pictures, errors beyond four deviations cut off;
    the rendered ones, which no model knows by heart, are the larger. No peak, no precision: inf.
    """
    sigma = 0.004 * packet_extent_px * np.exp(4.4 * (1 - score))
    return np.where(score > 0, sigma, np.inf)


def corner_covariance(packet: Packet) -> NDArray[np.float64]:
    """A packet → the covariances (K, 2, 2) of its corners, px²; hidden ones are inf."""
    covariance = packet.covariance
    if covariance is None:
        sigma_px = sigma_of(packet.score, extent_px(packet.xy))
        covariance = np.where(np.eye(2), np.square(sigma_px)[:, None, None], 0.0)
    return np.where(packet.visible[:, None, None], covariance, np.inf)


def cards_of(body: Body, deck: Deck, max_cards: int = MAX_CARDS) -> NDArray[np.float64]:
    """A packet's thickness → the distribution (max_cards + 1,) of its number of cards; P(0) = 0.

    How thick n cards are, and how surely, the deck says. The thickness' own standard deviation
    counts more where the corners fit the body worse than those of a packet do, which is no perfect
    block, in proportion to the residual. Every number from 1 to a whole deck is as likely
    beforehand.
    """
    cards = np.arange(1, min(max_cards, deck.cards) + 1)
    measured = body.thickness_sd_mm * max(1.0, body.residual_sigma / USUAL_RESIDUAL)
    exact = cards.astype(np.float64)
    variance = measured**2 + np.square(deck.thickness_sd_mm(exact))
    off = body.thickness_mm - deck.thickness_mm(exact)
    logs = -(np.square(off) / variance + np.log(variance)) / 2
    odds = np.exp(logs - logs.max())
    out = np.zeros(max_cards + 1)
    out[cards] = odds / odds.sum()
    return out
