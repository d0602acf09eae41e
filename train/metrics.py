"""What was found beside what is true → figures. Every formula stands here once.

Nothing is left out that would flatter: of a packet that was missed every corner is infinitely far
off and wrong in its visibility, and its count was said to be 0.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from stream.frame import Count, Packet
from stream.packet import TURN
from train.doubt import Figure, of_mean, of_quantile, of_share
from train.truth import Points, Truth


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture: what is true of it, and what was said of it."""

    truth: Truth
    packet: Packet | None
    count: Count | None
    score: float  # how sure it was said to be that a packet is there

    @property
    def said(self) -> float:
        """The count that a user would take from it, in cards; NaN = found and not counted."""
        if self.packet is None:
            return 0.0
        return self.count.median if self.count is not None else math.nan


def corner_errors(found: Points, truth: Points) -> Points:
    """Found and true corners (8, 2) → distances of the N that the truth shows, (N,) px.

    inf = not found. The labelling of a packet turned by 180° is accepted too: the one with the
    fewer missing, then with the smaller sum, is measured.
    """
    return _errors(found[best_order(found, truth)], truth)


def best_order(found: Points, truth: Points) -> list[int]:
    """The order of the found corners (8, 2) that fits the truth best: as they are, or turned."""
    orders = (list(range(len(TURN))), list(TURN))
    return min(orders, key=lambda order: _cost(_errors(found[order], truth)))


def _errors(found: Points, truth: Points) -> Points:
    shown = np.isfinite(truth).all(axis=1)
    distances: Points = np.linalg.norm(found[shown] - truth[shown], axis=1)
    return np.where(np.isfinite(distances), distances, np.inf)


def _cost(errors: Points) -> tuple[int, float]:
    """Orders labellings: first the fewest missing, then the nearest."""
    near = np.isfinite(errors)
    return int((~near).sum()), float(errors[near].sum())


def errors_of(judged: Judged) -> Points:
    """Distances of the N corners that the truth shows, (N,) px; inf = not found."""
    if judged.packet is None:
        return np.full(int(np.isfinite(judged.truth.xy).all(axis=1).sum()), np.inf)
    return corner_errors(judged.packet.xy, judged.truth.xy)


def visibility_of(judged: Judged) -> NDArray[np.bool_]:
    """Whether the visibility of each corner was told rightly (8,)."""
    if judged.packet is None:
        return np.zeros(len(judged.truth.visible), np.bool_)
    order = best_order(judged.packet.xy, judged.truth.xy)
    return np.asarray(judged.packet.visible[order] == judged.truth.visible)


def spurious(judged: Judged) -> list[bool]:
    """Each corner called visible → whether it lies more than 10 px from every true one."""
    truth = judged.truth.xy[np.isfinite(judged.truth.xy).all(axis=1)]
    if judged.packet is None or len(truth) == 0:
        return []
    called = judged.packet.xy[judged.packet.visible & np.isfinite(judged.packet.xy).all(axis=1)]
    nearest = np.linalg.norm(called[:, None] - truth[None], axis=2).min(axis=1)
    return [bool(px > 10) for px in nearest]


def by_clip(judged: Iterable[Judged]) -> dict[str, list[Judged]]:
    """Pictures with a packet that were counted or missed → those of each clip, in order.

    Raises ValueError for a clip that shows two counts. If nothing that was found was counted, the
    model counts nothing, and no clip is named.
    """
    full = [one for one in judged if one.truth.cards > 0]
    clips: defaultdict[str, list[Judged]] = defaultdict(list)
    found = [one for one in full if one.packet is not None]
    if found and all(one.count is None for one in found):
        return {}
    for one in full:
        if not math.isnan(one.said):
            clips[one.truth.clip].append(one)
    for clip, pictures in clips.items():
        if len(counts := {one.truth.cards for one in pictures}) > 1:
            shown = " and ".join(map(str, sorted(counts)))
            raise ValueError(f"clip {clip!r} shows {shown} cards; a clip has one count")
    return dict(clips)


