"""Faces: face_landmarks.csv beside its pictures → 68 points of a face, in iBUG's order.

A row is a picture's name and 68 times x, y in px. The points were fitted by a program, which
goes on beyond the picture where its edge cuts a face: such a point counts as not labelled.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import numpy as np

from train import pictures
from train.datasets import facial
from train.label_files.wrong import Skipping, at, check_inside, number
from train.labels import Dataset, Floats, Keypoints, Labelled, in_order

_PARTS = (
    *(("jaw", 17), ("right_eyebrow", 5), ("left_eyebrow", 5), ("nose_bridge", 4)),
    *(("nostril", 5), ("right_eye", 6), ("left_eye", 6), ("outer_lip", 12), ("inner_lip", 8)),
)
NAMES = tuple(f"{part}_{i}" for part, n in _PARTS for i in range(n))

_FLIP = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
)
_CLOSED = {"right_eye", "left_eye", "outer_lip", "inner_lip"}


def _edges() -> tuple[tuple[int, int], ...]:
    """Each part's points in a row; the eyes and lips are closed."""
    edges: list[tuple[int, int]] = []
    first = 0
    for part, n in _PARTS:
        edges += [(i, i + 1) for i in range(first, first + n - 1)]
        edges += [(first + n - 1, first)] if part in _CLOSED else []
        first += n
    return tuple(edges)


IBUG = Keypoints(NAMES, _edges(), _FLIP)

_KAGGLE = (
    *((42, 43, 44, 45, 46, 47), (36, 37, 38, 39, 40, 41), (42,), (45,), (39,), (36,)),
    *((22,), (26,), (21,), (17,), (30,), (54,), (48,), (51,), (57,)),
)
"""For each of `facial.NAMES` the points whose mean it is."""

REACH = 0.1
"""How far beyond its picture a fitted point may be, by the picture's longer side."""


def read(
    folder: Path, *, layout: Literal["ibug", "kaggle"] = "ibug", skip_bad: bool = False
) -> Dataset:
    """The folder → 80 % train, 20 % val, in the table's order.

    `layout` "kaggle" gives the 15 points of `facial`, an eye's centre as the mean of its outline.
    """
    path = folder / "face_landmarks.csv"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: name the folder that holds it and its pictures")
    if layout not in ("ibug", "kaggle"):
        raise ValueError(f"layout must be 'ibug' or 'kaggle', got {layout!r}")
    skipping, labelled = Skipping(skip_bad), []
    with path.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        next(rows, None)
        for row in rows:
            with skipping, at(path, rows.line_num):
                xy = _points(folder, row)
                xy = kaggle(xy) if layout == "kaggle" else xy
                labelled.append(Labelled.of(row[0], folder / row[0], xy[None]))
    keypoints = facial.KEYPOINTS if layout == "kaggle" else IBUG
    return Dataset(keypoints, in_order(labelled, 0.8, 0.2), skipping.lines)


def kaggle(xy: Floats) -> Floats:
    """68 iBUG points (68, 2) → the 15 of `facial` (15, 2); NaN where a point it takes is NaN."""
    return np.array([xy[list(points)].mean(axis=0) for points in _KAGGLE])


def _points(folder: Path, row: list[str]) -> Floats:
    if len(row) != 1 + 2 * len(NAMES):
        raise ValueError(f"wanted a name and {2 * len(NAMES)} numbers, got {len(row)} cells")
    xy = np.array([number(cell) for cell in row[1:]]).reshape(len(NAMES), 2)
    height, width = pictures.size_hw(folder / row[0])
    beyond = np.maximum(-0.5 - xy, xy - (width, height)).max(axis=1)
    near = (beyond > 0) & (beyond < REACH * max(height, width))
    xy[near] = np.nan
    check_inside(xy, (height, width), NAMES)
    return xy
