"""People: lspet500.json and images/ → 14 joints of one athlete a picture.

Leeds Sports Pose, extended (Johnson & Everingham 2011). A joint whose flag is 0 was not labelled,
and its numbers mean nothing. The first 400 of 500 pictures train, the others validate.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np

from train import pictures
from train.label_files.names import mirrored
from train.label_files.placed_json import JsonFile
from train.label_files.wrong import Skipping, at, check_inside, check_size, number
from train.labels import Dataset, Keypoints, Labelled, in_order

NAMES = (
    *("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle"),
    *("right_wrist", "right_elbow", "right_shoulder"),
    *("left_shoulder", "left_elbow", "left_wrist", "neck", "head_top"),
)
_LIMBS = ((0, 1, 2, 3, 4, 5), (6, 7, 8, 12, 9, 10, 11), (12, 13), (8, 2), (9, 3))
_EDGES = tuple(pair for limb in _LIMBS for pair in pairwise(limb))

KEYPOINTS = Keypoints(NAMES, _EDGES, mirrored(NAMES))


def read(folder: Path, *, skip_bad: bool = False) -> Dataset:
    """The folder → 80 % train, 20 % val, in the file's order."""
    path = folder / "lspet500.json"
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: name the folder that holds lspet500.json and images/")
    file = JsonFile(path)
    with at(path):
        images = file.list_of("images")
        if file.list_of("names") != list(NAMES):
            raise ValueError(f"names must be {', '.join(NAMES)}")
    skipping, labelled = Skipping(skip_bad), []
    for index, entry in enumerate(images):
        with skipping, file.at("images", index):
            labelled.append(_labelled(folder, entry))
    return Dataset(KEYPOINTS, in_order(labelled, 0.8, 0.2), skipping.lines)


def _labelled(folder: Path, entry: dict[str, object]) -> Labelled:
    rows = entry["keypoints"]
    if not isinstance(rows, list) or [len(row) for row in rows] != [3] * len(NAMES):
        raise ValueError(f"wanted {len(NAMES)} joints of x, y, flag")
    table = np.array([[number(value) for value in row] for row in rows])
    xy = np.where(table[:, 2:] > 0, table[:, :2], np.nan)
    name = str(entry["file"])
    hw = pictures.size_hw(folder / name)
    check_size((entry["height"], entry["width"]), hw)
    check_inside(xy, hw, NAMES)
    return Labelled.of(name, folder / name, xy[None])