def figures(judged: Sequence[Judged], *, stream: bool) -> dict[str, Figure]:
    """Judged pictures → their figures by name; `stream`: in order, as a stream was said to be.

    What the set has nothing of is not in it.
    """
    full = [one for one in judged if one.truth.cards > 0]
    empty = [one for one in judged if one.truth.cards == 0]
    made = _called(empty)
    if full:
        made |= {"found": _share(full, lambda one: [one.packet is not None])} | _corners(full)
    if clips := by_clip(full):
        counted = [one for pictures in clips.values() for one in pictures]
        made |= _counts(counted) | _of_clips(clips, stream=stream)
    return made


def _called(empty: list[Judged]) -> dict[str, Figure]:
    """Pictures without a packet → the share called one, of all and of each kind."""
    kinds = sorted({one.truth.kind for one in empty})
    made = {"called a packet": _share(empty, lambda one: [one.packet is not None])} if kinds else {}
    for kind in kinds if len(kinds) > 1 else ():
        of_kind = [one for one in empty if one.truth.kind == kind]
        made[f"{kind} called a packet"] = _share(of_kind, lambda one: [one.packet is not None])
    return made


def _corners(full: list[Judged]) -> dict[str, Figure]:
    errors = [errors_of(one) for one in full]
    each = [one.truth.clip for one, px in zip(full, errors, strict=True) for _ in px]
    every = np.concatenate(errors)
    sizes = [np.full(len(px), o.truth.diagonal_px) for o, px in zip(full, errors, strict=True)]
    return {
        "corners within 10 px": of_share(every < 10, each),
        "corners within 5 px": of_share(every < 5, each),
        "corners within 1 %": of_share(every < 0.01 * np.concatenate(sizes), each),
        "corner error, median px": of_quantile(every, each, 0.5),
        "corner error, 95th percentile px": of_quantile(every, each, 0.95),
        "corners astray": _share(full, spurious),
        "visibility right": _share(full, lambda one: visibility_of(one).tolist()),
    }


def _counts(counted: list[Judged]) -> dict[str, Figure]:
    off = np.array([one.said - one.truth.cards for one in counted])
    clips = [one.truth.clip for one in counted]
    doubts = [(one.truth, one.count) for one in counted if one.count is not None]
    held = [count.low <= truth.cards <= count.high for truth, count in doubts]
    widths = [count.high - count.low for _, count in doubts]
    doubted = [truth.clip for truth, _ in doubts]
    return {
        "count MAE": of_mean(np.abs(off), clips),
        "count bias": of_mean(off, clips),
        "count within 1": of_share(np.abs(off) <= 1, clips),
        "count within 2": of_share(np.abs(off) <= 2, clips),
        "interval holds": of_share(held, doubted),
        "interval width": of_mean(widths, doubted),
    }


def _of_clips(clips: dict[str, list[Judged]], *, stream: bool) -> dict[str, Figure]:
    """Clips of several pictures → the error of a clip's median, and of what a stream says last."""
    if all(len(pictures) == 1 for pictures in clips.values()):
        return {}
    middle = [abs(median(o.said for o in p) - p[0].truth.cards) for p in clips.values()]
    made = {"clip median MAE": of_mean(middle, list(clips))}
    if stream:
        last = [abs(pictures[-1].said - pictures[-1].truth.cards) for pictures in clips.values()]
        made["clip end MAE"] = of_mean(last, list(clips))
    return made


def _share(judged: list[Judged], hits: Callable[[Judged], list[bool]]) -> Figure:
    """Pictures, and what of each is a hit or none → the share of hits."""
    pairs = [(hit, one.truth.clip) for one in judged for hit in hits(one)]
    return of_share([hit for hit, _ in pairs], [clip for _, clip in pairs])
