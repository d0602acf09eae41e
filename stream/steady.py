"""Corners frame by frame → corners that stand still when the packet does.

What changes from one frame to the next is taken apart: the motion that all corners share, the
affine map that fits them best, and what is left of each. Eight corners say the former well, so it
is followed fast; the rest, mostly the network's noise, is followed slowly. Both by the rule of the
One-Euro filter (Casiez, Roussel and Vogel 2012): the faster it goes, the less it is smoothed.

Lengths are in radii, the root mean square distance of the corners from their middle, so that a
packet far away is treated like one near by. Times are seconds, as in `stream.track`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from stream.geometry import Points
from stream.naming import GAP_S, JUMP

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

UNKNOWN = complex(np.nan, np.nan)

BEND = 0.5
"""One that grows, turns or is skewed by so much is mistaken, names and all …"""

STRAY = 0.25
"""… as is a corner that so many radii part from where the others say it is …"""

STRAY_S = 0.12
"""… unless it stays there for longer. Meanwhile it is where it was, moved with the others."""

HELD_S = 0.16
"""A corner that is not found is carried with the others for so long."""

SEEN_HZ = 2.0
"""Cut-off of a corner's visibility."""

SEEN_MARGIN = 0.1
"""How far beyond one half it has to go to change what is said."""


@dataclass(frozen=True)
class _Pace:
    """How fast one part of the motion is followed."""

    rest_hz: float  # cut-off at rest
    quiet: float  # speed, radii a second, up to which it is taken for noise
    gain: float  # what each radius a second beyond adds to the cut-off
    speed_hz: float  # cut-off of the speed itself

    def share(self, speed: Complex, elapsed_s: float) -> Floats:
        """How far to go towards what was found, at that speed."""
        fast = np.maximum(0, np.abs(speed) - self.quiet)
        return _share(self.rest_hz + self.gain * fast, elapsed_s)

    def smoothed(self, was: Complex, now: Complex, elapsed_s: float) -> Complex:
        """The speed, of what it was and what it seems to be now."""
        return was + _share(np.array(self.speed_hz), elapsed_s) * (now - was)


# Chosen on rendered clips whose truth is known (docs/edge.md): corners that are found to a few
# tenths of a pixel lose more by lagging behind than by their noise.
SHARED = _Pace(rest_hz=0.4, quiet=0.03, gain=200.0, speed_hz=2.0)
OWN = _Pace(rest_hz=0.4, quiet=0.05, gain=60.0, speed_hz=1.0)


class Steady:
    """Keypoints of one packet, frame by frame → the same, steady."""

    def __init__(self) -> None:
        self._time_s = 0.0
        self._restart(np.zeros(0, complex), np.zeros(0), 0.0)

    def update(
        self, xy: Points, score: Floats, seen: Floats, time_s: float
    ) -> tuple[Points, Flags]:
        """Keypoints of a frame → where they are (K, 2) px, and which are visible (K,).

        `xy` (K, 2) px, NaN = not found; `score` and `seen` (K,) in 0..1: how sure each place is,
        and how visible. A corner that is not found is carried along for HELD_S, then NaN.
        """
        found: Complex = xy[:, 0] + 1j * xy[:, 1]
        elapsed_s = time_s - self._time_s
        motion = None
        if len(self._at) == len(found) and 0 <= elapsed_s <= GAP_S:
            motion = _shared_motion(self._at, found, score)
        if motion is None:
            self._restart(found, seen, time_s)
        else:
            # two pictures of one moment are a millisecond apart, or their speed would be infinite
            self._follow(found, score, motion, time_s, max(elapsed_s, 1e-3))
            self._look(seen, elapsed_s)
        self._time_s = time_s
        at = np.stack([self._at.real, self._at.imag], axis=1)
        return at, self._visible & ~np.isnan(self._at)

    def _restart(self, found: Complex, seen: Floats, time_s: float) -> None:
        self._at = found  # (K,) px, x + iy; NaN = unknown
        self._shared_speed = np.zeros(3, complex)  # radii a second
        self._own_speed = np.zeros(len(found), complex)
        self._found_s = np.full(len(found), time_s)  # when each was last found near its place
        self._seen = seen.copy()  # smoothed
        self._visible: Flags = seen >= 0.5

    def _follow(
        self, found: Complex, score: Floats, motion: _Motion, time_s: float, elapsed_s: float
    ) -> None:
        pace = 1 / (motion.radius * elapsed_s)
        speed = motion.modes * np.array([1, motion.radius, motion.radius]) * pace
        self._shared_speed = SHARED.smoothed(self._shared_speed, speed, elapsed_s)
        shares = SHARED.share(self._shared_speed, elapsed_s)
        columns = _columns(self._at - motion.middle)
        left = found - self._at - columns @ motion.modes
        stray = (np.abs(left) > STRAY * motion.radius) | motion.mistaken
        left = np.where(np.isnan(left) | stray, 0, left)
        self._own_speed = OWN.smoothed(self._own_speed, left * pace, elapsed_s)
        own_share = OWN.share(self._own_speed, elapsed_s)
        absent = np.isnan(found)
        unknown = np.isnan(self._at)
        self._at = self._at + columns @ (shares * motion.modes) + own_share * score * left
        self._found_s[~stray & ~absent] = time_s
        missed_s = time_s - self._found_s
        self._at[absent & (missed_s > HELD_S)] = UNKNOWN
        anew = ~absent & (unknown | (stray & (missed_s > STRAY_S)))
        self._at[anew], self._own_speed[anew], self._found_s[anew] = found[anew], 0, time_s

    def _look(self, seen: Floats, elapsed_s: float) -> None:
        self._seen = self._seen + _share(np.array(SEEN_HZ), elapsed_s) * (seen - self._seen)
        self._visible = self._seen >= np.where(self._visible, 0.5 - SEEN_MARGIN, 0.5 + SEEN_MARGIN)


