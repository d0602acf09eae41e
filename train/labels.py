"""Labelled pictures, as every dataset gives them and every approach takes them.

Lengths are in pixels of the picture. Points follow `stream.geometry`: integers are pixel centres.
Boxes are counted as COCO counts them, from the pixels' edges: the whole picture is (0, 0, W, H).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from train import pictures

NOT_LABELLED, HIDDEN, VISIBLE = 0, 1, 2
"""What a keypoint's flag says: COCO's visibility."""

SPLITS = ("train", "val", "test")

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keypoints:
    """What K keypoints are: their names, the lines between them, and what a mirror does to them.

    `flip[i]` is the keypoint that keypoint i becomes in a mirrored picture; None = not known, so
    that a picture must not be mirrored. `oks_sigmas` are COCO's, None where nobody measured them.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    flip: tuple[int, ...] | None = None
    oks_sigmas: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        k = len(self.names)
        if k == 0 or len(set(self.names)) != k:
            raise ValueError(f"keypoints need names that differ, got {self.names}")
        if any(not (0 <= a < k and 0 <= b < k) for a, b in self.edges):
            raise ValueError(f"edges must join keypoints 0..{k - 1}, got {self.edges}")
        if self.flip is not None and not _swaps(self.flip, k):
            raise ValueError(f"flip must swap keypoints of 0..{k - 1} in pairs, got {self.flip}")
        if self.oks_sigmas is not None and len(self.oks_sigmas) != k:
            raise ValueError(f"{k} keypoints need {k} sigmas, got {len(self.oks_sigmas)}")


def _swaps(flip: tuple[int, ...], k: int) -> bool:
    """Whether mirroring twice gives each of K keypoints back."""
    return len(flip) == k and all(0 <= j < k and flip[j] == i for i, j in enumerate(flip))


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture and the N instances on it, each with the same K keypoints; N may be 0."""

    name: str  # which picture this is, within its dataset
    picture: Path | Image  # its file; or (H, W, 3) BGR, (H, W) grey
    xy: Floats  # (N, K, 2) px, NaN = not labelled
    flags: NDArray[np.uint8]  # (N, K) NOT_LABELLED, HIDDEN, VISIBLE
    boxes: Floats  # (N, 4) x, y, width, height in px, NaN = not known
    areas: Floats  # (N,) px², NaN = not known
    group: str  # pictures of one group stay on one side of a split
    cards: int | None = None  # how many cards it shows, None = not said
    crowds: Floats = field(default_factory=lambda: np.zeros((0, 5)))
    """(M, 5) x, y, width, height in px and area in px² of crowds: many, not labelled one by one."""

    def __post_init__(self) -> None:
        n, k = self.xy.shape[:2]
        shapes = (self.xy.shape, self.flags.shape, self.boxes.shape, self.areas.shape)
        if shapes != ((n, k, 2), (n, k), (n, 4), (n,)):
            raise ValueError(f"xy, flags, boxes and areas do not fit: got {shapes}")
        if ((self.flags > 0) != np.isfinite(self.xy).all(axis=2)).any():
            raise ValueError("a keypoint must have a place if its flag says so, and else be NaN")

    @classmethod
    def of(
        cls,
        name: str,
        picture: Path | Image,
        xy: Floats,
        *,
        flags: NDArray[np.uint8] | None = None,
        boxes: Floats | None = None,
        areas: Floats | None = None,
        group: str | None = None,
        cards: int | None = None,
    ) -> Labelled:
        """What is not given: finite points are visible, boxes and areas NaN, a group of its own.

        A box without width or height, or an area of 0, is how many tools write that nobody knows.
        """
        found = np.all(np.isfinite(xy), axis=2)
        boxes = np.full((len(xy), 4), np.nan) if boxes is None else boxes
        areas = np.full(len(xy), np.nan) if areas is None else areas
        return cls(
            name,
            picture,
            np.where(found[..., None], xy, np.nan),
            np.where(found, VISIBLE, NOT_LABELLED).astype(np.uint8) if flags is None else flags,
            np.where((boxes[:, 2:] > 0).all(axis=1, keepdims=True), boxes, np.nan),
            np.where(areas > 0, areas, np.nan),
            name if group is None else group,
            cards,
        )

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in px, of a file by its header. Raises ValueError if it is not one."""
        if isinstance(self.picture, Path):
            return pictures.size_hw(self.picture)
        return self.picture.shape[0], self.picture.shape[1]

    def read(self) -> Image:
        """The picture, (H, W, 3) BGR uint8. Raises ValueError if its file is not one."""
        if isinstance(self.picture, Path):
            return pictures.read(self.picture)
        image = self.picture
        return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Labelled pictures by split, and the lines that say which labels were skipped."""

    keypoints: Keypoints
    splits: dict[str, list[Labelled]]  # SPLITS, each may be empty
    skipped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if tuple(self.splits) != SPLITS:
            raise ValueError(f"splits must be {SPLITS}, got {tuple(self.splits)}")
        sides: dict[str, str] = {}
        names: set[str] = set()
        k = len(self.keypoints.names)
        for split, labelled in self.splits.items():
            for one in labelled:
                if one.xy.shape[1] != k:
                    raise ValueError(f"{one.name} has {one.xy.shape[1]} keypoints, wanted {k}")
                if sides.setdefault(one.group, split) != split:
                    raise ValueError(f"{one.group} is in {sides[one.group]} and in {split}")
                if one.name in names:
                    raise ValueError(f"the picture {one.name} is labelled twice")
                names.add(one.name)


def in_order(items: Sequence[T], train: float, val: float) -> dict[str, list[T]]:
    """Items → splits of these shares, without shuffling; what is left is the test's.

    Neighbours are often frames of one video, and shuffled would stand on both sides.
    """
    first, second = round(len(items) * train), round(len(items) * (train + val))
    return {
        "train": list(items[:first]),
        "val": list(items[first:second]),
        "test": list(items[second:]),
    }
