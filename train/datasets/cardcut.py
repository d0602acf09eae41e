"""Cardcut: folder with cardpoints.csv and images/ → labelled samples.

Its columns called `_x` are fractions of the picture's height (rows), those called `_y` fractions of
its width (columns); a hidden corner carries 0.0, 0.0. Every clip shows one count, so a split must
go by clip: a split by frame shows the test's answers in training.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stream.packet import EDGES, FLIP, KEYPOINTS
from train import pictures
from train.config import HELD_CLIPS
from train.label_files.wrong import Skipping, at, check_inside, number
from train.labels import SPLITS, Dataset, Keypoints, Labelled

HOLD_OUT = HELD_CLIPS
"""The counts whose clips validate where nobody names others."""

LEAST = 2
"""Corners that say where a packet is, and how large."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One labelled picture on disk."""

    path: Path
    xy: NDArray[np.float64]  # (8, 2) px, NaN = not labelled
    visible: NDArray[np.bool_]  # (8,)
    cards: int
    clip: str


def load(folder: Path) -> list[Sample]:
    """Every labelled picture of the folder, in the table's order, for what looks at its packet.

    Raises FileNotFoundError for a missing table, ValueError naming the line of a bad row, or a
    picture whose corners do not say where the packet is.
    """
    samples = _samples(folder, Skipping(skip_bad=False))
    for one in samples:
        if (seen := int(one.visible.sum())) < LEAST:
            raise ValueError(f"{one.path} has {seen} corners, {LEAST} are wanted: leave it out")
    return samples


def read(folder: Path, *, hold_out: Sequence[int] = HOLD_OUT, skip_bad: bool = False) -> Dataset:
    """The folder → the clips with these counts as val, all others as train.

    Where nobody names counts, HOLD_OUT as far as there are such clips. Raises ValueError for a
    named one without a clip.
    """
    skipping = Skipping(skip_bad)
    samples = _samples(folder, skipping)
    if hold_out is HOLD_OUT:
        hold_out = sorted(set(HOLD_OUT) & {one.cards for one in samples})
    train, held = split(samples, tuple(hold_out))
    sides = zip(SPLITS, (train, held, []), strict=True)
    splits = {side: [_labelled(folder, one) for one in part] for side, part in sides}
    return Dataset(Keypoints(KEYPOINTS, EDGES, FLIP), splits, skipping.lines)


def _labelled(folder: Path, one: Sample) -> Labelled:
    name = one.path.relative_to(folder).as_posix()
    return Labelled.of(name, one.path, one.xy[None], group=one.clip, cards=one.cards)


def _samples(folder: Path, skipping: Skipping) -> list[Sample]:
    table = folder / "cardpoints.csv"
    if not table.is_file():
        raise FileNotFoundError(
            f"no {table}: name the folder that holds cardpoints.csv and images/"
        )
    sizes: dict[str, tuple[int, int]] = {}
    samples = []
    with table.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        for row in rows:
            with skipping, at(table, rows.line_num):
                try:
                    samples.append(_sample(folder, row, sizes))
                except (KeyError, TypeError) as error:
                    raise ValueError(f"a cell is missing: {error!r}") from error
    return samples


def _sample(folder: Path, row: dict[str, str], sizes: dict[str, tuple[int, int]]) -> Sample:
    path = folder / "images" / row["imageName"]
    clip = row["videoId"]
    if not path.is_file():
        raise ValueError(f"there is no picture {path}")
    if clip not in sizes:  # one look a clip: its frames are of one size
        sizes[clip] = pictures.size_hw(path)
    height, width = sizes[clip]
    visible = np.array([row[f"{name}_visible"] == "1" for name in KEYPOINTS])
    xy = np.array([(number(row[f"{n}_y"]), number(row[f"{n}_x"])) for n in KEYPOINTS])
    xy = xy * (width, height)
    xy[~visible] = np.nan
    check_inside(xy, (height, width), KEYPOINTS)
    return Sample(path, xy, visible, int(row["cards_counted"]), clip)


def split(samples: list[Sample], hold_out: tuple[int, ...]) -> tuple[list[Sample], list[Sample]]:
    """Samples → (training, held out), by whole clips. ValueError for a count without a clip."""
    there = {s.cards for s in samples}
    if missing := set(hold_out) - there:
        raise ValueError(f"no clip shows {sorted(missing)} cards, there are {sorted(there)}")
    train = [s for s in samples if s.cards not in hold_out]
    held = [s for s in samples if s.cards in hold_out]
    return train, held
