"""Plain text, `x y` a line in px → any number of points of one kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from train import pictures
from train.label_files.described import Described
from train.label_files.pairs import Pair
from train.label_files.text import words_by_line
from train.label_files.wrong import LabelError, Skipping, at, check_inside, number
from train.labels import Keypoints, Labelled


def read(
    pairs: Sequence[Pair], described: Described, skipping: Skipping
) -> tuple[Keypoints, list[tuple[str, Labelled]]]:
    """Pairs → one keypoint, and pictures with as many instances of it as their file has lines.

    A picture without any has an empty file; without a file it is a LabelError.
    """
    keypoints = described.keypoints(1)
    found = []
    for pair in pairs:
        with skipping:
            found.append((pair.split, _labelled(pair, keypoints)))
    return keypoints, found


def _labelled(pair: Pair, keypoints: Keypoints) -> Labelled:
    with at(pair.label):
        hw = pictures.size_hw(pair.picture)
    if not pair.label.is_file():
        raise LabelError(pair.label, 1, f"there is no such file for {pair.name}; empty = no points")
    points = []
    for line, words in words_by_line(pair.label):
        with at(pair.label, line):
            if len(words) != 2:
                raise ValueError(f"got {len(words)} columns, wanted x y")
            xy = np.array([[number(word) for word in words]])
            check_inside(xy, hw, keypoints.names)
            points.append(xy)
    return Labelled.of(pair.name, pair.picture, np.array(points).reshape(-1, 1, 2))
