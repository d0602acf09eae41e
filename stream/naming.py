"""Which corner is which, over a film: a packet keeps its names, and gets those most frames give it.

What a network sees of a packet in one frame may be right but for the names: it takes the long sides
for the short ones, or the back for the face. Frame by frame the same corners are known by where
they are; how they are called is put to the vote of the frames, each as sure as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engines.spec import ModelSpec
from stream.geometry import Points
from stream.packet import EXCHANGED, KEYPOINTS, QUARTER, TURN

Order = NDArray[np.intp]

GAP_S = 0.5
"""Unseen for longer, or time that runs backwards: what comes is another packet, named anew, and
shown as it is (`stream.steady`)."""

JUMP = 1.0
"""A packet that moves by so many radii from one frame to the next is another, as it is."""

MOST, FITS = 0.75, 0.35
"""Corners are the same ones if that share of them lies so near to where they were, apart from a
motion of all. In radii, the root mean square distance of the corners from their middle."""

ALIKE = 0.03
"""By so little, in radii, no other way of naming is nearer: back and face of a few cards."""

STRAY_S = 1.0
"""A corner found elsewhere, among others where they were, is believed within about this time."""

MEMORY_S = 3.0
"""So long a vote counts, fading."""

MAJORITY = 1.3
"""So many times the votes for the names that it has are needed for others."""


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """How a frame's keypoints continue those before: orders (K,) to index keypoints with."""

    order: Order  # of the frame's keypoints, so that each stays the one it was: the track
    names: Order  # of the track's, so that each stands where its name says
    agrees: bool  # whether the frame itself calls them so

    @property
    def final(self) -> Order:
        """Of the frame's keypoints, so that each stands where its name says."""
        return np.asarray(self.order[self.names])

    @property
    def track(self) -> Order:
        """Of keypoints that stand where their names say, so that each stays the one it was."""
        return np.argsort(self.names)


class Naming:
    """Keypoints frame by frame → the track that they make, and its names.

    `ways` are the orders in which the same keypoints may be called, the first as they are. Pairs of
    them, the first two, the next two and so on, are equally right: what the track began with stays.
    """

    def __init__(self, ways: Sequence[Sequence[int]]) -> None:
        self._ways = np.array([list(way) for way in ways])
        self._begin(np.empty((0, 2)), 0.0)

    def _begin(self, track: Points, time_s: float) -> None:
        """Know nothing but where the keypoints are."""
        self._track, self._time_s = track, time_s
        self._votes = np.zeros(len(self._ways))
        self._way = 0  # that the votes are for
        self._seen = 0  # that the last frame was called in

    def update(self, xy: Points, sure: float, time_s: float) -> Named:
        """Keypoints (K, 2) px, NaN = not found, and what their names are worth, from 0 on."""
        if not self._goes_on(xy, time_s):
            self._begin(xy, time_s)
        apart = _apart(xy[self._ways] - self._track)
        radius = _radius(self._track)
        if apart[self._seen] > apart.min() + ALIKE * radius:
            self._seen = int(np.argmin(apart))
        if apart[self._seen] <= FITS * radius:
            self._votes = self._votes * np.exp((self._time_s - time_s) / MEMORY_S)
            self._votes[self._seen] += sure
            self._follow(xy[self._ways[self._seen]], FITS * radius, time_s)
            self._elect()
        order, names = self._ways[self._seen], np.argsort(self._ways[self._way])
        return Named(order, names, self._seen // 2 == self._way // 2)

    def all_at_once(
        self, xy: Points, sure: Sequence[float], times_s: Sequence[float]
    ) -> list[Order]:
        """N frames (N, K, 2) → the order of each, by the names that its track has in the end."""
        named: list[Named] = []
        tracks: list[int] = []
        for at, how_sure, time_s in zip(xy, sure, times_s, strict=True):
            if not self._goes_on(at, time_s):
                tracks.append(len(named))
            named.append(self.update(at, how_sure, time_s))
        orders = []
        for start, stop in pairwise([*tracks, len(named)]):
            last = named[stop - 1].names
            orders += [one.order[last] for one in named[start:stop]]
        return orders

    def _goes_on(self, xy: Points, time_s: float) -> bool:
        """Whether it may be the same packet: seen of late, and not elsewhere by whatever names."""
        if len(self._track) == 0 or not 0 <= time_s - self._time_s <= GAP_S:
            return False
        moved = np.hypot(*_shared(xy[self._ways] - self._track)[:, 0].T)
        return not (moved > JUMP * _radius(self._track)).all()

    def _follow(self, found: Points, far_px: float, time_s: float) -> None:
        """The track goes where its corners are found; one that strays, only if it stays there."""
        was = self._track
        off = found - was
        motion = _shared(off[None])[0]
        strays = np.hypot(*(off - motion).T) > far_px  # those not found before or now do not
        share = 1 - np.exp((self._time_s - time_s) / STRAY_S)
        slowly = was + motion + share * (off - motion)
        known = np.where(strays[:, None], slowly, found)
        self._track = np.where(np.isnan(known), was + motion, known)
        self._time_s = time_s

    def _elect(self) -> None:
        pairs = np.add.reduceat(self._votes, np.arange(0, len(self._votes), 2))
        elected = int(np.argmax(pairs))
        if pairs[elected] > MAJORITY * pairs[self._way // 2]:
            self._way = 2 * elected + int(np.argmax(self._votes[2 * elected : 2 * elected + 2]))


def as_they_are(count: int) -> Named:
    """Of so many keypoints: of a picture alone, which continues nothing."""
    return Named(np.arange(count), np.arange(count), True)


def naming_of(spec: ModelSpec) -> Naming:
    """How a model's keypoints may be named: a packet's in eight ways, others in one."""
    if spec.keypoints != KEYPOINTS:
        return Naming([range(len(spec.keypoints))])
    as_it_is, exchanged = np.arange(len(KEYPOINTS)), np.array(EXCHANGED)
    ways = [way[side] for way in (as_it_is, np.array(QUARTER)) for side in (as_it_is, exchanged)]
    return Naming([order.tolist() for way in ways for order in (way, way[list(TURN)])])


def _radius(xy: Points) -> float:
    """Of the points found, (K, 2); 0 of none."""
    found = xy[~np.isnan(xy).any(axis=1)]
    return float(np.sqrt(found.var(axis=0).sum())) if len(found) else 0.0


def _shared(off: Points) -> Points:
    """How points moved (N, K, 2), NaN = not known → the median of each set (N, 1, 2)."""
    ordered = np.sort(off, axis=1)  # NaN come last
    known = np.isfinite(off[:, :, :1]).sum(axis=1, keepdims=True)
    middle = (known - 1) // 2, known // 2  # of none known, any: it is NaN
    both = [np.take_along_axis(ordered, np.repeat(at, 2, axis=2), axis=1) for at in middle]
    return np.asarray((both[0] + both[1]) / 2)


def _apart(off: Points) -> NDArray[np.float64]:
    """How points moved (N, K, 2) → how far most of each set did (N,), but for a motion of all.

    Infinitely, if none is known.
    """
    far = np.sort(np.hypot(*np.moveaxis(off - _shared(off), 2, 0)), axis=1)
    known = np.isfinite(far).sum(axis=1, keepdims=True)
    most = np.ceil(MOST * known).astype(int) - 1  # of none known, any: it is NaN
    out = np.take_along_axis(far, most, axis=1)[:, 0]
    return np.where(np.isnan(out), np.inf, out)
