"""Cardcut: folder with cardpoints.csv and images/ → labelled samples.

Its columns called `_x` are fractions of the picture's height (rows), those called `_y` fractions of
its width (columns); a hidden corner carries 0.0, 0.0. Every clip shows one count, so a split must
go by clip: a split by frame shows the test's answers in training.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stream.packet import KEYPOINTS


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One labelled picture on disk."""

    path: Path
    xy: NDArray[np.float64]  # (8, 2) px, NaN = not labelled
    visible: NDArray[np.bool_]  # (8,)
    cards: int
    clip: str


def load(folder: Path) -> list[Sample]:
    """Every labelled picture of the folder, in the table's order.

    Raises FileNotFoundError for a missing table, ValueError naming the line of a bad row.
    """
    table = folder / "cardpoints.csv"
    if not table.is_file():
        raise FileNotFoundError(
            f"no {table}: name the folder that holds cardpoints.csv and images/"
        )
    with table.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    sizes: dict[str, tuple[int, int]] = {}
    samples = []
    for number, row in enumerate(rows, start=2):
        try:
            samples.append(_sample(folder, row, sizes))
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"{table}, line {number}: {error!r}") from error
    return samples


def _sample(folder: Path, row: dict[str, str], sizes: dict[str, tuple[int, int]]) -> Sample:
    path = folder / "images" / row["imageName"]
    clip = row["videoId"]
    if clip not in sizes:  # one look a clip: its frames are of one size
        image = cv2.imread(str(path))
        if image is None:
            raise ValueError(f"no picture {path}")
        sizes[clip] = image.shape[:2]
    height, width = sizes[clip]
    visible = np.array([row[f"{name}_visible"] == "1" for name in KEYPOINTS])
    xy = np.array([(float(row[f"{n}_y"]), float(row[f"{n}_x"])) for n in KEYPOINTS])
    xy = xy * (width, height)
    xy[~visible] = np.nan
    return Sample(path, xy, visible, int(row["cards_counted"]), clip)


def split(samples: list[Sample], hold_out: tuple[int, ...]) -> tuple[list[Sample], list[Sample]]:
    """Samples → (training, held out), by whole clips. ValueError for a count without a clip."""
    missing = set(hold_out) - {s.cards for s in samples}
    if missing:
        raise ValueError(f"no clip shows {sorted(missing)} cards, so it cannot be held out")
    train = [s for s in samples if s.cards not in hold_out]
    held = [s for s in samples if s.cards in hold_out]
    return train, held
