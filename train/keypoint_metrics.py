"""Keypoints of any kind: what was found beside what is true → figures.

A point is only ever held against those of its own kind, and only where one was labelled or none
can be: of a picture that shows an instance whose keypoint nobody labelled, a point of that kind is
judged only if it is near another, as one in a crowd is. Intervals count the groups that pictures
come in (`train.doubt`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.doubt import Figure, of_mean, of_share
from train.labels import Floats, Labelled
from train.sizes import Size


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One picture: what is true of it, and the M instances, each of K points, that were found."""

    truth: Labelled  # N instances
    xy: Floats  # (M, K, 2) px of the picture, NaN = not found
    scores: Floats  # (M,) how sure each instance is
    faint: NDArray[np.bool_] | None = None  # (M, K) points that streaming would not show

    def __post_init__(self) -> None:
        if self.xy.ndim != 3 or self.xy.shape[1:] != self.truth.xy.shape[1:]:
            raise ValueError(f"found must be (M, {self.truth.xy.shape[1]}, 2), got {self.xy.shape}")
        if self.scores.shape != self.xy.shape[:1]:
            raise ValueError(f"{len(self.xy)} instances need scores, got {self.scores.shape}")

    @property
    def shown(self) -> Floats:
        """What was found without what is too faint to be shown, (M, K, 2)."""
        return self.xy if self.faint is None else np.where(self.faint[..., None], np.nan, self.xy)


def to_nearest(points: Floats, others: Floats) -> Floats:
    """Points (M, K, 2) and others (N, K, 2) → px from each to the nearest of its kind, (M, K).

    inf where there is none of its kind, NaN where the point itself is NaN.
    """
    apart = np.linalg.norm(points[:, None] - others[None], axis=3)
    nearest = np.where(np.isnan(apart), np.inf, apart).min(axis=1, initial=np.inf)
    return np.where(np.isnan(points).any(axis=2), np.nan, nearest)


def mean_distance(compared: Sequence[Compared]) -> Figure:
    """The mean over the points shown of the distance to the nearest true one, px.

    Those of pictures where no point of their kind was labelled have no distance: see `astray`.
    """
    each = [to_nearest(one.shown, one.truth.xy) for one in compared]
    return of_mean(*_listed(compared, [px[np.isfinite(px)] for px in each]))


def pck(compared: Sequence[Compared], part: float, size: Size) -> Figure:
    """The share of labelled points with a found one no further than `part` of the instance's size.

    Instances whose size cannot be told are left out.
    """
    hits = []
    for one in compared:
        px, within = to_nearest(one.truth.xy, one.xy), part * size(one.truth)[:, None]
        hits.append((px <= within)[~np.isnan(px) & ~np.isnan(within)])
    return of_share(*_listed(compared, hits))


def astray(compared: Sequence[Compared], part: float, size: Size) -> Figure:
    """The share of the points shown that are near no true one of their kind.

    Near is no further than `part` of the true one's instance's size. A point that is near none is
    not judged where it might be of an instance without that label, or without a size, or of a
    crowd.
    """
    misses = []
    for one in compared:
        within = part * size(one.truth)
        apart = np.linalg.norm(one.shown[:, None] - one.truth.xy[None], axis=3)  # (M, N, K)
        near = (apart <= within[None, :, None]).any(axis=1)
        told = ~(np.isnan(one.truth.xy).any(axis=2) | np.isnan(within)[:, None]).any(axis=0)
        judged = ~np.isnan(one.shown).any(axis=2) & (near | (told & ~_crowded(one)))
        misses.append(~near[judged])
    return of_share(*_listed(compared, misses))


def _crowded(one: Compared) -> NDArray[np.bool_]:
    """Whether each point shown (M, K) lies in a crowd's box."""
    corner, size = one.truth.crowds[:, :2] - 0.5, one.truth.crowds[:, 2:4]
    off = one.shown[:, :, None] - corner  # (M, K, crowds, 2)
    inside: NDArray[np.bool_] = np.all((off >= 0) & (off <= size), axis=3)
    return np.asarray(inside.any(axis=2))


def nme(compared: Sequence[Compared], size: Size) -> Figure:
    """The normalised mean error: an instance's points' mean error over its size, averaged.

    The error of a labelled point is its distance to the nearest found of its kind; inf if there is
    none, and so is then the figure. Instances without a label or without a size are left out.
    """
    each = []
    for one in compared:
        px, length = to_nearest(one.truth.xy, one.xy), size(one.truth)
        some = ~np.isnan(px).all(axis=1) & ~np.isnan(length)
        each.append(np.nanmean(px[some], axis=1) / length[some])
    return _mean(compared, each)


def oks(compared: Sequence[Compared], sigmas: Sequence[float]) -> Figure:
    """The object keypoint similarity of each labelled instance to what fits it best, averaged."""
    best = []
    for one in compared:
        similar = similarity(one.xy, one.truth, sigmas)
        labelled = (one.truth.flags > 0).any(axis=1)
        best.append(similar.max(axis=0, initial=0.0)[labelled])
    return _mean(compared, best)


def similarity(xy: Floats, truth: Labelled, sigmas: Sequence[float]) -> Floats:
    """Instances (M, K, 2) px and N true ones → their object keypoint similarities (M, N).

    The mean of exp(−d²/2s²k²) over the true one's labelled points, s² its area, k = 2σ
    (cocodataset.org/#keypoints-eval). A point not found adds 0; NaN where none is labelled.
    """
    if len(sigmas) != xy.shape[1]:
        raise ValueError(f"{xy.shape[1]} keypoints need as many sigmas, got {len(sigmas)}")
    square = np.square(xy[:, None] - truth.xy[None]).sum(axis=3)
    area = areas(truth)[:, None] + np.spacing(1)  # the reference's way round an area of 0
    alike = np.exp(-square / (2 * area * np.square(2 * np.asarray(sigmas))))
    labelled = truth.flags > 0
    total = np.where(labelled & ~np.isnan(alike), alike, 0.0).sum(axis=2)
    count = labelled.sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def areas(truth: Labelled) -> Floats:
    """The area of each instance (N,) px²; its box's where nobody measured its own.

    ValueError for an instance with neither.
    """
    found = np.where(np.isnan(truth.areas), truth.boxes[:, 2] * truth.boxes[:, 3], truth.areas)
    if np.isnan(found).any():
        raise ValueError(f"{truth.name}: an instance needs an area or a box for its OKS, got none")
    return found


def _mean(compared: Sequence[Compared], each: list[Floats]) -> Figure:
    """Values of each picture → their mean; an infinite one has no interval."""
    values, groups = _listed(compared, each)
    if np.isinf(values).any():
        return Figure(math.inf, math.nan, math.nan, len(values), len(set(groups)))
    return of_mean(values, groups)


def _listed(
    compared: Sequence[Compared], each: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], list[str]]:
    """Values of each picture → all in a row, and the group of each."""
    groups = [one.truth.group for one, values in zip(compared, each, strict=True) for _ in values]
    return np.concatenate([np.zeros(0, bool), *each]), groups
