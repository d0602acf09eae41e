"""Pictures → patches round the edges of the packets that a network finds in them, and the truth.

The network that finds them is the one whose corners the close-ups are to better: its own errors,
and errors drawn at random beside them, for of real pictures it knows the very ones it learnt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

import engines
from engines.spec import read_spec
from stream import closeups
from stream.frame import Frame
from stream.geometry import Region
from stream.looking import Look, Looker
from stream.packet import KEYPOINTS, extent_px
from stream.track import crop_around
from train import mixture
from train.config import Config
from train.datasets import cardcut
from train.metrics import best_order, corner_errors

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Image = NDArray[np.uint8]

HEIGHTS = (288, 384, 480, 600, 760)
"""Of the rendered pictures, px: packets of 120 to 900 pixels are seen so."""

COVERED = 0.3
"""Share of the rendered packets with fingers in front of a part of the corners."""

ASTRAY = 0.06
"""Corners that are so far off in the median, in parts of the extent, are misnamed: not learnt."""

MOVED, GROWN = 0.04, 0.08
"""How far the crop that the network sees is off, in parts of the extent and in logarithms."""

OFF = (0.003, 0.025)
"""Standard deviation of corners moved at random, in parts of the packet's extent, log-uniform."""

TOGETHER = 0.5
"""How far all corners move together, in those deviations."""

FURTHER, TIMES = 0.1, 3.0
"""Share of the corners that are further off, and by how much."""

TIMES_REAL = 2
"""Times that a real picture's corners are moved; a rendered one's once."""

SHOWN = 4
"""A packet of which fewer corners are seen says too little."""


class Examples(NamedTuple):
    """N patches, and what is true of them. Places are in parts of a patch's half."""

    pictures: NDArray[np.uint8]  # (N, SIZE, SIZE, 3)
    thought: NDArray[np.float32]  # (N, 2, 2) where its two corners were thought to be
    neighbours: NDArray[np.float32]  # (N, 2, 2, 2)
    truth: NDArray[np.float32]  # (N, 2, 2) where they are; NaN = not known
    seen: Flags  # (N, 2)
    group: NDArray[np.int64]  # (N,) number of the picture

    def at(self, which: slice | NDArray[Any]) -> Examples:
        """Some of them."""
        return Examples._make(part[which] for part in self)


@dataclass(frozen=True, slots=True, eq=False)
class _Truth:
    xy: Floats  # (8, 2), NaN = not known
    seen: Flags  # (8,)


def examples(config: Config, model: Path) -> Examples:
    """`config.samples` pictures, `config.real` of them real → the patches of their packets.

    `model` is the file of the network that finds them. Raises ValueError if no corner is found in
    any of them and if the network finds other keypoints, OSError for a file that cannot be read.
    """
    pictures = _Pictures(config, model)
    # as arrays: tensors would each keep a file open
    loader = DataLoader(pictures, batch_size=None, num_workers=config.workers, collate_fn=_as_it_is)
    described = f"cutting out corners of {config.samples} pictures"
    parts = [part for part in track(loader, described, auto_refresh=False) if part is not None]
    if not parts:
        raise ValueError(f"no corner is found in {config.samples} pictures: raise samples")
    return Examples._make(np.concatenate(column) for column in zip(*parts, strict=True))


def _as_it_is(part: Any) -> Any:
    return part


