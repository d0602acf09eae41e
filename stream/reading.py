"""What is seen of a packet → how many cards it holds, by all that can tell, with the doubt.

The network says what a packet of an average deck would hold; the body that its corners make says
how thick it is, which with the deck's own card is a count too. Both err where the corners err, so
their weights in the pool add up to 1; where the corners are astray, the network alone is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, inf

import numpy as np

from engines.spec import ModelSpec
from stream.combine import Distribution, pooled
from stream.cuboid import NEAREST_PX, Body, doubt, solve
from stream.decks import DECKS, Deck
from stream.focal import FocalTracker, focal_from_35mm
from stream.frame import Frame, Packet
from stream.packet import KEYPOINTS, cards_of, corner_covariance, extent_px

BODY_WEIGHT = 0.5
"""Of the body's count, beside the network's. Like all that follows, chosen by how likely the true
counts were then, of rendered pictures and of real clips that the count head had not seen
(docs/tried.md)."""

SURE_PEAK, SURE_SLOPE, LEAST_SURE, MOST_SURE = 0.92, 5.0, 0.4, 1.6
"""Both opinions are as sure as they say where the corners' peaks are so high in the mean. Higher,
and they are surer together than either is alone; lower, and corners are taken for others: the
power that a distribution is raised to grows by the slope, within these bounds."""

LESS_SURE = 2.0
"""A body whose count is so many times as wide as the network's weighs less, in proportion: what
knows nothing must not blur what knows."""

ASTRAY = 0.15
"""So often a packet's corners are taken for others, and its thickness says nothing: the share of
rendered packets that are found whose corners are far off, most of them misnamed."""

WHOLE = 1 / 12
"""Variance of what is rounded to whole cards."""

SOLVED_S = 0.1
"""For so long the body of a film's packet is taken for what it was: frames closer than that err
alike (`stream.constancy`), and corners that fit no packet take five times as long to solve."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The count of one frame."""

    distribution: Distribution | None  # (C+1,) over 0..C cards; None = nothing can be said
    doubt: str | None = None  # why it is poor or missing, in one line


def bins(spec: ModelSpec, deck: Deck | None) -> int:
    """How many counts, from 0 on, a reading's distribution has; 0 for a model that counts none."""
    if spec.max_cards is None:
        return 0
    known = deck.cards if deck is not None and spec.keypoints == KEYPOINTS else 0
    return 1 + max(spec.max_cards, known)


class Reader:
    """Corners and the network's opinion, frame by frame → readings.

    Of a film's frames it keeps the packet's pose and the camera's focal length; `stills` are each
    read alone. Without a deck, cards are taken to be poker cards as they are on average. Without
    `body`, the network alone counts: calibration learns how far off that is. Models
    of other keypoints, and those that count nothing, are read as they speak.
    """

    def __init__(
        self, spec: ModelSpec, deck: Deck | None, *, stills: bool, body: bool = True
    ) -> None:
        self.counts = spec.keypoints == KEYPOINTS and spec.max_cards is not None
        self._deck = deck or replace(DECKS["poker"], cards=spec.max_cards or 1)
        self._known = deck is not None
        self._stills, self._speaks = stills, body
        self._body: Body | None = None
        self._solved_s = -inf
        self._focal: tuple[tuple[int, int], FocalTracker] | None = None

    def read(self, packet: Packet, distribution: Distribution | None, frame: Frame) -> Reading:
        """Corners (8,) and the network's distribution (C+1,) → the reading of a frame."""
        if not self.counts or distribution is None:
            return Reading(distribution)
        across_px = extent_px(packet.xy)
        if across_px < NEAREST_PX:
            return Reading(None, _too_far(packet, across_px))
        network = _stretched(distribution, self._deck)
        body = self._solved(packet, frame) if self._speaks else None
        thick = None if body is None else cards_of(body, self._deck, len(network) - 1)
        said = together(network, thick, sureness(packet))
        # of a deck that nobody named, the body has no doubt
        why = None if body is None or not self._known else doubt(body, self._deck)
        return Reading(_with_nothing(said, distribution[0]), why)

    def lost(self) -> None:
        """No packet: the next one may lie anywhere."""
        self._body, self._solved_s = None, -inf

    def _solved(self, packet: Packet, frame: Frame) -> Body | None:
        """The body that the visible corners make; learns the focal length from it."""
        if not self._stills and 0 <= frame.time_s - self._solved_s < SOLVED_S:
            return self._body
        self._solved_s = frame.time_s
        tracker = self._tracker(frame)
        known = {"focal_px": tracker.px, "focal_log_sd": tracker.log_sd}
        start = None if self._stills else self._body
        self._body = solve(
            packet.xy, corner_covariance(packet), frame.hw, self._deck, start=start, **known
        )
        if self._body is not None:
            tracker.take(self._body)
        return self._body

    def _tracker(self, frame: Frame) -> FocalTracker:
        """What is known of the camera's focal length; a picture alone says it of itself."""
        if self._focal is None or self._stills or self._focal[0] != frame.hw:
            mm = frame.focal_35mm
            focal_px = None if mm is None else focal_from_35mm(mm, frame.hw)
            self._focal = frame.hw, FocalTracker(frame.hw, focal_px)
        return self._focal[1]


