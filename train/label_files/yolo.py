"""YOLO-pose text → instances with a box and K keypoints.

A line is `class cx cy w h`, then K times `x y` or `x y visibility`, lengths as fractions of the
picture. A fraction of 0 is the picture's edge, half a pixel before the first pixel's centre. A
keypoint at 0 0 is not labelled; nor is one with visibility 0. All classes are taken as one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from train import pictures
from train.label_files.described import Described
from train.label_files.pairs import Pair
from train.label_files.text import first_lines, words_by_line
from train.label_files.wrong import LabelError, Skipping, at, check_inside, number
from train.labels import NOT_LABELLED, VISIBLE, Floats, Keypoints, Labelled

_BOX = 5  # columns before the keypoints
_FLAG = re.compile(r"[012](?:\.0*)?")


def read(
    pairs: Sequence[Pair], described: Described, skipping: Skipping
) -> tuple[Keypoints, list[tuple[str, Labelled]]]:
    """Pairs → keypoints as described, and pictures; one with no label file, or no line, is empty.

    Without kpt_shape the columns say what they are: see `columns`.
    """
    count, each = described.count, described.columns
    if count is None or each is None:
        count, each = columns(pairs)
    keypoints = described.keypoints(count)
    found = []
    for pair in pairs:
        with skipping:
            found.append((pair.split, _labelled(pair, keypoints, each)))
    return keypoints, found


def columns(pairs: Sequence[Pair]) -> tuple[int, int]:
    """K, and how many columns a keypoint has, of files that no kpt_shape describes.

    Of the commonest number of columns: 3 if every third is 0, 1 or 2, else 2. Raises LabelError if
    neither can be.
    """
    firsts = first_lines([pair.label for pair in pairs])
    sizes = Counter(len(words) - _BOX for _, words in firsts)
    size = sizes.most_common(1)[0][0]
    path, _ = next(first for first in firsts if len(first[1]) == size + _BOX)
    flags = {word for _, words in firsts if len(words) == size + _BOX for word in words[7::3]}
    if size > 0 and size % 3 == 0 and all(map(_FLAG.fullmatch, flags)):
        return size // 3, 3
    if size > 0 and size % 2 == 0:
        return size // 2, 2
    raise LabelError(
        path, 1, f"got {size + _BOX} columns, wanted x y, or class, box and 2 K or 3 K more"
    )


def _labelled(pair: Pair, keypoints: Keypoints, each: int) -> Labelled:
    with at(pair.label):
        hw = pictures.size_hw(pair.picture)
    lines = words_by_line(pair.label) if pair.label.is_file() else []
    k = len(keypoints.names)
    xy, boxes = np.empty((len(lines), k, 2)), np.empty((len(lines), 4))
    flags = np.empty((len(lines), k), np.uint8)
    for i, (line, words) in enumerate(lines):
        with at(pair.label, line):
            if len(words) != _BOX + k * each:
                raise ValueError(
                    f"got {len(words)} columns, wanted {_BOX + k * each}: "
                    f"class, box and {k} keypoints of {each}"
                )
            values = np.array([number(word) for word in words])
            boxes[i] = _box(values[:_BOX], hw)
            xy[i], flags[i] = _points(values[_BOX:].reshape(k, each), hw)
            check_inside(xy[i], hw, keypoints.names)
    return Labelled.of(pair.name, pair.picture, xy, flags=flags, boxes=boxes)


def _box(values: Floats, hw: tuple[int, int]) -> Floats:
    """`class cx cy w h` → x, y, width, height in px."""
    if values[0] < 0 or not values[0].is_integer():
        raise ValueError(f"a class must be 0, 1, 2 …, got {values[0]:g}")
    if values[1:].min() < 0 or values[1:].max() > 1:
        raise ValueError(f"a box must be fractions from 0 to 1, got {values[1:].tolist()}")
    centre, size = values[1:3], values[3:5]
    box: Floats = np.concatenate([centre - size / 2, size]) * np.tile(hw[::-1], 2)
    return box


def _points(table: Floats, hw: tuple[int, int]) -> tuple[Floats, Floats]:
    """(K, 2 or 3) → (K, 2) px and (K,) flags."""
    if table.shape[1] == 3:
        flags = table[:, 2]
        if wrong := set(flags) - {0.0, 1.0, 2.0}:
            raise ValueError(f"visibility must be 0, 1 or 2, got {min(wrong):g}")
    else:
        flags = np.where(table.any(axis=1), VISIBLE, NOT_LABELLED).astype(np.float64)
    xy = table[:, :2] * hw[::-1] - 0.5
    return np.where(flags[:, None] > 0, xy, np.nan), flags