class _Pictures(Dataset[Examples | None]):
    """Picture by picture; which one, and how its corners are off, follows from seed and index."""

    def __init__(self, config: Config, model: Path) -> None:
        found = read_spec(model).keypoints  # here, for a process that is forked says it badly
        if found != KEYPOINTS:
            raise ValueError(f"the corners of a packet are wanted, {model} finds {found}")
        samples = cardcut.load(Path(config.data)) if config.data else []
        learnt = cardcut.split(samples, config.hold_out)[0]
        self._config, self._model = config, model
        self._pictures = mixture.read_pictures(config, learnt)
        self._looker: Looker | None = None  # opened in the process that uses it

    def __len__(self) -> int:
        return self._config.samples

    def __getitem__(self, index: int) -> Examples | None:
        if self._looker is None:
            cv2.setNumThreads(1)
            torch.set_num_threads(1)
            self._looker = Looker(engines.open_engine(self._model, "auto"))
        rng = np.random.default_rng([self._config.seed, index])
        rows = list(self._rows(rng, self._looker))
        if not rows:
            return None
        cut, truth, seen = zip(*rows, strict=True)
        return Examples(
            np.stack([one.picture for one in cut]),
            np.array([one.thought for one in cut], np.float32),
            np.array([one.neighbours for one in cut], np.float32),
            np.array(truth, np.float32),
            np.array(seen),
            np.full(len(rows), index),
        )

    def _rows(self, rng: np.random.Generator, looker: Looker) -> Iterator[_Row]:
        real = bool(self._pictures.real) and rng.random() < self._config.real
        image, truth = (_real if real else _rendered)(self._pictures, rng)
        if truth.seen.sum() < SHOWN:
            return
        extent = extent_px(truth.xy)
        look = _look(image, truth, rng, looker)
        xy = look.packet.xy
        truth, off = _named(truth, xy)
        if off < ASTRAY * extent:
            yield from _patches(image, xy, look.seen, truth)
        base = np.where(np.isfinite(truth.xy), truth.xy, xy)
        for _ in range(TIMES_REAL if real else 1):
            sigma = extent * np.exp(rng.uniform(*np.log(OFF)))
            times = np.where(rng.random((8, 1)) < FURTHER, TIMES, 1.0)
            each = rng.normal(0, sigma, (8, 2)) * times
            moved = base + each + rng.normal(0, TOGETHER * sigma, 2)
            yield from _patches(image, moved, truth.seen.astype(float), truth)


_Row = tuple[closeups.CloseUp, Floats, Flags]


def _real(pictures: mixture.Pictures, rng: np.random.Generator) -> tuple[Image, _Truth]:
    at = int(rng.integers(len(pictures.real)))
    sample = pictures.real[at]
    return pictures.frames[at], _Truth(sample.xy, sample.visible & np.isfinite(sample.xy[:, 0]))


def _rendered(pictures: mixture.Pictures, rng: np.random.Generator) -> tuple[Image, _Truth]:
    near = pictures.near if rng.random() < mixture.NEAR else pictures.far
    renderer = pictures.covered if rng.random() < COVERED else near
    height = int(rng.choice(HEIGHTS))
    shot = renderer.sample(rng, (height, height * 4 // 3))
    return shot.image, _Truth(shot.xy, shot.visible)


def _look(image: Image, truth: _Truth, rng: np.random.Generator, looker: Looker) -> Look:
    """What the network says of a crop as a tracker would have it, about where the packet is."""
    hw = image.shape[0], image.shape[1]
    moved = truth.xy + rng.normal(0, MOVED * extent_px(truth.xy), 2)
    fits = crop_around(moved, hw, looker.input_hw)
    grown = np.exp(rng.normal(0, GROWN))
    width, height = round(fits.width * grown), round(fits.height * grown)
    x, y = fits.x - (width - fits.width) // 2, fits.y - (height - fits.height) // 2
    return looker.look(Frame(image, 0, 0.0, None, "training"), Region(x, y, width, height))


def _named(truth: _Truth, xy: Floats) -> tuple[_Truth, float]:
    """The truth under the names that the network gave, and how far off it is, px in the median."""
    shown = np.where(truth.seen[:, None], truth.xy, np.nan)
    order = best_order(xy, shown)  # there and back it is the same
    off = float(np.median(corner_errors(xy, shown)))
    return _Truth(truth.xy[order], truth.seen[order]), off


def _patches(image: Image, xy: Floats, seen: Floats, truth: _Truth) -> Iterator[_Row]:
    for one in closeups.cut(image, xy, seen):
        both = list(one.corners)
        yield one, one.there(truth.xy[both]), truth.seen[both]
