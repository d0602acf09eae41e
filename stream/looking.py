"""A frame and where to look → what the network says of it: prepare, engine and decode.

Where the packet was seen before, the network looks at a crop that follows it; otherwise at the
whole frame, then at the crop round what it saw there, which alone shows a card's thickness; in a
picture that stands alone also at parts in which a distant packet would be larger. Whether there is
a packet is what several looks say together: each errs for reasons of its own, a box that looks like
a packet from one distance does not from another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine
from stream import closeups
from stream.canvas import Canvas
from stream.closeup_network import CloseUpNetwork
from stream.decode import decode
from stream.frame import Frame, Packet
from stream.geometry import Region, boxed, frame_from_input, input_from_cell, inside, whole
from stream.naming import Named
from stream.packet import KEYPOINTS, canonical, corner_covariance
from stream.prepare import prepare
from stream.track import RegionTracker, crop_around, tiles

if TYPE_CHECKING:
    from stream.planes import Planes

FOUND = 0.6
"""A packet is there, as far as one frame of a film tells, if it has this probability …"""

ALONE = 0.97
"""… and in a picture alone this one: it is searched in many places, each of which may err, and no
other frame can speak against it;"""

DRAWN = 0.12
"""either way the peaks of the corners that should be seen must be this high on average."""

PEAK = 0.25
"""The same for models that say no probability, where it decides alone."""

POOLED = 2
"""So many looks, the surest ones, have a say: the mean of the logarithms of their odds."""

CANDIDATE = -2.0
"""Evidence from which a look at a large part of a frame, which shows a distant packet poorly, is
worth a closer one."""

CLEAR = 1.0
"""Evidence from which what is followed need not be looked for elsewhere: less may come of a crop
that has slipped, and then its corners are misplaced too."""

CERTAIN = 2.0
"""Evidence from which a picture alone need not be searched any further."""

LIMIT = 12.0
"""Logarithms of odds are kept within ±LIMIT: a probability may have been rounded to 0 or 1."""

CLOSE_SAY = 0.25
"""The close-up's part in whether a corner is seen, beside the first look's, in logarithms of odds.
Chosen on rendered pictures of training's own share."""

VISIBLE = 0.5
"""Visibility from which a corner counts as seen."""

TINY = 1e-6
"""The least that a mean's weights add up to."""

FAINT = 0.05
"""A heatmap that stays below says nothing of the place: that corner's xy is NaN."""

STAGES = ("prepare", "engine", "decode", "track", "count")
"""What the time of a frame is spent on."""

SAME_CROP = 0.2
"""A crop that fits its packet to within this part of its width needs no other look."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network says of one region of a frame."""

    packet: Packet
    seen: NDArray[np.float64]  # (K,) in [0, 1]: how visible each corner is
    distribution: NDArray[np.float64] | None  # (C+1,) or None, a copy
    score: float  # P(packet), or the mean peak without a count head
    peak: float  # mean peak height of the corners, each as far as it is visible

    def evidence(self, found: float = FOUND) -> float:
        """How much speaks for a packet, in nats; at 0 its probability is `found`.

        A model that says no probability goes by its peaks alone.
        """
        if self.peak < FAINT:  # no corner has a place
            return -LIMIT
        if self.distribution is None:
            return log_odds(self.peak) - log_odds(PEAK)
        drawn = log_odds(self.peak) - log_odds(DRAWN)
        return min(log_odds(self.score) - log_odds(found), drawn)

    def named(self, named: Named) -> Look:
        """The same with each keypoint where its name says.

        Of the count nothing is left if the network called them otherwise: it spoke of another body.
        """
        order, packet, said = named.final, self.packet, self.distribution
        covariance = None if packet.covariance is None else packet.covariance[order]
        packet = Packet(packet.xy[order], packet.score[order], packet.visible[order], covariance)
        if said is not None and not named.agrees:
            said = np.concatenate([said[:1], np.full(len(said) - 1, said[1:].mean())])
        return replace(self, packet=packet, seen=self.seen[order], distribution=said)

    def outline(self) -> NDArray[np.float64]:
        """Keypoints (K, 2) that a crop goes by, the doubtful ones NaN; one at least is finite."""
        return np.where(self.packet.score[:, None] >= self.peak / 2, self.packet.xy, np.nan)


