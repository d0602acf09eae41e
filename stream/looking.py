"""A frame and where to look → what the network says of it: prepare, engine and decode.

Where the packet was seen before, the network looks at a crop that follows it; otherwise first at
the whole frame, and then at the crop round what it saw there, which alone shows a card's
thickness. Whether there is a packet is decided on the crop.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine
from stream import rims
from stream.canvas import Canvas
from stream.decode import decode
from stream.frame import Frame, Packet
from stream.geometry import Region, frame_from_input, input_from_cell, whole
from stream.packet import corner_covariance
from stream.prepare import prepare
from stream.rim_network import RimNetwork
from stream.track import RegionTracker, crop_around

FOUND = 0.5
"""A packet is there if the model gives it at least this probability …"""

PEAK = 0.25
"""… and the peaks of the corners that should be seen are this high on average."""

CANDIDATE = 0.4
"""What reaches this part of FOUND and PEAK in the whole frame, which shows a distant packet poorly,
is worth a closer look."""

VISIBLE = 0.5
"""Visibility from which a corner counts as seen."""

FAINT = 0.05
"""A heatmap that stays below says nothing of the place: that corner's xy is NaN."""

SAME_CROP = 0.2
"""A crop that fits its packet to within this part of its width needs no other look."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network says of one region of a frame."""

    packet: Packet
    seen: NDArray[np.float64]  # (K,) in [0, 1]: how visible each corner is
    distribution: NDArray[np.float64] | None  # (C+1,) or None, a copy
    score: float  # P(packet), or the mean peak without a count head
    peak: float  # mean peak height of the visible corners

    @property
    def strength(self) -> float:
        """How clearly there is a packet, in thresholds: from 1 on there is."""
        peak = self.peak / PEAK
        return peak if self.distribution is None else min(self.score / FOUND, peak)

    def outline(self) -> NDArray[np.float64]:
        """Keypoints (K, 2) that a crop goes by, the doubtful ones NaN; one at least is finite."""
        return np.where(self.packet.score[:, None] >= self.peak / 2, self.packet.xy, np.nan)


def follow(frame: Frame, looker: Looker, regions: RegionTracker, needed: float) -> Look:
    """Look where the packet should be, and everywhere if it is not there.

    `needed` is the strength by which it is known again.
    """
    region = regions.region(frame.hw, frame.time_s)
    looker.lap("track")
    look = looker.look(frame, region) if region else None
    if look is not None and region is not None and look.strength >= needed:
        look = _closer(frame, looker, look, region)  # it may stand half outside of the crop
    if look is None or look.strength < needed:
        look = search(frame, looker)
    if look.strength >= needed:
        regions.found(look.outline(), frame.time_s)
    else:
        regions.lost()
    return look


def search(frame: Frame, looker: Looker, *, refine: bool = False) -> Look:
    """Look at the whole frame, then closer at what might be a packet; `refine`: closer again."""
    region = whole(frame.hw, looker.input_hw)
    return _closer(frame, looker, looker.look(frame, region), region, 2 if refine else 1)


def closely(frame: Frame, looker: Looker, look: Look, read: RimNetwork) -> Look:
    """A look at a packet → the same, its corners held by the rims of the sides that are seen."""
    packet = look.packet
    sides = rims.sides(packet.visible & np.isfinite(packet.xy).all(axis=1))
    if not sides:
        return look
    image = looker.seen(frame, crop_around(packet.xy, frame.hw, looker.input_hw))
    strips = list(rims.cut(image, packet.xy, sides))
    if not strips:
        return look
    xy, covariance = rims.held(packet.xy, corner_covariance(packet), strips, read(strips))
    return replace(look, packet=replace(packet, xy=xy, covariance=covariance))


def _closer(frame: Frame, looker: Looker, look: Look, region: Region, times: int = 1) -> Look:
    """Look again, up to so many times, until the crop fits what might be a packet in it."""
    for _ in range(times):
        if look.strength < CANDIDATE:
            break
        fitting = crop_around(look.outline(), frame.hw, looker.input_hw)
        if _alike(fitting, region):
            break
        look, region = looker.look(frame, fitting), fitting
    return look


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
        self.start()

    def start(self) -> None:
        """Begin a frame: no time spent yet on any stage."""
        self.stages_s = dict.fromkeys(("prepare", "engine", "decode", "track", "count"), 0.0)
        self._since = perf_counter()

    def lap(self, stage: str) -> None:
        """What has passed since the last lap was spent on `stage`."""
        now = perf_counter()
        self.stages_s[stage] += now - self._since
        self._since = now

    def seen(self, frame: Frame, region: Region) -> NDArray[np.uint8]:
        """The frame in BGR (H, W, 3), as far as the region reaches: elsewhere it is anything."""
        if isinstance(frame.pixels, np.ndarray):
            return frame.pixels
        self._canvas.show(frame.pixels, [region])
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
        seen = np.minimum(VISIBLE * peaks.score / PEAK, 1.0)
        if prediction.visibility is not None:
            seen = prediction.visibility[0].astype(np.float64)
        shown = seen >= VISIBLE
        packet = Packet(xy, peaks.score, shown & inside(xy, frame.hw))
        peak = float(peaks.score[shown].mean()) if shown.any() else 0.0
        distribution, score = None, peak
        if prediction.count is not None:
            distribution = prediction.count[0].astype(np.float64)
            score = min(max(1.0 - float(distribution[0]), 0.0), 1.0)
        self.lap("decode")
        return Look(packet, seen, distribution, score, peak)


def inside(xy: NDArray[np.float64], frame_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Points (K, 2) → whether each lies on a pixel of the frame (K,); NaN does not."""
    size = np.array([frame_hw[1], frame_hw[0]])
    return np.asarray(((xy >= -0.5) & (xy <= size - 0.5)).all(axis=1))
