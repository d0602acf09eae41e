"""A packet's count does not change until it does: frames → what they say of it together.

Two facts make the filter. Frames of one packet err together, for they show the same bent cards in
the same light: many of them are little surer than a few. And that common error cancels between
frames, so a step of the estimates tells of cards put down or taken long before the count itself
could be read so well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import NDArray

Distribution = NDArray[np.float64]

COMMON = 0.95
"""Part of the variance of a frame's error that all frames of the packet share."""

WHIM_S = 0.12
"""For so long a frame's own error lasts: two frames closer than that are hardly two."""

MEMORY_S = 3.0
"""Time constant of what is remembered: a card or two may go without being noticed."""

UNLIKELY = 1e-6
"""No frame makes a count less likely than this: a mistaken one must not rule out the truth."""

WINDOW_S = 0.5
"""How far back the moment of a change is looked for, or MANY frames where they are so few."""

LASTING_S = 0.2
"""A change must have lasted so long, and MANY frames: some show a packet strangely …"""

MANY = 3

STEP_CARDS = 2.0
"""… be as large as this …"""

STEP_SIGMA = 4.5
"""… and so many times what the estimates' unrest explains."""

UNREST_CARDS, UNREST_WORTH = 1.5, 12.0
"""Standard deviation of a frame's own error before anything is known, and how many frames that
knowledge is worth."""

REFERENCE_S = 1.5
"""Time constant of the mean that a step is measured from: it may drift as the view changes."""

SETTLE_S = 0.5
"""How long the count must have been the same, and its mean stood still, before it is locked."""

STILL_CARDS = 1.0
"""How far the mean may have moved within SETTLE_S and yet stand still."""

BLINK_S = 0.2
"""A packet missed for no longer, in a frame blurred by motion say, is still the same packet."""


class ConstantCount:
    """Distributions frame by frame → the distribution of the count, which is constant for a while.

    A logarithmic opinion pool: n frames weigh as the n / (1 + (n − 1) · COMMON) that they would
    make if all else were independent. All is forgotten when the packet is lost, when time runs
    backwards and after a gap of MEMORY_S, or of MANY frames where they come more seldom; when the
    estimates take a step, all from before it.
    """

    def __init__(self) -> None:
        self._last_s = -inf
        self._since_s = 0.0  # from one frame to the next, of late
        self.began_s = inf  # when the first frame of this packet was seen; inf = none yet
        self._restart([])

    def update(self, distribution: NDArray[np.floating], time_s: float) -> Distribution:
        """Distribution (C+1,) over 0..C cards of a frame with a packet → the pooled one (C+1,).

        Index 0, no packet, does not count: it is 0 in the answer.
        """
        since_s = time_s - self._last_s
        if not 0 <= since_s <= max(MEMORY_S, MANY * self._since_s):
            self._restart([])
        self._since_s = since_s if since_s < inf else 0.0
        worth = _worth(since_s) if self._recent else 1.0
        given = _given_packet(distribution)
        self._take(_Seen(time_s, worth, given, _cards(given)))
        after = self._step()
        if after is not None:
            self._restart(after)
        self._last_s = time_s
        pooled = _pooled(self._logs)
        self._means.append((time_s, _cards(pooled)))
        while self._means[0][0] < time_s - SETTLE_S:
            self._means.popleft()
        return pooled

    @property
    def locked(self) -> bool:
        """Whether the count has lasted and its mean has stopped moving."""
        means = [mean for _, mean in self._means]
        old = bool(means) and self._last_s - self.began_s >= SETTLE_S
        return old and max(means) - min(means) <= STILL_CARDS

    def lost(self, time_s: float) -> None:
        """No packet in the frame at `time_s`; after BLINK_S of that the next one starts afresh."""
        if not 0 <= time_s - self._last_s <= BLINK_S:
            self._restart([])

    def _restart(self, frames: list[_Seen]) -> None:
        """Know nothing but these frames."""
        self._recent: deque[_Seen] = deque()  # within WINDOW_S, MANY at least
        self._means: deque[tuple[float, float]] = deque()  # (time, pooled mean) within SETTLE_S
        self._logs = _Fading(MEMORY_S)
        self._before = _Fading(REFERENCE_S)  # the mean of frames that were recent once
        self._unrest = _Fading(REFERENCE_S)  # how far they lay from it, squared
        for frame in frames:
            self._take(frame)

    def _take(self, frame: _Seen) -> None:
        if not self._recent:
            self.began_s = frame.time_s
        self._logs.add(_log_of(frame.given), frame.worth, frame.time_s)
        self._recent.append(frame)
        while len(self._recent) > MANY and self._recent[0].time_s < frame.time_s - WINDOW_S:
            old = self._recent.popleft()
            cards = np.array(old.cards)
            if self._before.weight:
                self._unrest.add((cards - self._before.mean) ** 2, old.worth, old.time_s)
            self._before.add(cards, old.worth, old.time_s)

    def _step(self) -> list[_Seen] | None:
        """The frames since the clearest step of late, if there was one."""
        frames = list(self._recent)
        cards = np.array([frame.cards for frame in frames])
        worth = np.array([frame.worth for frame in frames])
        lasted_s = frames[-1].time_s - np.array([frame.time_s for frame in frames])
        spread = UNREST_WORTH * UNREST_CARDS**2 + float(self._unrest.total)
        variance = spread / (UNREST_WORTH + self._unrest.weight)
        known = self._before.weight + np.cumsum(worth) - worth
        summed = float(self._before.total) + np.cumsum(worth * cards) - worth * cards
        told = 1 + worth.sum() - np.cumsum(worth)  # a step's first frame stands alone
        long = (known >= 1) & (lasted_s >= LASTING_S)
        clearest, after = STEP_SIGMA, None
        for i in np.flatnonzero(long[: len(frames) - MANY + 1]):
            was, now = summed[i] / known[i], float(np.median(cards[i:]))
            if abs(cards[i] - now) > abs(cards[i] - was):
                continue  # it began later, and has not lasted so long
            step = abs(now - was)
            sigmas = step / sqrt(variance * (1 / known[i] + 1 / told[i]))
            if step >= STEP_CARDS and sigmas > clearest:
                clearest, after = sigmas, frames[i:]
        return after