def log_odds(probability: float) -> float:
    """Ln p / (1 − p), within ±LIMIT."""
    if not 0 < probability < 1:
        return LIMIT if probability >= 1 else -LIMIT
    return min(max(log(probability / (1 - probability)), -LIMIT), LIMIT)


def follow(frame: Frame, looker: Looker, regions: RegionTracker, needed: float) -> Look:
    """Look where the packet should be, and everywhere unless it is clearly there.

    `needed` is the evidence by which it is known again.
    """
    region = regions.region(frame.hw, frame.time_s)
    looker.lap("track")
    tracked = None if region is None else _at(frame, looker, region)
    look = tracked
    if look is None or look.evidence() < CLEAR:
        again = _at(frame, looker, whole(frame.hw, looker.input_hw))
        if look is None or again.evidence() > look.evidence():
            look = again
    if look is not tracked or look.evidence() < needed:
        regions.lost()  # wherever it was, it did not come from there
    if look.evidence() >= needed:
        regions.found(look.outline(), frame.time_s)
    return look


def _at(frame: Frame, looker: Looker, region: Region) -> Look:
    """What is in a region; a packet may stand half outside of it, or be small in it."""
    return _pooled([_nearer(frame, looker, looker.look(frame, region), region)])


def search(frame: Frame, looker: Looker) -> Look:
    """A picture that stands alone: look at all of it, from as near as it takes."""
    everything = whole(frame.hw, looker.input_hw)
    chains = [_nearer(frame, looker, looker.look(frame, everything), everything, 2)]
    for parts in tiles(frame.hw, looker.input_hw):
        if _pooled(chains).evidence(ALONE) >= CERTAIN:
            break
        looks = [looker.look(frame, part) for part in parts]
        best, part = max(zip(looks, parts, strict=True), key=lambda pair: pair[0].evidence())
        chains.append(_nearer(frame, looker, best, part, 2))
    return _pooled(chains)


def _pooled(chains: Sequence[Sequence[Look]]) -> Look:
    """Looks, ever nearer, at one or more places → the best last one, as sure as they all are."""
    best = max((chain[-1] for chain in chains), key=lambda look: look.evidence())
    if best.distribution is None:
        return best
    odds = sorted(log_odds(look.score) for chain in chains for look in chain)[-POOLED:]
    if len(odds) == 1:
        return best
    return replace(best, score=1 / (1 + exp(-sum(odds) / len(odds))))


def closely(frame: Frame, looker: Looker, look: Look, read: CloseUpNetwork) -> Look:
    """A look at a packet → the same, its corners as its short edges from close by show them.

    A corner that is seen is the mean of both looks by precision, as a Kalman filter has it.
    """
    packet = look.packet
    image = looker.seen(frame, crop_around(packet.xy, frame.hw, looker.input_hw))
    edges = list(closeups.cut(image, packet.xy, look.seen))
    xy, seen = packet.xy.copy(), look.seen.copy()
    covariance = corner_covariance(replace(packet, visible=np.ones(len(xy), np.bool_)))
    for edge, said in zip(edges, read(edges), strict=True):
        for i, corner in enumerate(edge.corners):
            both = (1 - CLOSE_SAY) * log_odds(seen[corner]) + CLOSE_SAY * float(said.seen[i])
            seen[corner] = 1 / (1 + exp(-both))
            if seen[corner] < VISIBLE:
                continue
            place = edge.middle + said.places[i] @ edge.axes
            spread = edge.axes.T @ said.covariance[i] @ edge.axes
            if np.isfinite(xy[corner]).all():
                gain = covariance[corner] @ np.linalg.inv(covariance[corner] + spread)
                place = xy[corner] + gain @ (place - xy[corner])
                spread = (np.eye(2) - gain) @ covariance[corner]
            xy[corner], covariance[corner] = place, spread
    visible = (seen >= VISIBLE) & inside(xy, frame.hw)
    packet = replace(packet, xy=xy, covariance=covariance, visible=visible)
    return replace(look, packet=packet, seen=seen)