def _too_far(packet: Packet, across_px: float) -> str:
    """What is said of a packet that is too small, or of which too little is found to tell."""
    found, of = int(np.isfinite(packet.xy).all(axis=1).sum()), len(packet.xy)
    size = f"{across_px:.0f} px across, wanted {NEAREST_PX:.0f}: go nearer"
    if found == of:
        return f"too far: the packet is {size}"
    return f"too far or hidden: the {found} of {of} corners found are {size}, or show more of it"


def sureness(packet: Packet) -> float:
    """How far what is said of a packet's count can be relied on; 1 = as it says itself.

    By the mean height of the visible corners' peaks: at 0.4 half of the packets have corners that
    are far off, at 0.9 one in a hundred.
    """
    heights = packet.score[packet.visible]
    peak = float(heights.mean()) if len(heights) else 0.0
    return min(max(1 + SURE_SLOPE * (peak - SURE_PEAK), LEAST_SURE), MOST_SURE)


def together(network: Distribution, thick: Distribution | None, sure: float = 1.0) -> Distribution:
    """What the network and the body's thickness say (C+1,) → the count by both, P(0) = 0.

    `sure` is the power that their probabilities are raised to.
    """
    alone = pooled([(network, sure)])
    if thick is None:
        return alone
    weight = BODY_WEIGHT * min(1.0, LESS_SURE * _spread(pooled([(network, 1.0)])) / _spread(thick))
    both = pooled([(network, (1 - weight) * sure), (thick, weight * sure)])
    return np.asarray((1 - ASTRAY) * both + ASTRAY * alone)


def _spread(cards: Distribution) -> float:
    """The standard deviation of a distribution (C+1,), and of the rounding to whole cards."""
    counts = np.arange(len(cards))
    off = counts - cards @ counts
    return float(np.sqrt(cards @ np.square(off) + WHOLE))


def _stretched(distribution: Distribution, deck: Deck) -> Distribution:
    """The network's opinion (C+1,) of an average deck → of this one, over 0..max(C, deck.cards).

    Its last count means that many or more, up to what looks like the whole deck. Each count n
    becomes `network_ratio` · n, at most the last one, its weight shared between the two whole
    counts beside that; what lies above a deck of fewer is cut off, and if nothing is left the deck
    is whole.
    """
    size = max(len(distribution) - 1, deck.cards)
    counts = np.arange(1, len(distribution))
    weights = np.asarray(distribution, np.float64)[1:]
    most = ceil(size / deck.network_ratio)
    if most > len(weights):
        more = most - len(weights) + 1
        counts = np.concatenate([counts[:-1], np.arange(len(weights), most + 1)])
        weights = np.concatenate([weights[:-1], np.full(more, weights[-1] / more)])
    places = np.clip(counts * deck.network_ratio, 1, size)
    below = places.astype(int)
    part = places - below
    out = np.zeros(size + 2)
    np.add.at(out, below, weights * (1 - part))
    np.add.at(out, below + 1, weights * part)
    out = out[: size + 1]
    out[deck.cards + 1 :] = 0.0
    if not out.sum() > 0:
        out[deck.cards] = 1.0
    return out


def _with_nothing(cards: Distribution, nothing: float) -> Distribution:
    """A distribution given a packet → the same with P(0) = `nothing`."""
    out = cards * (1 - nothing)
    out[0] = nothing
    return out
