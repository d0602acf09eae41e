"""Facial keypoints: Kaggle's training.csv → 15 points of a grey face of 96×96 px.

The table has a column for each x and y, and `Image`, 9,216 grey values with spaces between. An
empty cell is a point that nobody labelled. Left is the person's left, the picture's right.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from train.label_files.names import mirrored
from train.label_files.wrong import Skipping, at, check_inside, number
from train.labels import Dataset, Keypoints, Labelled, in_order

NAMES = (
    *("left_eye_center", "right_eye_center"),
    *("left_eye_inner_corner", "left_eye_outer_corner"),
    *("right_eye_inner_corner", "right_eye_outer_corner"),
    *("left_eyebrow_inner_end", "left_eyebrow_outer_end"),
    *("right_eyebrow_inner_end", "right_eyebrow_outer_end", "nose_tip"),
    *("mouth_left_corner", "mouth_right_corner"),
    *("mouth_center_top_lip", "mouth_center_bottom_lip"),
)
_EDGES = ((2, 3), (4, 5), (6, 7), (8, 9), (11, 13), (13, 12), (12, 14), (14, 11))
KEYPOINTS = Keypoints(NAMES, _EDGES, mirrored(NAMES))

SIDE_PX = 96
_COLUMNS = [f"{name}_{axis}" for name in NAMES for axis in "xy"]


def read(folder: Path, *, incomplete: bool = False, skip_bad: bool = False) -> Dataset:
    """The folder of training.csv → 90 % train, 10 % val, in the table's order.

    Only rows with all 15 points are taken, unless `incomplete`: then a missing one is NaN.
    """
    path = folder / "training.csv"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: name the folder that holds training.csv")
    skipping, labelled = Skipping(skip_bad), []
    with path.open(newline="", encoding="utf-8") as lines:
        table = csv.DictReader(lines)
        with at(path):
            if lacking := [c for c in [*_COLUMNS, "Image"] if c not in (table.fieldnames or ())]:
                raise ValueError(f"there is no column {lacking[0]}")
        for row in table:
            with skipping, at(path, table.line_num):
                one = _labelled(row, f"line {table.line_num}")
                if incomplete or one.flags.all():
                    labelled.append(one)
    return Dataset(KEYPOINTS, in_order(labelled, 0.9, 0.1), skipping.lines)


def _labelled(row: dict[str, str], name: str) -> Labelled:
    if None in row or None in row.values():
        raise ValueError("wanted as many cells as the first line has")
    cells = [row[column].strip() for column in _COLUMNS]
    xy = np.array([number(c) if c else np.nan for c in cells]).reshape(len(NAMES), 2)
    if (np.isnan(xy[:, 0]) != np.isnan(xy[:, 1])).any():
        raise ValueError("a point has one coordinate and not the other")
    check_inside(xy, (SIDE_PX, SIDE_PX), NAMES)
    return Labelled.of(name, _grey(row["Image"]), xy[None])


def _grey(text: str) -> NDArray[np.uint8]:
    """Words of grey values → (96, 96)."""
    words = text.split()
    if len(words) != SIDE_PX**2:
        raise ValueError(f"wanted {SIDE_PX**2} grey values, got {len(words)}")
    values = np.array([int(word) for word in words])
    if values.min() < 0 or values.max() > 255:
        raise ValueError(f"grey goes from 0 to 255, got {values.min()} to {values.max()}")
    return values.astype(np.uint8).reshape(SIDE_PX, SIDE_PX)