def stretches(
    distributions: Sequence[NDArray[np.floating] | None], times_s: Sequence[float]
) -> list[Stretch]:
    """A film, frame by frame (None without a packet) → its stretches of constant count, in order.

    Each is counted by all of its frames, also by those yet to come.
    """
    count, starts = ConstantCount(), [0]
    for i, distribution in enumerate(distributions):
        if distribution is None:
            count.lost(times_s[i])
            continue
        began_s = count.began_s
        count.update(distribution, times_s[i])
        if count.began_s != began_s:
            start = i
            while start - 1 > starts[-1] and count.began_s <= times_s[start - 1] <= times_s[start]:
                start -= 1
            starts.append(start)
    found = [_stretch(distributions, times_s, a, b) for a, b in pairwise([*starts, len(times_s)])]
    return [stretch for stretch in found if stretch is not None]


def _stretch(
    distributions: Sequence[NDArray[np.floating] | None],
    times_s: Sequence[float],
    start: int,
    stop: int,
) -> Stretch | None:
    """What the frames start … stop − 1 say together; None if none of them shows a packet."""
    logs, first_s, last_s = _Fading(inf), None, 0.0
    for distribution, time_s in zip(distributions[start:stop], times_s[start:stop], strict=True):
        if distribution is None:
            continue
        worth = 1.0 if first_s is None else _worth(time_s - last_s)
        logs.add(_log_of(_given_packet(distribution)), worth, time_s)
        first_s = time_s if first_s is None else first_s
        last_s = time_s
    if first_s is None:
        return None
    return Stretch(start, stop, _pooled(logs), settled=last_s - first_s >= SETTLE_S)


@dataclass(frozen=True, eq=False)
class Stretch:
    """Frames start … stop − 1 of a film, in which the count is constant."""

    start: int
    stop: int
    distribution: Distribution  # (C+1,), 0 for no packet
    settled: bool  # it lasts long enough for the count to be trusted


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one frame says."""

    time_s: float
    worth: float  # of how many frames that stand alone
    given: Distribution  # (C+1,) given a packet
    cards: float  # its mean


class _Fading:
    """A weighted sum of which the past fades."""

    def __init__(self, memory_s: float) -> None:
        self._memory_s = memory_s
        self._time_s = 0.0
        self.total = np.array(0.0)
        self.weight = 0.0

    def add(self, value: NDArray[np.float64], weight: float, time_s: float) -> None:
        """A value of some weight at a time no earlier than the last one's."""
        kept = exp((self._time_s - time_s) / self._memory_s) if self.weight else 0.0
        self.total = kept * self.total + weight * value
        self.weight = kept * self.weight + weight
        self._time_s = time_s

    @property
    def mean(self) -> NDArray[np.float64]:
        return self.total / self.weight


def _worth(since_s: float) -> float:
    """How much of a frame that stands alone one is, so long after the last."""
    return since_s / (since_s + WHIM_S)


def _log_of(given: Distribution) -> Distribution:
    return np.asarray(np.log(np.maximum(given, UNLIKELY)))


def _pooled(logs: _Fading) -> Distribution:
    """What so many frames say together: their geometric mean, to a power of little more than 1."""
    power = max(1.0, logs.weight / (1 + (logs.weight - 1) * COMMON))
    pooled = np.exp(power * (logs.mean - logs.mean.max()))
    pooled[0] = 0.0
    return np.asarray(pooled / pooled.sum())


def _given_packet(distribution: NDArray[np.floating]) -> Distribution:
    """P(n) → P(n | a packet), in a new array; all 0 if a packet is impossible."""
    given = np.array(distribution, np.float64)
    given[0] = 0.0
    total = given.sum()
    return given / total if total > 0 else np.zeros_like(given)


def _cards(distribution: Distribution) -> float:
    """The expectation, by which frames are compared."""
    return float(distribution @ np.arange(len(distribution)))
