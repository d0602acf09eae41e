"""Frames → results: prepare, engine, decode and track put together, as a plain generator.

Where the packet was seen before, the network looks at a crop that follows it; otherwise first at
the whole frame, and then at the crop round what it saw there, which alone shows a card's
thickness. Whether there is a packet is decided on the crop.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engines.spec import Engine
from stream.canvas import Canvas
from stream.decks import Deck
from stream.decode import count_of, decode
from stream.frame import Count, Frame, Packet, Result, State
from stream.geometry import Region, frame_from_input, input_from_cell, whole
from stream.prepare import prepare
from stream.track import CountPool, RegionTracker, crop_around

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
class _Look:
    """What the network says of one region of a frame."""

    packet: Packet
    distribution: NDArray[np.float64] | None  # (C+1,) or None, a copy
    score: float  # P(packet), or the mean peak without a count head
    peak: float  # mean peak height of the visible corners

    def found(self, part: float = 1.0) -> bool:
        """Whether there is a packet, by `part` of the thresholds."""
        sure = self.distribution is None or self.score >= part * FOUND
        return sure and self.peak >= part * PEAK

    def outline(self) -> NDArray[np.float64]:
        """Keypoints (K, 2) that a crop goes by, the doubtful ones NaN; one at least is finite."""
        return np.where(self.packet.score[:, None] >= self.peak / 2, self.packet.xy, np.nan)


def estimate(
    frames: Iterable[Frame], engine: Engine, *, stills: bool = False, deck: Deck | None = None
) -> Generator[Result, None, None]:
    """Frames in order → one result each, in the same order.

    `stills`: every picture alone, nothing carried over and nothing to settle. No count is above
    what `deck` holds; without one the count is the network's own. What the frames or the engine
    raise goes through. The results hold no memory of the engine's.
    """
    looker = _Looker(engine, deck)
    regions, pool = RegionTracker(engine.spec.input_hw), CountPool()
    for frame in frames:
        looker.start()
        look = _search(frame, looker, refine=True) if stills else _follow(frame, looker, regions)
        state: State = "no_packet"
        packet = count = None
        if look.found():
            packet = look.packet
            count, state = (_alone(look), "locked") if stills else _pooled(look, frame, pool)
        elif not stills:
            pool.lost(_time_s(frame))
        looker.lap("track")
        yield Result(frame, state, packet, count, look.score, looker.stages_s)


def _follow(frame: Frame, looker: _Looker, regions: RegionTracker) -> _Look:
    """Look where the packet should be, and everywhere if it is not there."""
    time_s = _time_s(frame)
    region = regions.region(frame.hw, time_s)
    looker.lap("track")
    look = looker.look(frame, region) if region else None
    if look is not None and region is not None and look.found():
        look = _closer(frame, looker, look, region)  # it may stand half outside of the crop
    if look is None or not look.found():
        look = _search(frame, looker)
    if look.found():
        regions.found(look.outline(), time_s)
    else:
        regions.lost()
    return look


def _search(frame: Frame, looker: _Looker, *, refine: bool = False) -> _Look:
    """Look at the whole frame, then closer at what might be a packet; `refine`: closer again."""
    region = whole(frame.hw, looker.input_hw)
    return _closer(frame, looker, looker.look(frame, region), region, 2 if refine else 1)


def _closer(frame: Frame, looker: _Looker, look: _Look, region: Region, times: int = 1) -> _Look:
    """Look again, up to so many times, until the crop fits what might be a packet in it."""
    for _ in range(times):
        if not look.found(CANDIDATE):
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


def _alone(look: _Look) -> Count | None:
    return None if look.distribution is None else count_of(look.distribution)


def _pooled(look: _Look, frame: Frame, pool: CountPool) -> tuple[Count | None, State]:
    if look.distribution is None:
        return None, "locked"  # nothing is counted, so nothing has to settle
    pooled = pool.update(look.distribution, _time_s(frame))
    return count_of(pooled), "locked" if pool.locked else "settling"


class _Looker:
    """The engine with its input picture and a stop-watch."""

    def __init__(self, engine: Engine, deck: Deck | None) -> None:
        self._engine = engine
        self._deck = deck
        self._spec = engine.spec
        self.input_hw = engine.spec.input_hw
        self._input = np.empty((1, *self.input_hw, 3), np.uint8)
        self._canvas = Canvas()
        self.start()

    def start(self) -> None:
        """Begin a frame: no time spent yet on any stage."""
        self.stages_s = dict.fromkeys(("prepare", "engine", "decode", "track"), 0.0)
        self._since = perf_counter()

    def lap(self, stage: str) -> None:
        """What has passed since the last lap was spent on `stage`."""
        now = perf_counter()
        self.stages_s[stage] += now - self._since
        self._since = now

    def _seen(self, frame: Frame, region: Region) -> NDArray[np.uint8]:
        """The frame in BGR (H, W, 3), as far as the region reaches: elsewhere it is anything."""
        if isinstance(frame.pixels, np.ndarray):
            return frame.pixels
        self._canvas.show(frame.pixels, [region])
        return self._canvas.bgr

    def look(self, frame: Frame, region: Region) -> _Look:
        """One pass of the network over a region of the frame."""
        spec = self._spec
        prepare(self._seen(frame, region), region, spec.input_hw, self._input[0])
        self.lap("prepare")
        prediction = self._engine(self._input)
        self.lap("engine")
        peaks = decode(prediction.heatmaps[0], spec.sigma_px / spec.stride)
        xy = frame_from_input(input_from_cell(peaks.xy, spec.stride), region, spec.input_hw)
        xy[peaks.score < FAINT] = np.nan
        seen = peaks.score >= PEAK
        if prediction.visibility is not None:
            seen = prediction.visibility[0] >= VISIBLE
        packet = Packet(xy, peaks.score, seen & _inside(xy, frame.hw))
        peak = float(peaks.score[seen].mean()) if seen.any() else 0.0
        distribution, score = None, peak
        if prediction.count is not None:
            distribution = prediction.count[0].astype(np.float64)
            if self._deck is not None:
                distribution = _at_most(self._deck.cards, distribution)
            score = min(max(1.0 - float(distribution[0]), 0.0), 1.0)
        self.lap("decode")
        return _Look(packet, distribution, score, peak)


def _at_most(cards: int, distribution: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distribution (C+1,) over 0..C cards → the same with nothing above `cards`.

    Whether there is a packet at all is as likely as before. What lies above altogether becomes the
    highest count that is possible.
    """
    possible = distribution.copy()
    possible[cards + 1 :] = 0.0
    before, after = distribution[1:].sum(), possible[1:].sum()
    if after > 0:
        possible[1:] *= before / after
    else:
        possible[min(cards, len(possible) - 1)] = before
    return possible


def _inside(xy: NDArray[np.float64], frame_hw: tuple[int, int]) -> NDArray[np.bool_]:
    """Points (K, 2) → whether each lies on a pixel of the frame (K,); NaN does not."""
    size = np.array([frame_hw[1], frame_hw[0]])
    return np.asarray(((xy >= -0.5) & (xy <= size - 0.5)).all(axis=1))


def _time_s(frame: Frame) -> float:
    """Media time, or the clock where there is none."""
    return frame.captured_s if frame.pts_s is None else frame.pts_s
