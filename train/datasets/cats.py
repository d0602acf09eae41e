"""Cats: beside each NAME.jpg a NAME.jpg.cat, `9 x1 y1 … x9 y9` in px → points of a cat's head.

The CAT set (Zhang, Sun and Tang 2008), as Kaggle has it. Left is the picture's left. The points of
an ear go round clockwise, so that a mirror turns the left ear's first into the right ear's third.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream.geometry import Region, input_from_frame
from stream.prepare import prepare
from train import pictures
from train.label_files.wrong import Skipping, at, check_inside, number
from train.labels import Dataset, Keypoints, Labelled, in_order

NAMES = (
    *("left_eye", "right_eye", "mouth"),
    *("left_ear_1", "left_ear_2", "left_ear_3", "right_ear_1", "right_ear_2", "right_ear_3"),
)
_FLIP = (1, 0, 2, 8, 7, 6, 5, 4, 3)
_EDGES = ((0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (6, 7), (7, 8), (5, 6))

CROP_HW = (64, 64)
CROP_MARGIN_PX = 20


def read(folder: Path, *, points: Sequence[str] = NAMES[:3], skip_bad: bool = False) -> Dataset:
    """All .cat files below the folder → 60 % train, 20 % val, 20 % test, by path, not shuffled.

    `points` are the NAMES that are used. A picture without a .cat file is not read.
    """
    paths = sorted(folder.rglob("*.cat"))
    if not paths:
        raise FileNotFoundError(f"no NAME.jpg.cat below {folder}: name the folder of the CAT set")
    keypoints = chosen(points)
    skipping, labelled = Skipping(skip_bad), []
    for path in paths:
        with skipping, at(path):
            labelled.append(_labelled(folder, path, keypoints.names))
    return Dataset(keypoints, in_order(labelled, 0.6, 0.2), skipping.lines)


def chosen(points: Sequence[str]) -> Keypoints:
    """Some of NAMES → the keypoints that they are; ValueError for a name that is not there."""
    if unknown := [name for name in points if name not in NAMES]:
        raise ValueError(f"a cat has no point {unknown[0]!r}; it has {', '.join(NAMES)}")
    old = [NAMES.index(name) for name in points]
    edges = tuple((old.index(a), old.index(b)) for a, b in _EDGES if a in old and b in old)
    flip = tuple(old.index(_FLIP[i]) for i in old) if {_FLIP[i] for i in old} == set(old) else None
    return Keypoints(tuple(points), edges, flip)


def _labelled(folder: Path, path: Path, names: Sequence[str]) -> Labelled:
    words = path.read_text(encoding="utf-8").split()
    values = [number(word) for word in words]
    if len(values) != 19 or values[0] != 9:
        raise ValueError(f"wanted 9 and nine points x y, got {len(words)} numbers")
    xy = np.array(values[1:]).reshape(9, 2)[[NAMES.index(name) for name in names]]
    picture = path.with_suffix("")
    check_inside(xy, pictures.size_hw(picture), names)
    return Labelled.of(picture.relative_to(folder).as_posix(), picture, xy[None])


def crop_region(xy: NDArray[np.float64], frame_hw: tuple[int, int]) -> Region:
    """Points (K, 2) px → the preset's crop: their box and 20 px more each way, in the picture."""
    height, width = frame_hw
    low = np.floor(np.nanmin(xy, axis=0)).astype(int) - CROP_MARGIN_PX
    high = np.ceil(np.nanmax(xy, axis=0)).astype(int) + CROP_MARGIN_PX
    left, top = max(0, int(low[0])), max(0, int(low[1]))
    right, bottom = min(width - 1, int(high[0])), min(height - 1, int(high[1]))
    return Region(left, top, right - left + 1, bottom - top + 1)


def crop(
    image: NDArray[np.uint8], xy: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Picture (H, W, 3) and points (K, 2) px → (64, 64, 3) of `crop_region`, and the points there.

    The crop is stretched to a square, as the preset has it.
    """
    height, width = image.shape[:2]
    region = crop_region(xy, (height, width))
    return prepare(image, region, CROP_HW), input_from_frame(xy, region, CROP_HW)