def steady_both_ways(
    xy: Points, score: Floats, seen: Floats, times_s: Floats
) -> tuple[Points, Flags]:
    """A film of a packet, (N, K, 2), (N, K), (N, K) and ascending (N,) → the same, without lag.

    Corners and which are visible, as of `Steady`: smoothed forwards and backwards, and the two in
    the mean. Where they part widely, a jump lies between, and what was found decides.
    """
    frames = range(len(times_s))
    ahead, back = Steady(), Steady()
    forth = [ahead.update(xy[i], score[i], seen[i], float(times_s[i])) for i in frames]
    fro = [back.update(xy[i], score[i], seen[i], -float(times_s[i])) for i in reversed(frames)]
    fro.reverse()
    a, b = (np.array([at for at, _ in way], float).reshape(xy.shape) for way in (forth, fro))
    mean = np.where(np.isnan(a), b, np.where(np.isnan(b), a, (a + b) / 2))
    known = np.maximum((~np.isnan(mean)).sum(axis=1, keepdims=True), 1)
    arms = mean - np.nansum(mean, axis=1, keepdims=True) / known
    size = np.sqrt((np.nansum(arms**2, axis=1, keepdims=True) / known).sum(axis=2, keepdims=True))
    nearer = np.where(_far(a, xy) < _far(b, xy), a, b)
    at = np.where(_far(a, b) > STRAY * size, nearer, mean)
    visible, same = (
        np.array([flags for _, flags in way], bool).reshape(seen.shape) for way in (forth, fro)
    )
    return at, np.where(visible == same, visible, seen >= 0.5) & ~np.isnan(at).any(axis=2)


@dataclass(frozen=True, eq=False)
class _Motion:
    """The affine map that most points follow from one frame to the next.

    What it adds to a point p is m₀ + m₁·a + m₂·conj(a), a = p − middle, of complex numbers: any
    affine map of the plane is of that form. m₁ grows and turns, m₂ skews.
    """

    middle: complex
    modes: Complex  # (3,)
    radius: float  # px
    mistaken: bool  # no packet moves like that: the corners have been mixed up


def _shared_motion(was: Complex, now: Complex, score: Floats) -> _Motion | None:
    """Weighted by score, and little by what does not fit; None if it is a jump or nothing is known.

    Reweighted least squares with Cauchy's weights; fewer than five points are too few for a skew,
    fewer than three for a turn.
    """
    both = ~np.isnan(was) & ~np.isnan(now) & (score > 0)
    if not both.any():
        return None
    known_at = was[~np.isnan(was)]
    radius = max(float(np.std(known_at)), 1.0)
    start, moved, trust = was[both], (now - was)[both], score[both] ** 2
    known = 3 if len(start) > 4 else 2 if len(start) > 2 else 1
    weight, modes = trust, np.zeros(3, complex)
    for _ in range(4):
        weight = weight / weight.sum()
        middle = complex(weight @ start)
        arms = start - middle
        columns = _columns(arms)[:, :known]
        root = np.sqrt(weight)
        modes[:known] = np.linalg.lstsq(columns * root[:, None], moved * root, rcond=1e-3)[0]
        off = np.abs(moved - columns @ modes[:known])
        scale = max(2 * float(np.median(off)), 1e-3 * radius)
        weight = trust / (1 + (off / scale) ** 2)
    if abs(modes[0]) > JUMP * radius:
        return None
    mistaken = max(np.abs(modes[1:])) > BEND or float(np.median(off)) > STRAY * radius
    return _Motion(middle, np.zeros(3, complex) if mistaken else modes, radius, mistaken)


def _columns(arms: Complex) -> Complex:
    """What each of an affine map's three numbers moves at (N,) → (N, 3)."""
    return np.stack([np.ones_like(arms), arms, np.conj(arms)], axis=1)


def _far(a: Points, b: Points) -> Floats:
    """Distances (N, K, 1) of points (N, K, 2); NaN where one is unknown."""
    return np.asarray(np.linalg.norm(a - b, axis=2, keepdims=True))


def _share(cutoff_hz: Floats, elapsed_s: float) -> Floats:
    """How far a low-pass filter of that cut-off goes towards a new value within the time."""
    turns = 2 * pi * elapsed_s * cutoff_hz
    return turns / (1 + turns)