def _nearer(frame: Frame, looker: Looker, look: Look, region: Region, times: int = 1) -> list[Look]:
    """A look and, up to so many times, another one whose crop fits what might be a packet in it."""
    looks = [look]
    while len(looks) <= times and looks[-1].evidence() >= CANDIDATE:
        fitting = crop_around(looks[-1].outline(), frame.hw, looker.input_hw)
        if _alike(fitting, region):
            break
        looks.append(looker.look(frame, fitting))
        region = fitting
    return looks


def _alike(a: Region, b: Region) -> bool:
    """Whether b shows about the same as a."""
    apart = max(abs(a.x - b.x), abs(a.y - b.y), abs(a.width - b.width), abs(a.height - b.height))
    return apart <= SAME_CROP * a.width


class Looker:
    """The engine with its input picture and a stop-watch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._spec = engine.spec
        self.input_hw = engine.spec.input_hw
        self._input = np.empty((1, *self.input_hw, 3), np.uint8)
        self._canvas = Canvas()
        self._planes: Planes | None = None  # what the canvas shows …
        self._shown: list[Region] = []  # … in these boxes
        self.start()

    def start(self) -> None:
        """Begin a frame: no time spent yet on any stage."""
        self.stages_s = dict.fromkeys(STAGES, 0.0)
        self._since = perf_counter()

    def lap(self, stage: str) -> None:
        """What has passed since the last lap was spent on `stage`."""
        now = perf_counter()
        self.stages_s[stage] += now - self._since
        self._since = now

    def seen(self, frame: Frame, region: Region) -> NDArray[np.uint8]:
        """The frame in BGR (H, W, 3), as far as the region reaches: elsewhere it is anything.

        What it showed of the same frame before is not converted again.
        """
        if isinstance(frame.pixels, np.ndarray):
            return frame.pixels
        if frame.pixels is not self._planes:
            self._planes, self._shown = frame.pixels, []
        boxes = boxed([region], frame.hw)
        new = [box for box in boxes if not any(known.holds(box) for known in self._shown)]
        self._shown += self._canvas.show(frame.pixels, new)
        return self._canvas.bgr

    def look(self, frame: Frame, region: Region) -> Look:
        """One pass of the network over a region of the frame."""
        spec = self._spec
        prepare(self.seen(frame, region), region, spec.input_hw, self._input[0])
        self.lap("prepare")
        prediction = self._engine(self._input)
        self.lap("engine")
        peaks = decode(prediction.heatmaps[0], spec.sigma_px / spec.stride)
        xy = frame_from_input(input_from_cell(peaks.xy, spec.stride), region, spec.input_hw)
        xy[peaks.score < FAINT] = np.nan
        heights, seen = peaks.score, np.minimum(VISIBLE * peaks.score / PEAK, 1.0)
        if prediction.visibility is not None:
            seen = prediction.visibility[0].astype(np.float64)
        if spec.keypoints == KEYPOINTS:  # of one that lies level the network takes either name
            order = canonical(xy)
            xy, heights, seen = xy[order], heights[order], seen[order]
        packet = Packet(xy, heights, (seen >= VISIBLE) & inside(xy, frame.hw))
        peak = float(mean_peak(heights, seen))
        distribution, score = None, peak
        if prediction.count is not None:
            distribution = prediction.count[0].astype(np.float64)
            score = min(max(1.0 - float(distribution[0]), 0.0), 1.0)
        self.lap("decode")
        return Look(packet, seen, distribution, score, peak)


def mean_peak(heights: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Peaks' heights and how visible their corners are (…, K) → the mean of what is seen (…)."""
    return np.asarray((seen * heights).sum(axis=-1) / np.maximum(seen.sum(axis=-1), TINY))
