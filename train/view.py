"""Labelled pictures → views of them: what a network is shown, and the truth in its pixels.

The geometry is one affine map, ours, for torchvision's own transforms of keypoints follow two
rules: a flip takes integers for pixel centres, a resize for pixel edges.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from stream.geometry import around
from stream.track import MARGIN
from train import augment
from train.augment import Image, View
from train.datasets import cats
from train.example import Example
from train.labels import NOT_LABELLED, VISIBLE, Floats, Keypoints, Labelled

BOX_MARGIN = 1.25
"""Side of a crop in sides of a box that the dataset gives; one of the points is cropped as
streaming crops it."""

WHOLE = 0.25
"""Share of whole pictures among the mixed views: streaming first searches all of a frame."""


def extents(one: Labelled) -> Floats:
    """Boxes (N, 4) in px: the dataset's, and where it has none those round the points.

    NaN where all points are in one place: they say where an instance is, not how large.
    """
    boxes, round_points = one.boxes.copy(), places(one)
    unknown = np.isnan(boxes).any(axis=1)
    boxes[unknown] = round_points[unknown]
    boxes[unknown & (round_points[:, 2:] < 1 + 1e-6).all(axis=1)] = np.nan
    return boxes


def places(one: Labelled) -> Floats:
    """Boxes (N, 4) in px round the points, of 1 px where they are in one place; NaN without any."""
    boxes = np.full((len(one.xy), 4), np.nan)
    for n, xy in enumerate(one.xy):
        found = xy[np.isfinite(xy).all(axis=1)]
        if len(found):
            low, high = found.min(axis=0), found.max(axis=0) + 1  # the edges of their pixels
            boxes[n] = *low, *(high - low)
    return boxes


def sized(one: Labelled) -> Labelled:
    """The same picture, every instance with a label in a box: of 1 px if nothing says how large.

    For what needs an instance's place however small it is; errors are not measured in such boxes.
    """
    boxes = extents(one)
    return replace(one, boxes=np.where(np.isnan(boxes), places(one), boxes))


def largest_first(one: Labelled) -> Labelled:
    """The same picture with its instances in the order of their size."""
    boxes = sized(one).boxes
    order = np.argsort(-np.nan_to_num(boxes[:, 2] * boxes[:, 3]), kind="stable")
    return chosen(one, order)


def alone(one: Labelled) -> Labelled:
    """The same picture with its first instance, and nothing said of what else it shows."""
    return replace(chosen(one, [0]), crowds=np.zeros((0, 5)))


def chosen(one: Labelled, order: NDArray[np.intp] | list[int]) -> Labelled:
    """The same picture with some of its instances."""
    return replace(
        one,
        xy=one.xy[order],
        flags=one.flags[order],
        boxes=one.boxes[order],
        areas=one.areas[order],
    )


def whole_view(hw: tuple[int, int]) -> View:
    """All of a picture, with bars where it is no square."""
    return View(((hw[1] - 1) / 2, (hw[0] - 1) / 2), float(max(hw)))


def box_view(one: Labelled) -> View:
    """The first instance, which has a box or two points, and some of what is round it."""
    if np.isfinite(one.boxes[0]).all():
        x, y, width, height = one.boxes[0]
        side = BOX_MARGIN * max(width, height)
        return View((x + width / 2 - 0.5, y + height / 2 - 0.5), float(max(side, 1.0)))
    region = around(one.xy[0], (1, 1), MARGIN)
    centre = (region.x + (region.width - 1) / 2, region.y + (region.height - 1) / 2)
    return View(centre, float(region.width))


def shaken(rng: np.random.Generator, view: View, *, mirror: bool) -> View:
    """A view → one like it: scaled, moved, rolled, and mirrored if it may be."""
    side = view.side * math.exp(rng.uniform(-0.25, 0.25))
    x, y = np.array(view.centre) + rng.uniform(-0.08, 0.08, 2) * side
    mirrored = bool(mirror and rng.random() < 0.5)
    return View((float(x), float(y)), side, float(rng.normal(0.0, 0.2)), mirrored)


def seen(image: Image, one: Labelled, view: View, size: int, keypoints: Keypoints) -> Labelled:
    """Picture (H, W, 3) and its labels → the view of them, (size, size, 3) and px of it.

    A mirrored keypoint takes the name of its partner. A box becomes the upright one round it.
    """
    matrix = view.matrix(size)
    linear, move = matrix[:, :2], matrix[:, 2]
    xy, flags = one.xy @ linear.T + move, one.flags
    if view.mirror:
        assert keypoints.flip is not None  # noqa: S101 - whoever asks for a mirror knows it
        xy, flags = xy[:, list(keypoints.flip)], flags[:, list(keypoints.flip)]
    boxes = extents(one)
    scale = abs(float(np.linalg.det(linear)))
    return replace(
        one,
        picture=augment.warp(image, view, size),
        xy=xy,
        flags=flags,
        boxes=_upright(boxes, matrix),
        areas=np.where(np.isnan(one.areas), boxes[:, 2] * boxes[:, 3], one.areas) * scale,
        crowds=np.column_stack([_upright(one.crowds[:, :4], matrix), one.crowds[:, 4] * scale]),
    )


def _upright(boxes: Floats, matrix: Floats) -> Floats:
    """Boxes (N, 4) of a picture and its map (2, 3) → the upright ones round them, (N, 4)."""
    corners = boxes[:, None, :2] - 0.5 + boxes[:, None, 2:] * [[0, 0], [1, 0], [0, 1], [1, 1]]
    corners = corners @ matrix[:, :2].T + matrix[:, 2]
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low + 0.5, high - low], axis=1)


def cat_crop(one: Labelled) -> Labelled:
    """A picture → the CAT preset's crop of its first instance, labels carried along."""
    image, xy = cats.crop(one.read(), one.xy[0])
    return replace(
        alone(one),
        picture=image,
        xy=xy[None],
        boxes=np.full((1, 4), np.nan),
        areas=np.full(1, np.nan),
    )


def example(one: Labelled, size: int, slots: int) -> Example:
    """A view with a picture (size, size, 3) → an example with room for so many instances."""
    one = sized(one)
    n, k = one.flags.shape
    inside = np.asarray(((one.xy >= -0.5) & (one.xy <= size - 0.5)).all(axis=2))
    xy = np.full((slots, k, 2), np.nan)
    boxes, areas = np.full((slots, 4), np.nan), np.full(slots, np.nan)
    here = inside.any(axis=1)
    count = min(int(here.sum()), slots)
    xy[:count] = np.where(inside[..., None], one.xy, np.nan)[here][:count]
    boxes[:count] = one.boxes[here][:count]
    sides = boxes[:count, 2] * boxes[:count, 3]
    areas[:count] = np.where(np.isnan(one.areas[here][:count]), sides, one.areas[here][:count])
    labelled = one.flags != NOT_LABELLED
    known = labelled.any(axis=0) if n else np.ones(k, np.bool_)
    visible = np.full(k, np.nan)
    if n:
        first = int(here.argmax())  # the first of those that are in the view, else of all
        seen = inside[first] & (one.flags[first] == VISIBLE)
        visible[labelled[first]] = seen[labelled[first]]
    return Example(
        torch.from_numpy(np.ascontiguousarray(one.read().transpose(2, 0, 1))),
        torch.from_numpy(xy.astype(np.float32)),
        torch.from_numpy(known.astype(np.float32)),
        torch.from_numpy(visible.astype(np.float32)),
        torch.from_numpy(boxes.astype(np.float32)),
        torch.from_numpy(areas.astype(np.float32)),
        torch.tensor(0),
        torch.tensor(0.0),
    )
