"""What was found beside what is true → figures. NumPy only; every formula stands here once.

A corner that the truth shows and the model did not place is infinitely far off: it counts in the
median and in every share, and is told apart by no special number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from stream.frame import Count, Packet

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture: what is true of it, and what a model said of it."""

    name: str
    clip: str  # pictures that are of one scene, and so share their count
    cards: int  # 0 = no packet in the picture
    xy: Points  # (K, 2) frame px; NaN = hidden or not labelled
    visible: NDArray[np.bool_]  # (K,)
    packet: Packet | None
    count: Count | None


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of a set of pictures; NaN where the set has nothing to measure."""

    pictures: int  # with a packet
    found: float  # share of them in which a packet was found
    corner_px_median: float
    corner_px_p95: float
    pck5: float  # share of the corners within 5 px
    pck10: float
    spurious: float  # share of the corners called visible that lie > 10 px from any true one
    visibility: float  # share of the corners whose visibility is told rightly
    count_mae: float  # cards, a picture alone
    count_bias: float  # cards; > 0 = counts too many
    within_1: float
    within_2: float
    clip_median_error: float  # cards: |median of a clip − truth|, the median over the clips
    clip_mean_error: float  # the same, the mean over the clips
    interval_coverage: float  # share of the intervals that hold the truth
    empty_pictures: int  # without a packet
    false_alarms: float  # share of them in which a packet was found


def corner_errors(found: Points, truth: Points, turn: Sequence[int] | None = None) -> Points:
    """Found and true keypoints (K, 2) → distances of the N that the truth shows, (N,) px.

    inf = not found. With `turn` (`stream.packet.TURN`), the labelling of a packet turned by 180° is
    accepted too: the one with the smaller sum is measured.
    """
    return _errors(found[best_order(found, truth, turn)], truth)


def best_order(found: Points, truth: Points, turn: Sequence[int] | None) -> list[int]:
    """The order of the found keypoints (K, 2) that fits the truth best: as they are, or turned."""
    straight = list(range(len(truth)))
    if turn is None:
        return straight
    return min(straight, list(turn), key=lambda order: _cost(_errors(found[order], truth)))


def _errors(found: Points, truth: Points) -> Points:
    shown = np.isfinite(truth).all(axis=1)
    distances: Points = np.linalg.norm(found[shown] - truth[shown], axis=1)
    return np.where(np.isfinite(distances), distances, np.inf)


def _cost(errors: Points) -> tuple[int, float]:
    """Orders labellings: first the fewest missing, then the nearest."""
    near = np.isfinite(errors)
    return int((~near).sum()), float(errors[near].sum())


def share(hits: NDArray[np.bool_] | Sequence[bool]) -> float:
    """Truths (N,) → how many in one; NaN if there are none."""
    return float(np.mean(hits)) if len(hits) else float("nan")


def pck(errors: Points, within_px: float) -> float:
    """Distances (N,) px → the share below `within_px` (PCK: percentage of correct keypoints)."""
    return share(errors < within_px)


def quantile(errors: Points, q: float) -> float:
    """The least distance (N,) that the share q does not exceed. NaN of none; inf stays inf."""
    return float(np.quantile(errors, q, method="inverted_cdf")) if len(errors) else float("nan")


def spurious(judged: Judged, beyond_px: float = 10.0) -> list[bool]:
    """Each corner called visible → whether it lies over `beyond_px` from every true one."""
    truth = judged.xy[np.isfinite(judged.xy).all(axis=1)]
    if judged.packet is None or len(truth) == 0:
        return []
    called = judged.packet.xy[judged.packet.visible & np.isfinite(judged.packet.xy).all(axis=1)]
    nearest = np.linalg.norm(called[:, None] - truth[None], axis=2).min(axis=1)
    return [bool(px > beyond_px) for px in nearest]


def clip_medians(judged: Sequence[Judged]) -> dict[str, tuple[int, float]]:
    """Counted pictures → per clip its true count, and the median of the counts that were said.

    Raises ValueError for a clip that shows two counts.
    """
    means: defaultdict[str, list[float]] = defaultdict(list)
    truth: dict[str, int] = {}
    for one in judged:
        if one.count is not None and one.cards > 0:
            means[one.clip].append(one.count.mean)
            if truth.setdefault(one.clip, one.cards) != one.cards:
                raise ValueError(
                    f"clip {one.clip!r} shows {truth[one.clip]} and {one.cards} cards; a clip's "
                    "median needs one count, give its parts names of their own"
                )
    return {clip: (truth[clip], median(values)) for clip, values in means.items()}


def score(judged: Sequence[Judged], turn: Sequence[int] | None = None) -> Scores:
    """Judged pictures → their figures. `turn`: see `corner_errors`."""
    full = [one for one in judged if one.cards > 0]
    empty = [one for one in judged if one.cards == 0]
    placed = [(one, one.packet) for one in full if one.packet is not None]
    errors = np.concatenate([np.empty(0), *(corner_errors(p.xy, o.xy, turn) for o, p in placed)])
    seen = [p.visible[best_order(p.xy, o.xy, turn)] == o.visible for o, p in placed]
    off = np.array([o.count.mean - o.cards for o in full if o.count is not None])
    held = [o.count.low <= o.cards <= o.count.high for o in full if o.count is not None]
    clips = [abs(middle - cards) for cards, middle in clip_medians(full).values()]
    nan = float("nan")
    return Scores(
        pictures=len(full),
        found=share([one.packet is not None for one in full]),
        corner_px_median=quantile(errors, 0.5),
        corner_px_p95=quantile(errors, 0.95),
        pck5=pck(errors, 5),
        pck10=pck(errors, 10),
        spurious=share([hit for one in full for hit in spurious(one)]),
        visibility=share(np.concatenate([np.empty(0, bool), *seen])),
        count_mae=float(np.abs(off).mean()) if len(off) else nan,
        count_bias=float(off.mean()) if len(off) else nan,
        within_1=share(np.abs(off) <= 1),
        within_2=share(np.abs(off) <= 2),
        clip_median_error=median(clips) if clips else nan,
        clip_mean_error=sum(clips) / len(clips) if clips else nan,
        interval_coverage=share(held),
        empty_pictures=len(empty),
        false_alarms=share([one.packet is not None for one in empty]),
    )
